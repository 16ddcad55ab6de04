/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.pipeline.Blip2Pipeline;
import io.github.blip2java.processor.ReadOptions;
import java.io.IOException;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Which model to run: what all commands about pictures have in common. */
final class PipelineOptions {
    @Mixin
    private ModelFolder model;

    @Mixin
    private PictureOptions pictures;

    @Mixin
    private ModelOptions options;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    /** Made by picocli. */
    PipelineOptions() {}

    boolean json() {
        return options.json();
    }

    /** How picture files are read. */
    ReadOptions reading() {
        return pictures.reading();
    }

    boolean isDemo() {
        return model.isDemo();
    }

    /** Loads the model; says so where it is the demo model, of which little can be asked. */
    Blip2Pipeline load(Progress progress) throws IOException {
        reading(); // is wrong before anything is loaded
        if (model.isDemo()) {
            String arguments = switch (command.name()) {
                case "answer" -> "IMAGE QUESTION...";
                case "score" -> "IMAGE CANDIDATE...";
                case "chat" -> "IMAGE";
                default -> "IMAGE...";
            };
            command.commandLine()
                    .getErr()
                    .println("blip2: this is the small demo model, which knows drawings like emoji and no photographs."
                            + " For those type: " + command.qualifiedName()
                            + " --model Salesforce/blip2-opt-2.7b " + arguments
                            + " (which downloads 15 GB, once, and asks first)");
        }
        return Blip2Pipeline.load(model.path(), options.apply(progress), GenerationConfig.defaults());
    }
}
