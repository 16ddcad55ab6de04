/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.nn;

import io.github.blip2java.internal.kernel.Kernels;
import java.util.Arrays;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/** The elementwise functions that {@code hidden_act} and its relatives name. Reference: {@code ACT2FN}. */
public enum Activation {
    /** x. */
    IDENTITY,
    /** x · Φ(x), with the exact error function. */
    GELU,
    /** GELU by its tanh approximation. */
    GELU_NEW,
    /** The same approximation under its newer name. */
    GELU_PYTORCH_TANH,
    /** x · sigmoid(1.702 x). */
    QUICK_GELU,
    /** max(x, 0). */
    RELU,
    /** x · sigmoid(x). */
    SILU;

    /**
     * Finds an activation by its name in a configuration.
     *
     * @param name one of {@link #names()}
     * @return the activation
     * @throws IllegalArgumentException if there is no such activation
     */
    public static Activation of(String name) {
        return valueOf(name.toUpperCase(Locale.ROOT));
    }

    /**
     * Gives the names that a configuration may use.
     *
     * @return for example {@code gelu} and {@code gelu_new}
     */
    public static Set<String> names() {
        return Arrays.stream(values())
                .filter(activation -> activation != IDENTITY)
                .map(activation -> activation.name().toLowerCase(Locale.ROOT))
                .collect(Collectors.toUnmodifiableSet());
    }

    void apply(Kernels kernels, float[] x, int offset, int n) {
        switch (this) {
            case IDENTITY -> {}
            case GELU -> kernels.gelu(x, offset, n);
            case GELU_NEW, GELU_PYTORCH_TANH -> kernels.geluTanh(x, offset, n);
            case QUICK_GELU -> kernels.sigmoidGate(x, offset, n, 1.702f);
            case RELU -> kernels.relu(x, offset, n);
            case SILU -> kernels.sigmoidGate(x, offset, n, 1f);
        }
    }
}
