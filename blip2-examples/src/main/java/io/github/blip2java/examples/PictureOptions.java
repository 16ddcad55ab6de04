/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.examples;

import io.github.blip2java.processor.ReadOptions;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** How picture files are read: what every command that reads some takes. */
final class PictureOptions {
    @Option(
            names = "--background",
            paramLabel = "COLOR",
            description =
                    "The colour under what is transparent: a name such as white, or #rrggbb (default: transparency is"
                            + " ignored, as transformers does).")
    private String background;

    /** Made by picocli. */
    PictureOptions() {}

    /** The options for reading, or wrong usage of a command. */
    ReadOptions reading(CommandLine command) {
        try {
            ReadOptions reading = ReadOptions.defaults();
            return background == null ? reading : reading.withBackground(background);
        } catch (IllegalArgumentException e) {
            throw new CommandLine.ParameterException(command, "--" + e.getMessage());
        }
    }
}
