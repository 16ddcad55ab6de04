/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.examples.verify;

/**
 * The outcome of one comparison.
 *
 * @param name   which output, for example {@code expected.logits} or {@code generate/greedy/image}
 * @param kind   {@code tensor}, {@code ids} or {@code text}
 * @param maxAbs worst absolute error; for ids the number of rows that differ
 * @param relRms root mean square of the error over that of the expected values; for ids 0 or 1
 * @param bound  the largest relRms allowed
 * @param ok     whether it holds
 * @param detail where and how it fails, or an empty string
 */
public record Check(String name, String kind, double maxAbs, double relRms, double bound, boolean ok, String detail) {

    static Check failed(String name, String kind, String reason) {
        return new Check(name, kind, Double.NaN, Double.NaN, 0, false, reason);
    }

    @Override
    public String toString() {
        String numbers = kind.equals("tensor")
                ? String.format("max abs %.3g, relative RMS %.3g (bound %.3g)", maxAbs, relRms, bound)
                : "equal ids and text expected";
        return String.format(
                "%-6s %s: %s%s", ok ? "ok" : "FAILED", name, numbers, detail.isEmpty() ? "" : "; " + detail);
    }
}
