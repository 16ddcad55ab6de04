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
import io.github.blip2java.internal.kernel.Kernels;
import io.github.blip2java.internal.kernel.Scratch;
import java.nio.ByteBuffer;
import java.nio.IntBuffer;
import java.nio.ShortBuffer;
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

    private static final float LIMIT = Float.MAX_VALUE / 2;

    private static final Kernels KERNELS = Kernels.get();
    private static final RowQuantizer ROWS = RowQuantizer.get();
    private static final Scratch<byte[]> BYTES = Scratch.of(byte[]::new);
    private static final Scratch<int[]> WORDS = Scratch.of(int[]::new);
    private static final Scratch<short[]> SCALES_OFFSETS = Scratch.of(short[]::new);

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
        String name = tensor.info().name();
        ByteBuffer codes = parts.get(0);
        ByteBuffer scales = parts.get(1);
        if (format == WeightFormat.INT8) {
            FloatRows.forEach(tensor, out, in, (row, values) -> {
                byte[] bytes = BYTES.get(in);
                float scale = ROWS.int8(values, in, largest(values, in, row, name, format), bytes);
                codes.put(row * in, bytes, 0, in);
                scales.putFloat(row * Float.BYTES, scale);
            });
            return parts;
        }
        int words = Int4Rows.blocks(in) * Int4Rows.BLOCK_BYTES / Integer.BYTES;
        int groups = Int4Rows.blocks(in) * Int4Rows.BLOCK_GROUPS;
        IntBuffer wordsOfAll = codes.asIntBuffer();
        ShortBuffer scalesOffsetsOfAll = scales.asShortBuffer();
        FloatRows.forEach(tensor, out, in, (row, values) -> {
            int[] row4 = WORDS.get(words);
            short[] scalesOffsets = SCALES_OFFSETS.get(2 * groups);
            ROWS.int4(values, in, largest(values, in, row, name, format), row4, scalesOffsets);
            wordsOfAll.put(row * words, row4, 0, words);
            scalesOffsetsOfAll.put(row * 2 * groups, scalesOffsets, 0, 2 * groups);
        });
        return parts;
    }

    /** The largest magnitude in a row of finite numbers; a range of half the largest float leaves room for differences. */
    private static float largest(float[] values, int in, int row, String name, WeightFormat format) {
        float largest = KERNELS.largestMagnitude(values, 0, in);
        for (int i = 0; i < in && !(largest < LIMIT); i++) {
            if (!(Math.abs(values[i]) < LIMIT)) {
                throw new UnsupportedModelException("tensor \"" + name + "\"[" + row + ", " + i
                        + "]: expected a finite weight, got " + values[i] + ", which "
                        + format.name().toLowerCase(Locale.ROOT)
                        + " cannot hold; the checkpoint is damaged, download it again");
            }
        }
        return largest;
    }
}
