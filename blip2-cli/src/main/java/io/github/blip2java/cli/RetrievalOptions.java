/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.LoadOptions;
import io.github.blip2java.demo.DemoModel;
import io.github.blip2java.pipeline.Blip2RetrievalPipeline;
import io.github.blip2java.processor.ReadOptions;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Which retrieval model to run: what all commands that compare pictures and texts have in common. */
final class RetrievalOptions {
    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = ModelDownload.MODEL
                    + "; one for image–text retrieval, such as Salesforce/blip2-itm-vit-g (default: the"
                    + " demo model's retrieval twin that comes with the program, which knows drawings like emoji and nothing"
                    + " else).")
    private String model;

    @Mixin
    private ModelDownload download;

    @Mixin
    private PictureOptions pictures;

    @Mixin
    private ModelOptions options;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    private Path resolved;

    /** Made by picocli. */
    RetrievalOptions() {}

    boolean json() {
        return options.json();
    }

    /** Whether no model was named, so that the twin runs. */
    boolean isTwin() {
        return model == null;
    }

    /** The checkpoint's folder. */
    Path folder() throws IOException {
        if (resolved == null) {
            resolved = isTwin() ? DemoModel.retrievalCheckpoint() : download.resolve(model);
        }
        return resolved;
    }

    LoadOptions loading(Progress progress) {
        return options.apply(progress);
    }

    /** How picture files are read. */
    ReadOptions reading() {
        return pictures.reading();
    }

    /** Loads the model; says so where it is the twin, of which little can be asked. */
    Blip2RetrievalPipeline load(Progress progress) throws IOException {
        reading(); // is wrong before anything is loaded
        if (isTwin()) {
            command.commandLine()
                    .getErr()
                    .println(
                            "blip2: this is the retrieval twin of the small demo model, which knows drawings like emoji and no"
                                    + " photographs. For those use --model Salesforce/blip2-itm-vit-g (which downloads 4.7 GB, once, and asks"
                                    + " first)");
        }
        return Blip2RetrievalPipeline.load(folder(), options.apply(progress));
    }

    /** Refuses texts without words before a model is loaded. */
    static void checkWords(String option, Iterable<String> texts, String why) {
        for (String text : texts) {
            if (text.isBlank()) {
                throw new IllegalArgumentException(option + ": expected words, got \"" + text + "\"; " + why);
            }
        }
    }
}
