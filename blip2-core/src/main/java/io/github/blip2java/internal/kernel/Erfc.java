/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

/** The complementary error function, to 1.2e-7 relative. Source: Press et al., Numerical Recipes, "erfcc". */
public final class Erfc {
    /** Of Chebyshev polynomials for ln(erfc(z) / t) + z², t = 1 / (1 + z / 2). */
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

    /**
     * Computes 1 − erf(x).
     *
     * @param x any number
     * @return 0 to 2
     */
    public static double of(double x) {
        double z = Math.abs(x);
        double t = 1 / (1 + 0.5 * z);
        double poly = 0;
        for (int i = COEFFICIENTS.length - 1; i >= 0; i--) {
            poly = poly * t + COEFFICIENTS[i];
        }
        double y = t * Math.exp(-z * z + poly);
        return x >= 0 ? y : 2 - y;
    }
}
