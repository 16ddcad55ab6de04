/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Equality of what is computed twice. On newer Java the lanes of a vector are summed in one order while code is interpreted and in another
 * once it is compiled, so that two equal calls may differ in the last bits (docs/numerics.md).
 */
final class Rounding {
    private static final float LAST_BITS = 1e-5f;

    private Rounding() {}

    /** Refuses anything but the same, floats up to their last bits. */
    static void assertEqualButForLastBits(Object actual, Object expected) {
        assertThat(actual)
                .usingRecursiveComparison()
                .withEqualsForType((a, b) -> Math.abs(a - b) <= LAST_BITS * Math.max(1, Math.abs(b)), Float.class)
                .isEqualTo(expected);
    }
}
