/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

/** Weights of 4 bits in plain Java. */
final class ScalarInt4 implements Int4Kernel {

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
        widenRow(weights, row, out, outFrom);
    }

    private static void widenRow(Int4Rows weights, int row, float[] out, int outFrom) {
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
    public float narrow(Int4Rows weights, int row, byte[] out) {
        float highest = largest(weights, row);
        float inverse = highest == 0 ? 0 : 127 / highest;
        narrow(weights, row, inverse, out);
        return highest / 127;
    }

    /** The largest magnitude that the codes 0 and 15 of any group in the row stand for. */
    private static float largest(Int4Rows weights, int row) {
        float highest = 0;
        for (int group = 0; group < weights.groups(); group++) {
            float scale = bfloat(weights.scalesOffsets()[weights.scalesFrom(row) + group]);
            float offset = bfloat(weights.scalesOffsets()[weights.offsetsFrom(row) + group]);
            highest = Math.max(highest, Math.max(Math.abs(offset), Math.abs(15 * scale + offset)));
        }
        return highest;
    }

    static void narrow(Int4Rows weights, int row, float inverse, byte[] out) {
        float[] values = new float[weights.blocks() * Int4Rows.BLOCK];
        widenRow(weights, row, values, 0);
        ScalarKernels.roundToBytes(values, 0, inverse, out, 0, values.length);
    }

    private static float bfloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }
}
