/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.checkpoint.NearestNames;
import io.github.blip2java.checkpoint.Unreadable;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
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
        exitCodeList = {"0:everything worked", "1:some inputs failed", "2:wrong usage, or the model cannot be used"})
public final class Blip2 implements Runnable {
    private static final String HELP = "help";

    /** In the order of the help. */
    private static final List<Map.Entry<String, Class<?>>> COMMANDS = List.of(
            Map.entry("caption", CaptionCommand.class),
            Map.entry("answer", AnswerCommand.class),
            Map.entry("score", ScoreCommand.class),
            Map.entry("chat", ChatCommand.class),
            Map.entry("match", MatchCommand.class),
            Map.entry("classify", ClassifyCommand.class),
            Map.entry("embed", EmbedCommand.class),
            Map.entry("heatmap", HeatmapCommand.class),
            Map.entry("index", IndexCommand.class),
            Map.entry("search", SearchCommand.class),
            Map.entry("duplicates", DuplicatesCommand.class),
            Map.entry("info", InfoCommand.class),
            Map.entry("verify", VerifyCommand.class),
            Map.entry("download", DownloadCommand.class),
            Map.entry("convert", ConvertCommand.class),
            Map.entry("bench", BenchCommand.class),
            Map.entry("completion", CompletionCommand.class),
            Map.entry(HELP, HelpCommand.class));

    /** Commands that speak of the others. */
    private static final Set<String> NEED_ALL = Set.of(HELP, "completion");

    /** Everything worked. */
    static final int OK = 0;

    /** Some inputs failed; the others came out. */
    static final int SOME_FAILED = 1;

    /** The command line or the model is wrong. */
    static final int UNUSABLE = 2;

    /** What picocli says of {@code help} for a command that is none. */
    private static final Pattern UNKNOWN_HELP = Pattern.compile("Unknown subcommand '(.*)'\\.");

    @Spec
    private CommandSpec spec;

    @Option(
            names = {"--stacktrace", "--stack-trace"},
            hidden = true,
            scope = CommandLine.ScopeType.INHERIT)
    private boolean stackTrace;

    /** Made by picocli. */
    Blip2() {}

    /**
     * Runs the program.
     *
     * @param args the command line
     */
    public static void main(String[] args) {
        Thread.setDefaultUncaughtExceptionHandler(
                (thread, failure) -> System.err.println("blip2: " + message(failure)));
        System.exit(commandLine(args).setOut(Output.standard()).execute(args));
    }

    /**
     * Makes the program's command line, for tests too.
     *
     * @return the parser and runner
     */
    public static CommandLine commandLine() {
        return commandLine(new String[0]);
    }

    /** The command line for some arguments: where they begin with a command, picocli need not read the options of the others. */
    private static CommandLine commandLine(String[] args) {
        Blip2 blip2 = new Blip2();
        CommandLine program = new CommandLine(blip2);
        Optional<Map.Entry<String, Class<?>>> asked = COMMANDS.stream()
                .filter(command -> args.length > 0 && command.getKey().equals(args[0]) && !NEED_ALL.contains(args[0]))
                .findFirst();
        asked.map(List::of)
                .orElse(COMMANDS)
                .forEach(command -> program.addSubcommand(command.getKey(), command.getValue()));
        return program.setCaseInsensitiveEnumValuesAllowed(true)
                .setUsageHelpAutoWidth(true)
                .setExpandAtFiles(false) // a picture's name may begin with @
                .setExecutionStrategy(Blip2::execute)
                .setParameterExceptionHandler((exception, given) -> {
                    CommandLine line = exception.getCommandLine();
                    line.getErr().println("blip2: " + wrongUsage(exception));
                    line.getErr().println("Try: " + line.getCommandSpec().qualifiedName() + " --help");
                    return UNUSABLE;
                })
                .setExecutionExceptionHandler((exception, line, parsed) -> {
                    if (exception instanceof Output.FailedException failed && failed.isClosedPipe()) {
                        return OK; // who read the results has seen enough
                    }
                    Throwable failure = exception.getCause() instanceof Error error ? error : exception;
                    line.getErr().println("blip2: " + message(failure));
                    if (blip2.stackTrace) {
                        failure.printStackTrace(line.getErr());
                    }
                    return UNUSABLE;
                });
    }

    /**
     * Makes a writer for results that fails as {@link #main} does where its stream fails: a closed pipe ends the program quietly,
     * anything else with a message and exit code 2.
     *
     * @param stream  receives the results
     * @param charset how they are written
     * @return what to give {@link CommandLine#setOut}
     */
    public static PrintWriter output(OutputStream stream, Charset charset) {
        return Output.to(stream, charset);
    }

    /** Runs a command; picocli tells of exceptions only, not of errors. */
    private static int execute(CommandLine.ParseResult parsed) {
        CommandLine line = parsed.commandSpec().commandLine();
        try {
            int code = new CommandLine.RunLast().execute(parsed);
            Output.flush(line.getOut());
            return code;
        } catch (Output.FailedException e) {
            throw new CommandLine.ExecutionException(line, e.getMessage(), e);
        } catch (Error e) {
            throw new CommandLine.ExecutionException(line, message(e), e);
        }
    }

    private static String wrongUsage(CommandLine.ParameterException exception) {
        Matcher asked = UNKNOWN_HELP.matcher(String.valueOf(exception.getMessage()));
        if (asked.matches()) {
            return unknown(
                    "a command",
                    asked.group(1),
                    commands(exception.getCommandLine().getCommandSpec().root()));
        }
        if (!(exception instanceof CommandLine.UnmatchedArgumentException unmatched)
                || unmatched.getUnmatched().isEmpty()) {
            return exception.getMessage();
        }
        String word = unmatched.getUnmatched().get(0);
        CommandLine line = unmatched.getCommandLine();
        if (word.startsWith("-")) {
            List<String> options = line.getCommandSpec().options().stream()
                    .filter(option -> !option.hidden())
                    .map(OptionSpec::longestName)
                    .toList();
            return unknown("an option", word, options);
        }
        return line.getParent() == null
                ? unknown("a command", word, commands(line.getCommandSpec()))
                : exception.getMessage();
    }

    private static List<String> commands(CommandSpec program) {
        return program.subcommands().keySet().stream()
                .filter(name -> !name.equals(HELP))
                .toList();
    }

    private static String unknown(String what, String got, List<String> names) {
        return "expected " + what + ", got \"" + got + "\"; "
                + NearestNames.meant(got, names)
                        .map(name -> "did you mean " + name + "?")
                        .orElse("there are " + String.join(", ", names));
    }

    /** One line for a person. */
    static String message(Throwable failure) {
        if (failure instanceof OutOfMemoryError) {
            return "out of memory: expected enough for this model and these inputs, got " + failure.getMessage()
                    + "; give Java a larger heap, such as BLIP2_JAVA_OPTS=-Xmx4g, or close other programs";
        }
        String message = failure.getMessage();
        if (failure instanceof InternalError && String.valueOf(message).contains("unsafe memory access")) {
            return "weights: expected files that stay as they are while they are in use, got one that became shorter or"
                    + " cannot be read any more; put it back and start again";
        }
        if (failure instanceof InvalidPathException name) {
            return "\"" + name.getInput() + "\": expected a file name that the locale can express, got one that "
                    + System.getProperty("sun.jnu.encoding") + " cannot; set LC_ALL=C.UTF-8";
        }
        if (failure instanceof FileSystemException file && file.getReason() == null && file.getFile() != null) {
            return file(failure, Path.of(file.getFile()), message);
        }
        boolean ours = message != null
                && (failure instanceof IOException
                        || failure instanceof IllegalArgumentException
                        || failure instanceof IllegalStateException
                        || failure.getClass().getName().startsWith("io.github.blip2java."));
        return ours ? message : failure + "; --stacktrace shows where, for a report";
    }

    /** What the JDK says with a path alone. */
    private static String file(Throwable failure, Path path, String message) {
        if (failure instanceof AccessDeniedException) {
            return Unreadable.denied(path).getMessage();
        }
        return failure instanceof FileAlreadyExistsException && message.equals(path.toString())
                ? path + ": expected nothing there, found something; remove it, or choose another name"
                : message;
    }

    @Override
    public void run() {
        throw new CommandLine.ParameterException(
                spec.commandLine(),
                "expected a command: " + String.join(", ", commands(spec)) + "; `blip2 --help` shows them");
    }
}
