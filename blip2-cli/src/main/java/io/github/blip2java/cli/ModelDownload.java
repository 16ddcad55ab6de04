/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.hub.Download;
import io.github.blip2java.hub.DownloadListener;
import io.github.blip2java.hub.DownloadPlan;
import io.github.blip2java.hub.DownloadProgress;
import io.github.blip2java.hub.HubEnvironment;
import io.github.blip2java.hub.ModelSource;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Finds the model that a command line names, and downloads it where whoever sits there agrees. */
final class ModelDownload {
    /** What names a model, for the help of every command that takes one. */
    static final String MODEL =
            "A checkpoint folder, or a name on the Hugging Face Hub, OWNER/NAME or OWNER/NAME@REVISION, which"
                    + " is downloaded once";

    private static final long LINE_EVERY = 10_000_000_000L;
    private static final Set<String> YES = Set.of("y", "yes");

    @Option(
            names = {"-y", "--yes"},
            description = "Download a model that is not on this computer yet, without asking.")
    private boolean yes;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    /** Made by picocli. */
    ModelDownload() {}

    /** The folder of a model: a folder as it is, a name from the cache or, if that is agreed to, from the Hub. */
    Path resolve(String model) throws IOException {
        // Who cannot be asked has not agreed, and need not wait for the Hub to be told so.
        Download download = yes || interactive() ? consent() : Download.NEVER;
        try (Progress progress = progress()) {
            return source(model, HubEnvironment.system(), progress).resolve(download);
        }
    }

    /** The same, but what a branch stands for is looked up anew. */
    Path update(String model, HubEnvironment environment) throws IOException {
        try (Progress progress = progress()) {
            return source(model, environment, progress).update(consent());
        }
    }

    private Progress progress() {
        return new Progress(err());
    }

    private PrintWriter err() {
        return command.commandLine().getErr();
    }

    private ModelSource source(String model, HubEnvironment environment, Progress progress) {
        return ModelSource.of(model, environment).withListener(listener(progress));
    }

    /** A line that changes on a terminal; elsewhere, as in a log, a new one now and then. */
    private DownloadListener listener(Progress progress) {
        return new DownloadListener() {
            private long printed;

            @Override
            public void progress(DownloadProgress now) {
                if (progress.isTerminal()) {
                    progress.show(now.text());
                } else if (now.done() || printed == 0 || System.nanoTime() - printed > LINE_EVERY) {
                    printed = System.nanoTime();
                    err().println("blip2: downloading " + now.text());
                }
            }
        };
    }

    private Download consent() {
        return yes ? Download.ALWAYS : Download.ask(this::agreed);
    }

    private boolean agreed(DownloadPlan plan) {
        String what = plan.missing() + " of " + plan.repository() + " ("
                + plan.files().size() + " files)";
        if (!interactive()) {
            throw new IllegalArgumentException("--yes: expected it, as nobody is here to be asked whether to download "
                    + what + " to " + plan.cache());
        }
        err().print("blip2: download " + what + " to " + plan.cache() + "? [y/N] ");
        err().flush();
        return YES.contains(line().strip().toLowerCase(Locale.ROOT));
    }

    /** One line and no byte more: what follows may be questions or a picture. */
    private static String line() {
        StringBuilder line = new StringBuilder();
        try {
            for (int next = System.in.read(); next >= 0 && next != '\n'; next = System.in.read()) {
                line.append((char) next);
            }
        } catch (IOException e) {
            return ""; // no answer is no consent
        }
        return line.toString();
    }

    /** Whether somebody sits there who reads questions and answers them. */
    private static boolean interactive() {
        return Boolean.getBoolean("blip2.interactive");
    }
}
