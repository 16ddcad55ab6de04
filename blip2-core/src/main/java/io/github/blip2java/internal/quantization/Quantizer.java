/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.quantization;

import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.checkpoint.SafetensorsWriter.Planned;
import io.github.blip2java.checkpoint.StoredTensor;
import io.github.blip2java.checkpoint.TensorInfo;
import io.github.blip2java.checkpoint.UnsupportedModelException;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.checkpoint.WeightMemory;
import io.github.blip2java.internal.kernel.Int4Rows;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Makes matrices of 8 or 4 bits.
 *
 * <p>8 bits: w ≈ code · scale, scale = max |w| / 127 over a row, code = round(w / scale). 4 bits: w ≈ code · scale + offset
 * with codes 0 to 15, where scale and offset are bfloat16, one pair for each group of 32 in a row; of several ranges within
 * that of the group, the one with the least squared error is taken. Both are stored as tensors of their own, see
 * {@link #plan}.
 */
public final class Quantizer {
    /** Key in {@code config.json} of a quantised checkpoint, the one that {@code transformers} looks at too. */
    public static final String CONFIG_KEY = "quantization_config";

    /** Value of {@code quant_method} there, which names this layout; another one would have another name. */
    public static final String METHOD = "blip2-java-1";

    /**
     * What stays as it is stored. Lookup tables: their rows are inputs, and there is nothing to multiply. Heads of retrieval: they are
     * small, and their error would be the answer's.
     */
    private static final Pattern KEPT = Pattern.compile(
            ".*(embed|shared\\.|relative_attention_bias).*|(vision_projection|text_projection|itm_head)\\.weight");

    private static final String SCALE = ".scale";
    private static final String SCALE_AND_OFFSET = ".scale_and_offset";

    private static final int HIGHEST_INT8 = 127;
    private static final int HIGHEST_INT4 = 15;

    /** How far an end of a group's range may move, as a part of its width. Measured: finer steps gain 2 % of the error. */
    private static final float[] MOVES = {-0.04f, -0.02f, 0.02f, 0.04f};

    private Quantizer() {}

    /**
     * Tells whether a tensor is a matrix that products use, and so may be quantised. Lookup tables, heads of
     * retrieval, norms, biases, query tokens and the patch convolution are not.
     *
     * @param tensor an entry of a float checkpoint
     * @return true for what components load as matrices
     */
    public static boolean applies(TensorInfo tensor) {
        return tensor.dtype().isWeight()
                && tensor.shape().length == 2
                && tensor.name().endsWith(".weight")
                && !KEPT.matcher(tensor.name()).matches();
    }

    /**
     * Lists the tensors of a quantised matrix.
     *
     * @param format INT8: {@code name}, I8 {@code [out, in]}, and {@code name.scale}, F32 {@code [out]}. INT4: {@code name},
     *               U8 {@code [out, bytes]} as {@link Int4Rows} says, and {@code name.scale_and_offset}, BF16
     *               {@code [out, 2, groups]}
     * @param name   the matrix's name
     * @param out    rows
     * @param in     columns
     * @return the tensors, in the order of {@link #quantize}
     */
    public static List<Planned> plan(WeightFormat format, String name, long out, int in) {
        if (format == WeightFormat.INT8) {
            return List.of(
                    new Planned(name, DType.I8, new long[] {out, in}),
                    new Planned(name + SCALE, DType.F32, new long[] {out}));
        }
        long blocks = Int4Rows.blocks(in);
        return List.of(
                new Planned(name, DType.U8, new long[] {out, blocks * Int4Rows.BLOCK_BYTES}),
                new Planned(name + SCALE_AND_OFFSET, DType.BF16, new long[] {out, 2, blocks * Int4Rows.BLOCK_GROUPS}));
    }

    /**
     * Quantises a matrix, all cores sharing its rows. What is read of it is never in memory as a whole.
     *
     * @param tensor {@code [out, in]}, F32, F16 or BF16
     * @param format INT8 or INT4
     * @param memory where to put the result
     * @return bytes in that memory, for each tensor of {@link #plan}
     * @throws UnsupportedModelException if a weight is no finite number
     */
    public static List<ByteBuffer> quantize(StoredTensor tensor, WeightFormat format, WeightMemory memory) {
        int out = Math.toIntExact(tensor.info().shape()[0]);
        int in = Math.toIntExact(tensor.info().shape()[1]);
        List<ByteBuffer> parts = plan(format, tensor.info().name(), out, in).stream()
                .map(part -> memory.allocate(part.bytes()))
                .toList();
        FloatRows.forEach(tensor, out, in, (row, values) -> {
            check(values, in, row, tensor.info().name(), format);
            if (format == WeightFormat.INT8) {
                quantizeInt8(values, in, row, parts);
            } else {
                quantizeInt4(values, in, row, parts);
            }
        });
        return parts;
    }

    private static void check(float[] values, int in, int row, String name, WeightFormat format) {
        for (int i = 0; i < in; i++) {
            // A range of half the largest float leaves room for differences.
            if (!(Math.abs(values[i]) < Float.MAX_VALUE / 2)) {
                throw new UnsupportedModelException("tensor \"" + name + "\"[" + row + ", " + i
                        + "]: expected a finite weight, got " + values[i] + ", which "
                        + format.name().toLowerCase(Locale.ROOT)
                        + " cannot hold; the checkpoint is damaged, download it again");
            }
        }
    }

    private static void quantizeInt8(float[] values, int in, int row, List<ByteBuffer> parts) {
        float highest = 0;
        for (int i = 0; i < in; i++) {
            highest = Math.max(highest, Math.abs(values[i]));
        }
        float scale = highest / HIGHEST_INT8;
        byte[] codes = new byte[in];
        // A scale of 0 comes from zeros, or from weights that no float could tell from zero once multiplied.
        for (int i = 0; i < in && scale > 0; i++) {
            codes[i] = (byte) Math.max(-HIGHEST_INT8, Math.min(HIGHEST_INT8, Math.rint(values[i] / scale)));
        }
        parts.get(0).put(row * in, codes);
        parts.get(1).putFloat(row * Float.BYTES, scale);
    }

    private static void quantizeInt4(float[] values, int in, int row, List<ByteBuffer> parts) {
        int groups = Int4Rows.blocks(in) * Int4Rows.BLOCK_GROUPS;
        byte[] codes = new byte[groups * Int4Rows.GROUP / 2];
        for (int from = 0; from < in; from += Int4Rows.GROUP) {
            int n = Math.min(Int4Rows.GROUP, in - from);
            int group = from / Int4Rows.GROUP;
            Int4Range range = Int4Range.best(values, from, n);
            for (int i = 0; i < n; i++) {
                int at = Int4Rows.firstByte(group) + i / 8 * Int4Rows.WORD_STRIDE + i % 8 / 2;
                codes[at] |= (byte) (range.code(values[from + i]) << i % 2 * 4);
            }
            int at = (row * 2 * groups + group) * Short.BYTES;
            parts.get(1).putShort(at, Narrowing.toBfloat16(range.scale()));
            parts.get(1).putShort(at + groups * Short.BYTES, Narrowing.toBfloat16(range.offset()));
        }
        parts.get(0).put(row * codes.length, codes);
    }

    /** Where a group's codes 0 to 15 lie; both numbers are exact in bfloat16. */
    private record Int4Range(float offset, float scale) {
        static Int4Range between(float low, float high) {
            float offset = bfloat16(low);
            return new Int4Range(offset, bfloat16((high - offset) / HIGHEST_INT4));
        }

        private static float bfloat16(float value) {
            return Float.intBitsToFloat(Narrowing.toBfloat16(value) << 16);
        }

        /** Moves the lower end of the values' range, then the upper one, to where the squared error is least. */
        static Int4Range best(float[] values, int from, int n) {
            float low = values[from];
            float high = values[from];
            for (int i = from + 1; i < from + n; i++) {
                low = Math.min(low, values[i]);
                high = Math.max(high, values[i]);
            }
            float width = high - low;
            Int4Range best = between(low, high);
            float least = best.squaredError(values, from, n);
            float bestLow = low;
            for (float move : MOVES) {
                Int4Range range = between(low + move * width, high);
                float error = range.squaredError(values, from, n);
                if (error < least) {
                    least = error;
                    best = range;
                    bestLow = low + move * width;
                }
            }
            for (float move : MOVES) {
                Int4Range range = between(bestLow, high + move * width);
                float error = range.squaredError(values, from, n);
                if (error < least) {
                    least = error;
                    best = range;
                }
            }
            return best;
        }

        private float squaredError(float[] values, int from, int n) {
            float inverse = scale == 0 ? 0 : 1 / scale;
            float sum = 0;
            for (int i = from; i < from + n; i++) {
                float error = code(values[i], inverse) * scale + offset - values[i];
                sum += error * error;
            }
            return sum;
        }

        int code(float value) {
            return code(value, scale == 0 ? 0 : 1 / scale);
        }

        private int code(float value, float inverse) {
            return (int) (Math.max(0f, Math.min(HIGHEST_INT4, (value - offset) * inverse)) + 0.5f);
        }
    }
}
