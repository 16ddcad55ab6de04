/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli.verify;

import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The outcome of one comparison.
 *
 * @param name   which output, for example {@code expected.logits} or {@code generate/greedy/image}
 * @param kind   {@code tensor}, {@code ids}, {@code scores} or {@code text}
 * @param maxAbs worst absolute error; for ids the number of rows that differ
 * @param relRms root mean square of the error over that of the expected values; for ids 0 or 1
 * @param cosine between all values and the expected ones; NaN for ids
 * @param bound  the largest relRms allowed
 * @param own    the same error of the reference itself against float64; NaN where the case does not say, and for ids
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
        double own,
        boolean ok,
        String detail) {

    static Check failed(String name, String kind, String reason) {
        return new Check(name, kind, Double.NaN, Double.NaN, Double.NaN, 0, Double.NaN, false, reason);
    }

    /** The same outcome, where a difference is worth a note but no failure. */
    Check allowed(String why) {
        return ok ? this : new Check(name, kind, maxAbs, relRms, cosine, bound, own, true, why + ": " + detail);
    }

    /** The same outcome beside the error of the reference itself. */
    Check beside(double error) {
        return new Check(name, kind, maxAbs, relRms, cosine, bound, error, ok, detail);
    }

    @Override
    public String toString() {
        String beside = Double.isNaN(own) ? "" : String.format(Locale.ROOT, ", the reference itself %.3g", own);
        String numbers = String.format(
                Locale.ROOT,
                "max abs %.3g, relative RMS %.3g (bound %.3g%s), cosine %.6f",
                maxAbs,
                relRms,
                bound,
                beside,
                cosine);
        String demand = ok ? "" : "equal ids and text expected";
        String text = Stream.of(kind.equals("tensor") ? numbers : demand, detail)
                .filter(part -> !part.isEmpty())
                .collect(Collectors.joining("; "));
        return String.format(Locale.ROOT, "%-6s %s%s", ok ? "ok" : "FAILED", name, text.isEmpty() ? "" : ": " + text);
    }
}
