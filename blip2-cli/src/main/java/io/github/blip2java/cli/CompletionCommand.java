/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code blip2 completion}. */
@Command(
        name = "completion",
        mixinStandardHelpOptions = true,
        description = {
            "Prints a script that completes commands and options in bash and zsh.",
            "Once: source <(bin/blip2 completion). For good: write it to a file that your shell reads."
        })
final class CompletionCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        spec.commandLine().getOut().print(AutoComplete.bash("blip2", spec.root().commandLine()));
        return Blip2.OK;
    }
}
