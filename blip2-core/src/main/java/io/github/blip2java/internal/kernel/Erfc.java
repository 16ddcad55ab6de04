/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

/** Chebyshev coefficients of ln(erfc(z) / t) + z², t = 1 / (1 + z / 2): Press et al., Numerical Recipes, "erfcc". */
final class Erfc {
    static final float[] COEFFICIENTS = {
        -1.26551223f,
        1.00002368f,
        0.37409196f,
        0.09678418f,
        -0.18628806f,
        0.27886807f,
        -1.13520398f,
        1.48851587f,
        -0.82215223f,
        0.17087277f
    };

    private Erfc() {}
}
