/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli.verify;

import io.github.blip2java.Blip2Config;
import io.github.blip2java.checkpoint.Checkpoint;
import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.checkpoint.TensorInfo;
import io.github.blip2java.checkpoint.WeightFormat;

/** How far an output may be from the reference; the reasons are in docs/numerics.md. */
public final class Tolerances {
    /** Relative RMS of a stage output of a tiny model: rounding alone. */
    public static final double TINY = 1e-5;

    /** The same for a full-size model, whose sums are longer and whose layers are more. */
    public static final double FULL_SIZE = 1e-4;

    /** How many times the reference's own float32 error ours may be, where the case tells it. */
    public static final double TIMES_REFERENCE = 2.5;

    /** Weights of more bits kept as float16: 24 times the relative rounding error of one, 0.42 · 2^-11. */
    public static final double F16 = 0.005;

    /** Weights of more bits kept as bfloat16: 24 times the relative rounding error of one, 0.42 · 2^-8. */
    public static final double BF16 = 0.04;

    /** int8: a cosine of 0.999 with float32 is a relative error of √(2 · 0.001). */
    public static final double INT8 = 0.045;

    /** int4: a cosine of 0.98 is a relative error of √(2 · 0.02). */
    public static final double INT4 = 0.2;

    /** No element may be off by more than this many times the bound, relative to the tensor's RMS. */
    public static final double WORST_ELEMENT = 10;

    private Tolerances() {}

    /**
     * The format that loading rounds matrices to, or that they were rounded to before they were stored.
     *
     * @param checkpoint what is loaded
     * @param dtype      how it is loaded
     * @return F16, BF16, INT8 or INT4; AUTO if every matrix keeps the values of the file
     */
    public static WeightFormat rounding(Checkpoint checkpoint, WeightFormat dtype) {
        return switch (dtype) {
            case AUTO, F32 -> checkpoint.quantization();
            case F16, BF16 -> {
                int kept = significantBits(dtype == WeightFormat.F16 ? DType.F16 : DType.BF16);
                boolean rounds = checkpoint.tensors().values().stream()
                        .map(tensor -> tensor.info())
                        .anyMatch(tensor -> isMatrix(tensor) && significantBits(tensor.dtype()) > kept);
                yield rounds ? dtype : WeightFormat.AUTO;
            }
            default -> dtype;
        };
    }

    private static boolean isMatrix(TensorInfo tensor) {
        return tensor.dtype().isWeight() && tensor.shape().length == 2;
    }

    private static int significantBits(DType floats) {
        return switch (floats) {
            case F16 -> 11;
            case BF16 -> 8;
            default -> 24;
        };
    }

    /**
     * The largest relative RMS error of an output.
     *
     * @param config   the model
     * @param rounding what {@link #rounding} says
     * @param own      the reference's own error against float64, or NaN where the case does not tell it
     * @return the bound
     */
    public static double relativeRms(Blip2Config config, WeightFormat rounding, double own) {
        return switch (rounding) {
            case F16 -> F16;
            case BF16 -> BF16;
            case INT8 -> INT8;
            case INT4 -> INT4;
            default -> {
                double unknown = config.visionConfig().hiddenSize() < 512 ? TINY : FULL_SIZE;
                yield Double.isNaN(own) ? unknown : Math.max(TINY, TIMES_REFERENCE * own);
            }
        };
    }
}
