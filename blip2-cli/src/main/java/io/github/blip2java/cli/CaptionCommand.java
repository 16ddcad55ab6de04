/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.pipeline.Blip2Pipeline;
import io.github.blip2java.pipeline.Blip2Request;
import io.github.blip2java.pipeline.FileResult;
import io.github.blip2java.pipeline.GeneratedText;
import io.github.blip2java.pipeline.Preset;
import io.github.blip2java.processor.Image;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Describes pictures. */
@Command(
        name = "caption",
        mixinStandardHelpOptions = true,
        description =
                "Describes each picture in a line, or those of whole folders. A picture that cannot be read is reported on stderr; the others"
                        + " still come out. Unless told otherwise as --preset caption says, the demo model as --preset beams"
                        + " says.",
        footer = {
            "",
            "Examples:",
            "  blip2 caption --model models/blip2-opt-2.7b cat.jpg dog.png",
            "  blip2 caption --model models/blip2-opt-2.7b --sample --top-p 0.9 --candidates 3 cat.jpg",
            "  blip2 caption --model models/blip2-opt-2.7b photos --recursive --output captions.jsonl"
        })
final class CaptionCommand implements Callable<Integer> {
    @Parameters(
            arity = "0..*",
            paramLabel = "IMAGE",
            description =
                    "Picture files: JPEG, PNG, GIF, BMP, TIFF, WebP; - reads one from standard input. Or folders of them.")
    private List<String> images = List.of();

    @Option(
            names = "--prompt",
            paramLabel = "TEXT",
            description = "How each caption begins, for example \"a photo of\"; \"\" for no beginning.")
    private String prompt;

    @Mixin
    private FolderOptions folders;

    @Mixin
    private GenerationOptions generation;

    @Mixin
    private ResultOptions results;

    @Mixin
    private PipelineOptions pipeline;

    @Spec
    private CommandSpec spec;

    private TextPrinter printer;
    private Progress progress;
    private int done;
    private int failed;
    private long start;

    /** Made by picocli. */
    CaptionCommand() {}

    @Override
    public Integer call() throws Exception {
        results.check();
        if (images.isEmpty() && !folders.hasList()) {
            throw new ParameterException(
                    spec.commandLine(),
                    "Missing required parameter: 'IMAGE'; name picture files or folders, or a list of them with --files-from");
        }
        if (!folders.isUsed(images) && Collections.frequency(images, PictureArgument.STANDARD_INPUT) > 1) {
            throw new IllegalArgumentException(
                    "IMAGE: expected - once, got it several times; standard input holds one picture");
        }
        // The demo model's captions are shorter than LAVIS's shortest, and it never read LAVIS's prompt.
        Blip2Request.Builder request = generation
                .request(results.candidates(), pipeline.isDemo() ? Preset.BEAMS : Preset.CAPTION)
                .logProbabilities(results.logProbabilities());
        if (prompt != null) {
            request.prompt(prompt);
        }
        if (folders.isUsed(images)) {
            return folders.run(images, Collections.singletonList(null), request.build(), generation, results, pipeline);
        }
        printer = new TextPrinter(spec.commandLine().getOut(), pipeline.json(), images.size() > 1);
        done = 0;
        failed = 0;
        boolean together = !results.stream() && !images.contains(PictureArgument.STANDARD_INPUT);
        List<Path> files = together ? files() : List.of();
        try (Progress shown = new Progress(spec.commandLine().getErr());
                Blip2Pipeline blip2 = pipeline.load(shown)) {
            progress = shown;
            progress.progress("describing pictures", 0, images.size());
            start = System.nanoTime();
            generation.explained(() -> {
                if (together) {
                    blip2.generateForFiles(files.iterator(), request.build(), pipeline.reading(), this::print);
                } else {
                    oneByOne(blip2, request);
                }
                return null;
            });
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
                fail(Blip2.message(e));
            }
        }
        return files;
    }

    private void fail(String message) {
        PrintWriter err = spec.commandLine().getErr();
        err.println("blip2: " + message);
        err.flush();
        failed++;
    }

    private void oneByOne(Blip2Pipeline blip2, Blip2Request.Builder request) {
        blip2.check(request.build());
        for (String name : images) {
            Image image;
            try {
                image = PictureArgument.read(name, pipeline.reading());
            } catch (IOException e) {
                progress.clear();
                fail(e.getMessage());
                continue;
            }
            if (results.stream()) {
                request.listener(printer.listener(name, null, progress::clear));
            }
            GeneratedText text =
                    blip2.generate(request.images(List.of(image)).build()).get(0);
            progress.clear();
            printer.print(name, null, text, (System.nanoTime() - start) / 1e9);
            progress.progress("describing pictures", ++done, images.size());
            start = System.nanoTime();
        }
    }

    /** Prints some results as soon as they are there; each took its share of the time since the last ones. */
    private void print(List<FileResult> some) {
        double seconds = (System.nanoTime() - start) / 1e9 / some.size();
        progress.clear();
        for (FileResult result : some) {
            result.text().ifPresent(text -> printer.print(result.file().toString(), null, text, seconds));
            result.error().ifPresent(error -> fail(Blip2.message(error)));
        }
        done += some.size();
        progress.progress("describing pictures", done, images.size());
        start = System.nanoTime();
    }
}
