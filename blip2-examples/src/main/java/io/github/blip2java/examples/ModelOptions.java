/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.examples;

import io.github.blip2java.LoadOptions;
import io.github.blip2java.weights.WeightFormat;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Locale;
import picocli.CommandLine.Option;

/** How to keep and run a model: what every command that loads one takes. */
final class ModelOptions {
    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            description =
                    "How weights are kept: ${COMPLETION-CANDIDATES} (default: auto, as stored). Arithmetic is float32,"
                            + " but for int4, which rounds activations too. int8 and int4 are made while loading; convert"
                            + " once to save that time.",
            completionCandidates = Dtypes.class)
    private WeightFormat dtype = WeightFormat.AUTO;

    @Option(names = "--threads", paramLabel = "N", description = "Threads to compute with (default: all cores).")
    private Integer threads;

    @Option(names = "--json", description = "Print one JSON object a line.")
    private boolean json;

    /** Made by picocli. */
    ModelOptions() {}

    /** The names as people type them. */
    static final class Dtypes implements Iterable<String> {
        /** Made by picocli. */
        Dtypes() {}

        @Override
        public Iterator<String> iterator() {
            return Arrays.stream(WeightFormat.values())
                    .map(format -> format.name().toLowerCase(Locale.ROOT))
                    .iterator();
        }
    }

    boolean json() {
        return json;
    }

    WeightFormat dtype() {
        return dtype;
    }

    /** Sets the thread count, which counts from the first computation on, and gives the options for loading. */
    LoadOptions apply(Progress progress) {
        if (threads != null) {
            if (threads < 1) {
                throw new IllegalArgumentException("--threads: expected 1 or more, got " + threads);
            }
            System.setProperty("blip2.threads", threads.toString());
        }
        return LoadOptions.defaults().withDtype(dtype).withProgress(progress);
    }
}
