/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli.verify;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;

/** Compares numbers and ids, and says where they differ most. */
final class Comparison {
    /** How far scores of sequences may be off, beside 1 or the score itself. */
    private static final double SCORE = 1e-4;

    private Comparison() {}

    /**
     * Compares two tensors.
     *
     * @param name     the check's name
     * @param expected the reference
     * @param actual   ours, as many values
     * @param shape    their shape, for the index in the message
     * @param keep     which values count, or null for all
     * @param bound    largest relative RMS error
     * @return the outcome
     */
    static Check tensors(String name, float[] expected, float[] actual, long[] shape, boolean[] keep, double bound) {
        if (expected.length != actual.length) {
            return Check.failed(name, "tensor", "expected " + expected.length + " values, got " + actual.length);
        }
        double squares = 0;
        double errors = 0;
        double ownSquares = 0;
        double products = 0;
        double worst = -1;
        int where = 0;
        int count = 0;
        for (int i = 0; i < expected.length; i++) {
            if (keep != null && !keep[i]) {
                continue;
            }
            double error = Math.abs((double) expected[i] - actual[i]);
            squares += (double) expected[i] * expected[i];
            errors += error * error;
            ownSquares += (double) actual[i] * actual[i];
            products += (double) expected[i] * actual[i];
            count++;
            // A NaN on either side is the worst error there is.
            if (error > worst || Double.isNaN(error)) {
                worst = Double.isNaN(error) ? Double.POSITIVE_INFINITY : error;
                where = i;
            }
        }
        double rms = Math.sqrt(squares / Math.max(1, count));
        double relRms = rms == 0 ? Math.sqrt(errors) : Math.sqrt(errors / Math.max(1, count)) / rms;
        double cosine = products / Math.sqrt(squares * ownSquares);
        boolean ok = relRms <= bound && worst <= Tolerances.WORST_ELEMENT * bound * (rms == 0 ? 1 : rms);
        String detail = ok
                ? ""
                : "worst at " + index(where, shape) + ": expected " + expected[where] + ", got " + actual[where];
        return new Check(name, "tensor", worst, relRms, cosine, bound, Double.NaN, ok, detail);
    }

    /**
     * Compares ids.
     *
     * @param name     the check's name
     * @param expected the reference
     * @param actual   ours
     * @return the outcome
     */
    static Check ids(String name, long[][] expected, long[][] actual) {
        int different = 0;
        String detail = "";
        for (int row = 0; row < Math.max(expected.length, actual.length); row++) {
            long[] want = row < expected.length ? expected[row] : new long[0];
            long[] got = row < actual.length ? actual[row] : new long[0];
            int at = Arrays.mismatch(want, got);
            if (at >= 0) {
                different++;
                detail = detail.isEmpty()
                        ? "row " + row + " differs at " + at + ": expected " + Arrays.toString(want) + ", got "
                                + Arrays.toString(got)
                        : detail;
            }
        }
        return new Check(
                name, "ids", different, different == 0 ? 0 : 1, Double.NaN, 0, Double.NaN, different == 0, detail);
    }

    /** Scores of sequences; a length penalty below 0 multiplies them and their errors. */
    static Check scores(String name, JsonNode expected, float[] actual) {
        if (actual == null || actual.length != expected.size()) {
            return Check.failed(
                    name,
                    "scores",
                    "expected " + expected.size() + ", got " + (actual == null ? "none" : actual.length));
        }
        double worst = 0;
        for (int row = 0; row < actual.length; row++) {
            double score = expected.get(row).doubleValue();
            worst = Math.max(worst, Math.abs(actual[row] - score) / Math.max(1, Math.abs(score)));
        }
        boolean ok = worst <= SCORE;
        return new Check(
                name,
                "scores",
                worst,
                worst,
                Double.NaN,
                SCORE,
                Double.NaN,
                ok,
                ok ? "" : "scores are off by up to " + worst);
    }

    private static String index(int flat, long[] shape) {
        long[] index = new long[shape.length];
        long rest = flat;
        for (int axis = shape.length - 1; axis >= 0; axis--) {
            index[axis] = rest % shape[axis];
            rest /= shape[axis];
        }
        return Arrays.toString(index);
    }
}
