/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.examples.verify;

import io.github.blip2java.Blip2Config;
import io.github.blip2java.weights.WeightFormat;

/** How far an output may be from the reference; the reasons are in docs/numerics.md. */
public final class Tolerances {
    /** Relative RMS of a stage output of a tiny model: rounding alone. */
    public static final double TINY = 1e-5;

    /** The same for a full-size model, whose sums are longer and whose layers are more. */
    public static final double FULL_SIZE = 1e-4;

    /** int8: a cosine of 0.999 with float32 is a relative error of √(2 · 0.001). */
    public static final double INT8 = 0.045;

    /** int4: a cosine of 0.98 is a relative error of √(2 · 0.02). */
    public static final double INT4 = 0.2;

    /** No element may be off by more than this many times the bound, relative to the tensor's RMS. */
    public static final double WORST_ELEMENT = 10;

    private Tolerances() {}

    /**
     * Gives the bound on the relative RMS error.
     *
     * @param config the model
     * @param format how its matrices are kept
     * @return the bound
     */
    public static double relativeRms(Blip2Config config, WeightFormat format) {
        return switch (format) {
            case INT8 -> INT8;
            case INT4 -> INT4;
            default -> config.visionConfig().hiddenSize() < 512 ? TINY : FULL_SIZE;
        };
    }
}
