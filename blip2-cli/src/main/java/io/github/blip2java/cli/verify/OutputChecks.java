/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli.verify;

import io.github.blip2java.Blip2Config;
import io.github.blip2java.checkpoint.WeightFormat;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Compares a model's outputs with those that a reference case holds. */
record OutputChecks(ReferenceCase reference, Blip2Config config, WeightFormat rounding, Consumer<Check> report) {

    void tensors(String prefix, List<INDArray> actual) {
        for (int i = 0; i < actual.size(); i++) {
            tensor(prefix + i, actual.get(i));
        }
    }

    /** Compares one output, if the reference has it; returns the worst absolute error, or NaN. */
    double tensor(String name, INDArray actual) {
        return tensor(name, actual, null);
    }

    /**
     * Compares one output, if the reference has it.
     *
     * @param mask which positions count, {@code [batch, seq]}, counted from the end; null for all: outputs at padded positions mean
     *     nothing, and differ between versions of the reference
     * @return the worst absolute error, or NaN
     */
    double tensor(String name, INDArray actual, long[][] mask) {
        if (!reference.contains(name)) {
            return Double.NaN;
        }
        long[] shape = reference.shape(name);
        if (!Arrays.equals(shape, actual.shape())) {
            report.accept(Check.failed(
                    name,
                    "tensor",
                    "expected shape " + Arrays.toString(shape) + ", got " + Arrays.toString(actual.shape())));
            return Double.NaN;
        }
        return compare(name, actual.dup('c').data().asFloat(), shape, mask);
    }

    double compare(String name, float[] actual, long[] shape, long[][] mask) {
        double error = reference.json().path("errors").path(name).asDouble(Double.NaN);
        double bound = Tolerances.relativeRms(config, rounding, error);
        boolean[] keep = mask == null ? null : kept(mask, shape);
        Check check = Comparison.tensors(name, reference.floats(name), actual, shape, keep, bound)
                .beside(error);
        report.accept(check);
        return check.maxAbs();
    }

    private static boolean[] kept(long[][] mask, long[] shape) {
        int batch = (int) shape[0];
        int seq = (int) shape[1];
        int width = (int) shape[2];
        boolean[] keep = new boolean[batch * seq * width];
        for (int b = 0; b < batch; b++) {
            for (int s = 0; s < seq; s++) {
                // With labels, in the older layout, or behind queries, positions are counted from the end.
                int column = mask[b].length - seq + s;
                boolean kept = column < 0 || mask[b][column] != 0;
                Arrays.fill(keep, (b * seq + s) * width, (b * seq + s + 1) * width, kept);
            }
        }
        return keep;
    }
}
