/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.examples;

import io.github.blip2java.processor.Blip2Pipeline;
import io.github.blip2java.processor.FileResult;
import java.io.PrintWriter;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Describes pictures. */
@Command(
        name = "caption",
        mixinStandardHelpOptions = true,
        description =
                "Describes each picture in a line. A picture that cannot be read is reported on stderr; the others"
                        + " still come out.",
        footer = {"", "Example:", "  blip2 caption --model models/blip2-opt-2.7b cat.jpg dog.png"})
final class CaptionCommand implements Callable<Integer> {
    @Parameters(arity = "1..*", paramLabel = "IMAGE", description = "Picture files: JPEG, PNG, GIF, BMP, TIFF, WebP.")
    private List<String> images;

    @Option(
            names = "--prompt",
            paramLabel = "TEXT",
            description = "How each caption begins, for example \"a photo of\".")
    private String prompt;

    @Mixin
    private GenerationOptions options;

    @Spec
    private CommandSpec spec;

    private int done;
    private int failed;
    private long start;

    /** Made by picocli. */
    CaptionCommand() {}

    @Override
    public Integer call() throws Exception {
        TextPrinter printer = new TextPrinter(spec.commandLine().getOut(), options.json(), images.size() > 1);
        done = 0;
        failed = 0;
        List<Path> files = files();
        try (Progress progress = new Progress(spec.commandLine().getErr());
                Blip2Pipeline blip2 = options.load(progress)) {
            progress.progress("describing pictures", 0, images.size());
            start = System.nanoTime();
            blip2.captionFiles(files, prompt, options.reading(), results -> print(results, printer, progress));
        }
        return failed == 0 ? Blip2.OK : Blip2.SOME_FAILED;
    }

    /** The names that this system can express; the others fail alone. */
    private List<Path> files() {
        List<Path> files = new ArrayList<>();
        for (String name : images) {
            try {
                files.add(Path.of(name));
            } catch (InvalidPathException e) {
                spec.commandLine().getErr().println("blip2: " + Blip2.message(e));
                failed++;
            }
        }
        return files;
    }

    /** Prints some results as soon as they are there; each took its share of the time since the last ones. */
    private void print(List<FileResult> results, TextPrinter printer, Progress progress) {
        PrintWriter err = spec.commandLine().getErr();
        double seconds = (System.nanoTime() - start) / 1e9 / results.size();
        progress.clear();
        for (FileResult result : results) {
            result.text().ifPresent(text -> printer.print(result.file().toString(), null, text, seconds));
            result.error().ifPresent(error -> {
                err.println("blip2: " + Blip2.message(error));
                err.flush();
                failed++;
            });
        }
        done += results.size();
        progress.progress("describing pictures", done, images.size());
        start = System.nanoTime();
    }
}
