/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.examples;

import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.processor.Blip2Pipeline;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Which model to run and how long its texts may be: what captions and answers have in common. */
final class GenerationOptions {
    @Option(
            names = "--model",
            required = true,
            paramLabel = "DIR",
            description = "A checkpoint folder, as downloaded from the Hugging Face Hub.")
    private Path model;

    @Option(
            names = "--max-new-tokens",
            paramLabel = "N",
            description = "The longest text, in tokens (default: ${DEFAULT-VALUE}).",
            defaultValue = "" + Blip2Pipeline.DEFAULT_MAX_NEW_TOKENS)
    private int maxNewTokens;

    @Mixin
    private ModelOptions options;

    /** Made by picocli. */
    GenerationOptions() {}

    boolean json() {
        return options.json();
    }

    /** Loads the model, with texts as long as asked for. */
    Blip2Pipeline load(Progress progress) throws IOException {
        GenerationConfig lengths =
                GenerationConfig.builder().maxNewTokens(maxNewTokens).build();
        return Blip2Pipeline.load(model, options.apply(progress)).withOptions(lengths);
    }
}
