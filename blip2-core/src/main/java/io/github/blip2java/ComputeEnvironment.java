/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.internal.kernel.Kernels;
import io.github.blip2java.internal.kernel.Parallel;
import io.github.blip2java.internal.matrix.Gemm;
import io.github.blip2java.internal.matrix.ThresholdMeter;
import java.util.List;

/**
 * What this process computes with, chosen and checked when it is first asked for. It decides about speed and, where
 * {@link #activationBits} is below 32, about how finely int8 and int4 models see their inputs; else about nothing.
 *
 * @param kernels        inner loops: the Vector API and its width or plain Java, whether weights are read where they are mapped,
 *                       and why not
 * @param library        the library for products of many rows, with version and instructions where it tells them
 * @param activationBits what activations are rounded to in products of many rows with int8 and int4 weights: 8, or 7 on
 *                       processors whose sums of 8 bits would overflow, or 32 where they stay floats
 * @param threads        threads of a product, unless a model is given another number
 */
public record ComputeEnvironment(String kernels, String library, int activationBits, int threads) {

    /** Not a constant for the compiler, which would compute with it itself. */
    private static volatile float smallestNormal = Float.MIN_NORMAL;

    /**
     * Loads what was not loaded yet, and asks.
     *
     * @return the environment of this process
     */
    public static ComputeEnvironment current() {
        return of(Parallel.threads());
    }

    /**
     * A number that chooses who computes a product.
     *
     * @param name     its name in the system property {@code blip2.tuning}
     * @param meaning  what it says
     * @param used     what this process uses
     * @param measured what is best on this machine
     */
    public record Threshold(String name, String meaning, int used, int measured) {}

    /**
     * Measures the numbers that choose who computes a product, which takes a minute and 300 MiB; nothing else should run meanwhile.
     * Start Java with {@code -Dblip2.tuning=name=number,…} to use others than those that are built in.
     *
     * @param progress hears how far it has come
     * @return what is used and what was measured
     */
    public static List<Threshold> measureThresholds(ProgressListener progress) {
        return Parallel.shared()
                .call(() -> ThresholdMeter.measure(
                        format -> progress.progress("measuring", format, ThresholdMeter.FORMATS)))
                .stream()
                .map(found -> new Threshold(found.name(), found.meaning(), found.used(), found.measured()))
                .toList();
    }

    static ComputeEnvironment of(int threads) {
        return new ComputeEnvironment(Kernels.description(), Gemm.library(), Gemm.activationBits(), threads);
    }

    /**
     * Tells whether this thread takes floats below 2^-126 for zero. Some native libraries switch a thread to that when they are
     * loaded (those built with {@code -ffast-math}, before Java 21); small half-precision weights are then lost.
     *
     * @return false unless such a library was loaded
     */
    static boolean flushesSubnormals() {
        return smallestNormal * 0.5f == 0f;
    }

    /** One line for a log. */
    @Override
    public String toString() {
        return kernels + "; products by " + library + "; int8 and int4 with "
                + (activationBits == Float.SIZE ? "float32" : activationBits + "-bit") + " activations; " + threads
                + (threads == 1 ? " thread" : " threads");
    }
}
