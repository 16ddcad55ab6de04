/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

/** Weights of 4 bits in plain Java. */
final class ScalarInt4 implements Int4Kernel {
    /** The largest magnitude of a weight that is rounded to a byte. */
    static final int HIGHEST_CODE = 127;

    /** Of a code with 8 bits behind the point. */
    static final int HALF = 128;

    @Override
    public void multiply(StoredInt4Rows w, Int4Activations x, float[] y, int out) {
        Int4Rows two = Int4Rows.zeros(2, w.blocks());
        for (int o = w.from(); o < w.to(); o += 2) {
            int count = Math.min(2, w.to() - o);
            w.copyRows(o, count, two);
            for (int i = 0; i < count; i++) {
                for (int r = 0; r < x.rows; r++) {
                    y[r * out + o + i] = dot(x, r, two, i);
                }
            }
        }
    }

    private static float dot(Int4Activations a, int aRow, Int4Rows b, int bRow) {
        double sum = 0;
        for (int group = 0; group < b.groups(); group++) {
            int word = b.codesFrom(bRow) + Int4Rows.firstByte(group);
            int codes = a.codesFrom(aRow) + a.first(aRow, group);
            int products = 0;
            for (int v = 0; v < Int4Rows.WORDS; v++) {
                for (int nibble = 0; nibble < 8; nibble++) {
                    int weight = b.codes()[word + nibble / 2] >> nibble % 2 * 4 & 15;
                    products += weight * a.codes[codes + nibble % 4 * a.step(aRow) + nibble / 4];
                }
                word += Int4Rows.WORD_STRIDE;
                codes += 4 * a.step(aRow);
            }
            int input = a.groupsFrom(aRow) + group;
            sum += products * (bfloat(b.scalesOffsets()[b.scalesFrom(bRow) + group]) * a.scales[input])
                    + bfloat(b.scalesOffsets()[b.offsetsFrom(bRow) + group]) * a.sums[input];
        }
        return (float) sum;
    }

    @Override
    public void widen(Int4Rows weights, int row, float[] out, int outFrom) {
        for (int group = 0; group < weights.groups(); group++) {
            float scale = bfloat(weights.scalesOffsets()[weights.scalesFrom(row) + group]);
            float offset = bfloat(weights.scalesOffsets()[weights.offsetsFrom(row) + group]);
            int from = weights.codesFrom(row) + Int4Rows.firstByte(group);
            for (int i = 0; i < Int4Rows.GROUP; i++) {
                int code = weights.codes()[from + i / 8 * Int4Rows.WORD_STRIDE + i % 8 / 2] >> i % 2 * 4 & 15;
                out[outFrom + Int4Rows.place(group * Int4Rows.GROUP + i)] = code * scale + offset;
            }
        }
    }

    @Override
    public void narrow(Int4Rows weights, int row, float highest, short[] out) {
        float factor = fixedPoint(highest);
        for (int group = 0; group < weights.groups(); group++) {
            int scale = rounded(bfloat(weights.scalesOffsets()[weights.scalesFrom(row) + group]) * factor);
            int offset = rounded(bfloat(weights.scalesOffsets()[weights.offsetsFrom(row) + group]) * factor) + HALF;
            int from = weights.codesFrom(row) + Int4Rows.firstByte(group);
            for (int i = 0; i < Int4Rows.GROUP; i += 2) {
                int pair = weights.codes()[from + i / 8 * Int4Rows.WORD_STRIDE + i % 8 / 2];
                int low = (pair & 15) * scale + offset >> Byte.SIZE;
                int high = (pair >> 4 & 15) * scale + offset >> Byte.SIZE;
                out[Int4Rows.bytePlace(group * Int4Rows.GROUP + i) / 2] = (short) (high << Byte.SIZE | low & 0xff);
            }
        }
    }

    /** What turns weights of a row into codes with 8 bits behind the point. */
    static float fixedPoint(float highest) {
        return highest == 0 ? 0 : (HIGHEST_CODE << Byte.SIZE) / highest;
    }

    private static int rounded(float value) {
        return (short) Float.floatToRawIntBits(value + ScalarKernels.ROUNDER);
    }

    static float bfloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }
}
