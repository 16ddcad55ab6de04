/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.examples;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The command line program {@code blip2}: captions, answers, and checks of checkpoints. */
@Command(
        name = "blip2",
        mixinStandardHelpOptions = true,
        version = "blip2-java 0.1.0-SNAPSHOT",
        description = "Describes pictures and answers questions about them, with a BLIP-2 model, on this computer.",
        synopsisSubcommandLabel = "COMMAND",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:everything worked", "1:some inputs failed", "2:wrong usage, or the model cannot be used"},
        subcommands = {
            CaptionCommand.class,
            AnswerCommand.class,
            InfoCommand.class,
            VerifyCommand.class,
            ConvertCommand.class,
            BenchCommand.class,
            HelpCommand.class
        })
public final class Blip2 implements Runnable {
    /** Everything worked. */
    static final int OK = 0;

    /** Some inputs failed; the others came out. */
    static final int SOME_FAILED = 1;

    /** The command line or the model is wrong. */
    static final int UNUSABLE = 2;

    @Spec
    private CommandSpec spec;

    @Option(names = "--stack-trace", hidden = true, scope = CommandLine.ScopeType.INHERIT)
    private boolean stackTrace;

    /** Made by picocli. */
    Blip2() {}

    /**
     * Runs the program.
     *
     * @param args the command line
     */
    public static void main(String[] args) {
        System.exit(commandLine().execute(args));
    }

    /**
     * Makes the program's command line, for tests too.
     *
     * @return the parser and runner
     */
    public static CommandLine commandLine() {
        Blip2 blip2 = new Blip2();
        return new CommandLine(blip2)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setUsageHelpAutoWidth(true)
                .setExecutionStrategy(parsed -> {
                    try {
                        return new CommandLine.RunLast().execute(parsed);
                    } catch (OutOfMemoryError e) { // picocli tells of exceptions only
                        throw new CommandLine.ExecutionException(
                                parsed.commandSpec().commandLine(), outOfMemory(e), e);
                    }
                })
                .setParameterExceptionHandler((exception, args) -> {
                    CommandLine line = exception.getCommandLine();
                    line.getErr().println("blip2: " + exception.getMessage());
                    line.getErr().println("Try: " + line.getCommandSpec().qualifiedName() + " --help");
                    return UNUSABLE;
                })
                .setExecutionExceptionHandler((exception, line, parsed) -> {
                    line.getErr().println("blip2: " + message(exception));
                    if (blip2.stackTrace) {
                        exception.printStackTrace(line.getErr());
                    }
                    return UNUSABLE;
                });
    }

    private static String outOfMemory(OutOfMemoryError e) {
        return "out of memory: expected enough for this model and these inputs, got " + e.getMessage()
                + "; give Java a larger heap, such as BLIP2_JAVA_OPTS=-Xmx4g, or close other programs";
    }

    /** One line for a person. */
    static String message(Throwable exception) {
        String message = exception.getMessage();
        return message == null ? exception.toString() : message;
    }

    @Override
    public void run() {
        throw new CommandLine.ParameterException(
                spec.commandLine(),
                "expected a command: caption, answer, info, verify, convert, bench; `blip2 --help` shows them");
    }
}
