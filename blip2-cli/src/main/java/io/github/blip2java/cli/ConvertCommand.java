/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.conversion.CheckpointConverter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes a checkpoint again with narrower weights. */
@Command(
        name = "convert",
        mixinStandardHelpOptions = true,
        description =
                "Writes a checkpoint again with weights of another width. Published checkpoints are float32; at 16 bits"
                        + " they need half the disk, half the memory and half the time per token. int8 and int4 need a"
                        + " half and a third of that again, at some cost in precision, and are read by blip2 alone.",
        footer = {"", "Example:", "  blip2 convert models/blip2-opt-2.7b models/blip2-opt-2.7b-f16 --dtype f16"})
final class ConvertCommand implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "SRC", description = ModelDownload.MODEL + ".")
    private String source;

    @Mixin
    private ModelDownload download;

    @Parameters(index = "1", paramLabel = "DST", description = "The folder to make; must not exist.")
    private Path target;

    @Option(
            names = "--dtype",
            required = true,
            paramLabel = "TYPE",
            description = {"How to store weights.", ModelOptions.DTYPES})
    private WeightFormat dtype;

    @Spec
    private CommandSpec spec;

    /** Made by picocli. */
    ConvertCommand() {}

    @Override
    public Integer call() throws Exception {
        Path folder = download.resolve(source);
        try (Progress progress = new Progress(spec.commandLine().getErr())) {
            CheckpointConverter.convert(folder, target, dtype, progress);
        }
        return Blip2.OK;
    }
}
