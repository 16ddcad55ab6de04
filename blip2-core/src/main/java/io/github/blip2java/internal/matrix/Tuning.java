/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.internal.kernel.Kernels;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * The numbers that choose who computes a product, and how. Each was measured by {@code ProductBenchmark}, and {@link ThresholdMeter}
 * measures it on any machine; docs/performance.md has the figures.
 */
final class Tuning {
    private static final int NEVER = Integer.MAX_VALUE;

    /** Of this process. */
    static final Tuning CHOSEN = new Tuning(System.getProperty("blip2.tuning", ""));

    private final Map<String, Integer> values = new LinkedHashMap<>();

    /**
     * Takes what suits these kernels and this library.
     *
     * @param changes {@code name=number,…} that replace some
     */
    Tuning(String changes) {
        boolean inPlace = Kernels.get().readInPlace();
        // Multiply-adds below which a product stays on the calling thread, as waking another one costs more.
        values.put("smallProduct", 200_000);
        // Rows of a matrix that a thread takes at a time: a multiple of all numbers of rows that kernels handle
        // together.
        values.put("taskRows", 48);
        // Up to so many rows of activations our kernels multiply, which read weights once.
        values.put("f32.fewRows", 6);
        values.put("f16.fewRows", Gemm.suitsFewRows(DType.F16) ? 3 : 6);
        values.put("bf16.fewRows", Gemm.suitsFewRows(DType.BF16) ? 3 : 6);
        // With more, activations are rounded for products in whole numbers.
        values.put("int8.fewRows", inPlace && !Gemm.suitsFewRowsInt8() ? 5 : 3);
        values.put("int4.fewRows", 6);
        // From so many rows on they take less time together than one after the other.
        values.put("f32.together", 2);
        values.put("f16.together", 2);
        values.put("bf16.together", 2);
        values.put("int8.together", 3);
        values.put("int4.together", inPlace ? 4 : NEVER);
        for (String change : changes.split(",")) {
            if (!change.isBlank()) {
                change(change.strip());
            }
        }
    }

    private void change(String change) {
        String[] parts = change.split("=", -1);
        if (parts.length != 2 || !values.containsKey(parts[0]) || !parts[1].matches("[1-9][0-9]{0,8}")) {
            throw new IllegalArgumentException("-Dblip2.tuning: expected name=number, names are " + values.keySet()
                    + ", got \"" + change + "\"; take what blip2 bench --tune prints");
        }
        values.put(parts[0], Integer.parseInt(parts[1]));
    }

    /** All numbers by name. */
    Map<String, Integer> values() {
        return Collections.unmodifiableMap(values);
    }

    int smallProduct() {
        return values.get("smallProduct");
    }

    int taskRows() {
        return values.get("taskRows");
    }

    /** The numbers for weights of one format. */
    Rows rows(WeightFormat format) {
        String name = format.name().toLowerCase(Locale.ROOT);
        return new Rows(values.get(name + ".fewRows"), values.get(name + ".together"));
    }

    /**
     * For weights of one format.
     *
     * @param few      so many rows of activations at most are multiplied by our kernels
     * @param together from so many on they are multiplied together
     */
    record Rows(int few, int together) {}
}
