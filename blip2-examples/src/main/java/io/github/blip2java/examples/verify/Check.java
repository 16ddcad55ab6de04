/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.examples.verify;

import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The outcome of one comparison.
 *
 * @param name   which output, for example {@code expected.logits} or {@code generate/greedy/image}
 * @param kind   {@code tensor}, {@code ids} or {@code text}
 * @param maxAbs worst absolute error; for ids the number of rows that differ
 * @param relRms root mean square of the error over that of the expected values; for ids 0 or 1
 * @param cosine between all values and the expected ones; NaN for ids
 * @param bound  the largest relRms allowed
 * @param ok     whether it holds
 * @param detail where and how it fails, or an empty string
 */
public record Check(
        String name,
        String kind,
        double maxAbs,
        double relRms,
        double cosine,
        double bound,
        boolean ok,
        String detail) {

    static Check failed(String name, String kind, String reason) {
        return new Check(name, kind, Double.NaN, Double.NaN, Double.NaN, 0, false, reason);
    }

    /** The same outcome, where a difference is worth a note but no failure. */
    Check allowed(String why) {
        return ok ? this : new Check(name, kind, maxAbs, relRms, cosine, bound, true, why + ": " + detail);
    }

    @Override
    public String toString() {
        String numbers = String.format(
                "max abs %.3g, relative RMS %.3g (bound %.3g), cosine %.6f", maxAbs, relRms, bound, cosine);
        String demand = ok ? "" : "equal ids and text expected";
        String text = Stream.of(kind.equals("tensor") ? numbers : demand, detail)
                .filter(part -> !part.isEmpty())
                .collect(Collectors.joining("; "));
        return String.format("%-6s %s%s", ok ? "ok" : "FAILED", name, text.isEmpty() ? "" : ": " + text);
    }
}
