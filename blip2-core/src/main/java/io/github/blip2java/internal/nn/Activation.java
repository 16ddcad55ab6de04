/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.nn;

import io.github.blip2java.internal.kernel.Erfc;
import io.github.blip2java.internal.kernel.Kernels;
import io.github.blip2java.internal.kernel.Parallel;
import io.github.blip2java.internal.tensor.Tensor;
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

    /**
     * Carries derivatives from the result back to x, element by element.
     *
     * @param x        what the function was applied to
     * @param gradient derivatives by its result, of the same shape
     * @return derivatives by x
     */
    public Tensor backward(Tensor x, Tensor gradient) {
        int n = x.cols();
        float[] dx = new float[x.data().length];
        Parallel.forRange(x.rows(), row -> {
            for (int i = row * n; i < (row + 1) * n; i++) {
                dx[i] = (float) (gradient.data()[i] * derivative(x.data()[i]));
            }
        });
        return x.withRows(dx, n);
    }

    double derivative(double x) {
        return switch (this) {
            case IDENTITY -> 1;
            case GELU -> Erfc.of(-x / Math.sqrt(2)) / 2 + x * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
            case GELU_NEW, GELU_PYTORCH_TANH -> {
                double inner = Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x);
                double slope = Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x);
                double tanh = Math.tanh(inner);
                yield (1 + tanh) / 2 + x / 2 * (1 - tanh * tanh) * slope;
            }
            case QUICK_GELU -> gateDerivative(x, 1.702);
            case RELU -> x > 0 ? 1 : 0;
            case SILU -> gateDerivative(x, 1);
        };
    }

    /** Of x · sigmoid(factor · x). */
    private static double gateDerivative(double x, double factor) {
        double sigmoid = 1 / (1 + Math.exp(-factor * x));
        return sigmoid + x * factor * sigmoid * (1 - sigmoid);
    }
}
