/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.examples;

import io.github.blip2java.processor.Blip2Pipeline;
import io.github.blip2java.processor.FileResult;
import java.io.PrintWriter;
import java.nio.file.Path;
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
    /** Pictures described together: the encoder is fastest with several, and results should not be long in coming. */
    private static final int BATCH = 4;

    @Parameters(arity = "1..*", paramLabel = "IMAGE", description = "Picture files: JPEG, PNG, GIF, BMP, TIFF, WebP.")
    private List<Path> images;

    @Option(
            names = "--prompt",
            paramLabel = "TEXT",
            description = "How each caption begins, for example \"a photo of\".")
    private String prompt;

    @Mixin
    private GenerationOptions options;

    @Spec
    private CommandSpec spec;

    /** Made by picocli. */
    CaptionCommand() {}

    @Override
    public Integer call() throws Exception {
        PrintWriter err = spec.commandLine().getErr();
        TextPrinter printer = new TextPrinter(spec.commandLine().getOut(), options.json(), images.size() > 1);
        int failed = 0;
        try (Progress progress = new Progress(err);
                Blip2Pipeline blip2 = options.load(progress)) {
            for (int from = 0; from < images.size(); from += BATCH) {
                progress.progress("describing pictures", from, images.size());
                List<Path> batch = images.subList(from, Math.min(from + BATCH, images.size()));
                long start = System.nanoTime();
                List<FileResult> results = blip2.captionFiles(batch, prompt);
                double seconds = (System.nanoTime() - start) / 1e9 / batch.size();
                progress.clear();
                for (FileResult result : results) {
                    if (result.text().isPresent()) {
                        printer.print(
                                result.file().toString(), null, result.text().get(), seconds);
                    } else {
                        err.println("blip2: " + Blip2.message(result.error().orElseThrow()));
                        err.flush();
                        failed++;
                    }
                }
            }
        }
        return failed == 0 ? Blip2.OK : Blip2.SOME_FAILED;
    }
}
