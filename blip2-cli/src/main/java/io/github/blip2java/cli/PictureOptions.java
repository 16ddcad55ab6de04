/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.processor.ReadOptions;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** How picture files are read: what every command that takes pictures takes. */
final class PictureOptions {
    @Option(
            names = "--background",
            paramLabel = "COLOR",
            description =
                    "The colour under what is transparent: a name such as white, or #rrggbb (default: transparency is"
                            + " ignored, as transformers does).")
    private String background;

    @Option(
            names = "--truncated",
            paramLabel = "MODE",
            description = {
                "What to do with a picture whose file stops half-way (default: refuse).",
                "refuse  report it",
                "allow   read what is there; what is missing is gray or black"
            })
    private String truncated = "refuse";

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    /** Made by picocli. */
    PictureOptions() {}

    /** The options for reading; ends the program where they are wrong. */
    ReadOptions reading() {
        try {
            if (!List.of("refuse", "allow").contains(truncated)) {
                throw new IllegalArgumentException("truncated: expected allow or refuse, got \"" + truncated + '"');
            }
            ReadOptions reading = ReadOptions.defaults().withAllowTruncated(truncated.equals("allow"));
            return background == null ? reading : reading.withBackground(background);
        } catch (IllegalArgumentException e) {
            throw new CommandLine.ParameterException(command.commandLine(), "--" + e.getMessage());
        }
    }
}
