/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.LoadOptions;
import io.github.blip2java.checkpoint.Arithmetic;
import io.github.blip2java.checkpoint.WeightFormat;
import picocli.CommandLine.Option;

/** How to keep and run a model: what every command that loads one takes. */
final class ModelOptions {
    /** What the names of number formats mean, for the help of every command that takes one. */
    static final String DTYPES = "f32   32-bit floats, 4 bytes a weight%n"
            + "f16   16-bit floats, 2 bytes a weight%n"
            + "bf16  16-bit floats, wide range, less precise%n"
            + "int8  8-bit integers, 1 byte, close to floats%n"
            + "int4  4-bit integers, 0.6 bytes, coarse";

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            description = {
                "How to keep weights in memory (default: auto). int8 and int4 are made while loading; `blip2 convert`"
                        + " makes them once.",
                "auto  as stored, which loads fastest",
                DTYPES
            })
    private WeightFormat dtype = WeightFormat.AUTO;

    @Option(
            names = "--arithmetic",
            paramLabel = "TYPE",
            description = {
                "How to compute pictures and prompts with weights that are floats (default: f32).",
                "f32   exactly as transformers does in float32",
                "bf16  rounded to bfloat16, several times as fast on x86 processors with AVX512_BF16 or AMX; texts may differ"
            })
    private Arithmetic arithmetic = Arithmetic.F32;

    @Option(names = "--threads", paramLabel = "N", description = "Threads to compute with (default: all cores).")
    private Integer threads;

    @Option(
            names = "--force",
            description = "Load the model even where memory does not suffice, which is checked first on Linux.")
    private boolean force;

    @Option(names = "--json", description = "Print one JSON object a line.")
    private boolean json;

    /** Made by picocli. */
    ModelOptions() {}

    boolean json() {
        return json;
    }

    WeightFormat dtype() {
        return dtype;
    }

    Arithmetic arithmetic() {
        return arithmetic;
    }

    /** The options for loading. */
    LoadOptions apply(Progress progress) {
        if (threads != null && threads < 1) {
            throw new IllegalArgumentException("--threads: expected 1 or more, got " + threads);
        }
        return LoadOptions.defaults()
                .withDtype(dtype)
                .withArithmetic(arithmetic)
                .withMemoryCheck(!force)
                .withProgress(progress)
                .withThreads(threads == null ? LoadOptions.ALL_CORES : threads);
    }
}
