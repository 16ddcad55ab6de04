/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.examples;

import io.github.blip2java.processor.ReadOptions;
import picocli.CommandLine;
<<<<<<< HEAD
import picocli.CommandLine.Option;

/** How picture files are read: what every command that reads some takes. */
=======
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** How picture files are read: what every command that takes pictures takes. */
>>>>>>> retrieval-cli
final class PictureOptions {
    @Option(
            names = "--background",
            paramLabel = "COLOR",
            description =
                    "The colour under what is transparent: a name such as white, or #rrggbb (default: transparency is"
                            + " ignored, as transformers does).")
    private String background;

<<<<<<< HEAD
    /** Made by picocli. */
    PictureOptions() {}

    /** The options for reading, or wrong usage of a command. */
    ReadOptions reading(CommandLine command) {
=======
    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    /** Made by picocli. */
    PictureOptions() {}

    /** The options for reading; ends the program where they are wrong. */
    ReadOptions reading() {
>>>>>>> retrieval-cli
        try {
            ReadOptions reading = ReadOptions.defaults();
            return background == null ? reading : reading.withBackground(background);
        } catch (IllegalArgumentException e) {
<<<<<<< HEAD
            throw new CommandLine.ParameterException(command, "--" + e.getMessage());
=======
            throw new CommandLine.ParameterException(command.commandLine(), "--" + e.getMessage());
>>>>>>> retrieval-cli
        }
    }
}
