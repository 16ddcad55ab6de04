/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import io.github.blip2java.cli.Blip2;
import picocli.CommandLine;

/** docs/cli.md, made of what the program says of itself. */
final class CliReference {
    private static final int WIDTH = 110;

    private CliReference() {}

    static String text() {
        CommandLine program = Blip2.commandLine();
        StringBuilder text = new StringBuilder("""
                # The command line

                What `blip2 --help` and `blip2 COMMAND --help` say; this file is made of it. Below a checkout the program is
                `bin/blip2`. What goes wrong, and exit codes: [errors](errors.md).

                """);
        append(text, program);
        program.getSubcommands().forEach((name, command) -> {
            if (!name.equals("help") && !command.getCommandSpec().usageMessage().hidden()) {
                text.append("## ").append(name).append("\n\n");
                append(text, command);
            }
        });
        return text.toString().stripTrailing() + "\n";
    }

    private static void append(StringBuilder text, CommandLine command) {
        String usage = command.setUsageHelpAutoWidth(false)
                .setUsageHelpWidth(WIDTH)
                .getUsageMessage(CommandLine.Help.Ansi.OFF)
                .replace("\r\n", "\n")
                .replaceAll("(?m) +$", "");
        text.append("```text\n").append(usage.stripTrailing()).append("\n```\n\n");
    }
}
