/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.demo.DemoModel;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Which model to run: what every command that runs one takes. */
final class ModelFolder {
    @Option(
            names = "--model",
            paramLabel = "DIR",
            description = "A checkpoint folder, as downloaded from the Hugging Face Hub (default: the small demo model"
                    + " that comes with the program, which knows drawings like emoji and nothing else).")
    private Path model;

    /** Made by picocli. */
    ModelFolder() {}

    boolean isDemo() {
        return model == null;
    }

    Path path() throws IOException {
        return isDemo() ? DemoModel.checkpoint() : model;
    }
}
