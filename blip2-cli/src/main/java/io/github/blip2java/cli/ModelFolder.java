/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.demo.DemoModel;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Which model to run: what every command that runs one takes. */
final class ModelFolder {
    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = ModelDownload.MODEL
                    + " (default: the small demo model that comes with the program, which knows drawings"
                    + " like emoji and nothing else).")
    private String model;

    @Mixin
    private ModelDownload download;

    /** Made by picocli. */
    ModelFolder() {}

    boolean isDemo() {
        return model == null;
    }

    Path path() throws IOException {
        return isDemo() ? DemoModel.checkpoint() : download.resolve(model);
    }
}
