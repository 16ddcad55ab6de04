/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.conversion.CheckpointConverter;
import io.github.blip2java.hub.Download;
import io.github.blip2java.hub.HubEnvironment;
import io.github.blip2java.hub.HubException;
import io.github.blip2java.hub.ModelSource;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Downloads a model, and converts it where that is wanted. */
@Command(
        name = "download",
        mixinStandardHelpOptions = true,
        description = {
            "Downloads a model from the Hugging Face Hub, or what has changed in it, to the cache that Python's huggingface_hub"
                    + " uses too, and prints its folder. What was downloaded in part is taken up where it ended.",
            "With --dtype the model is converted and only the small one kept: a model that was not in the cache before is"
                    + " downloaded beside the new folder and removed when that is whole; one that was there stays."
        },
        footer = {
            "",
            "Examples:",
            "  blip2 download Salesforce/blip2-opt-2.7b",
            "  blip2 download Salesforce/blip2-opt-2.7b --dtype int8 --output models/blip2-opt-2.7b-int8"
        })
final class DownloadCommand implements Callable<Integer> {
    @Parameters(
            index = "0",
            paramLabel = "ID",
            description = "A name on the Hugging Face Hub, OWNER/NAME or OWNER/NAME@REVISION.")
    private String id;

    @Option(names = "--revision", paramLabel = "REV", description = "A branch, a tag or a commit (default: main).")
    private String revision;

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            description = {"Convert weights after the download.", ModelOptions.DTYPES})
    private WeightFormat dtype;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "DIR",
            description =
                    "The folder to make with --dtype; must not exist (default: the model's name and the type, here).")
    private Path output;

    @Mixin
    private ModelDownload download;

    @Spec
    private CommandSpec spec;

    /** Made by picocli. */
    DownloadCommand() {}

    @Override
    public Integer call() throws Exception {
        if (revision != null && id.contains("@")) {
            throw new IllegalArgumentException(
                    "--revision: expected none beside " + id + ", got " + revision + "; name one revision");
        }
        if (output != null && dtype == null) {
            throw new IllegalArgumentException(
                    "--output: expected --dtype beside it, got none; a model that is not converted goes to the Hub's cache,"
                            + " which HF_HUB_CACHE sets");
        }
        String model = revision == null ? id : id + "@" + revision;
        if (ModelSource.of(model).isLocal()) {
            throw new IllegalArgumentException(
                    "ID: expected a name on the Hugging Face Hub, got a folder that is here, " + model
                            + "; to convert it use: blip2 convert");
        }
        Path folder = dtype == null ? download.update(model, HubEnvironment.system()) : converted(model);
        spec.commandLine().getOut().println(folder);
        Output.flush(spec.commandLine().getOut());
        return Blip2.OK;
    }

    private Path converted(String model) throws IOException {
        Path target = output != null ? output : Path.of(defaultName());
        if (Files.exists(target)) {
            throw new FileAlreadyExistsException(target.toString());
        }
        Path scratch = target.resolveSibling(target.getFileName() + ".download");
        Path source;
        boolean cached = true;
        try {
            source = ModelSource.of(model).resolve(Download.NEVER);
        } catch (HubException e) {
            cached = false;
            source = download.update(model, HubEnvironment.system().withCache(scratch));
        }
        try (Progress progress = new Progress(spec.commandLine().getErr())) {
            CheckpointConverter.convert(source, target, dtype, progress);
        }
        if (!cached) {
            delete(scratch);
        }
        return target;
    }

    private String defaultName() {
        String name = id.replaceFirst("@.*", "").replaceFirst("/+$", "").replaceFirst(".*/", "");
        return name + "-" + dtype.name().toLowerCase(Locale.ROOT);
    }

    /** A cache of this command's own. */
    private static void delete(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
