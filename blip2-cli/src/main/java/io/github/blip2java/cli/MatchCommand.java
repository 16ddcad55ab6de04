/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.ImageTextMatch;
import io.github.blip2java.RetrievalImages;
import io.github.blip2java.RetrievalTexts;
import io.github.blip2java.pipeline.Blip2RetrievalPipeline;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Says how well pictures and texts belong together. */
@Command(
        name = "match",
        mixinStandardHelpOptions = true,
        description = {
            "Says how well each picture and each text belong together.",
            "A line holds the picture where there are several, the text, the cosine (ITC) and the probability of a match (ITM),"
                    + " separated by tabs. A picture that cannot be read is reported on stderr; the others still come out."
        },
        footer = {
            "",
            "Example:",
            "  blip2 match cat.jpg dog.jpg --model models/blip2-itm-vit-g --text \"a cat\" \"a dog\""
        })
final class MatchCommand implements Callable<Integer> {
    /** Which measures. */
    enum Mode {
        ITC,
        ITM,
        BOTH
    }

    @Parameters(
            arity = "1..*",
            paramLabel = "IMAGE",
            description = "Picture files: JPEG, PNG, GIF, BMP, TIFF, WebP; - reads one from standard input.")
    private List<String> images;

    @Option(
            names = "--text",
            arity = "1..*",
            required = true,
            paramLabel = "TEXT",
            description = "What to compare the pictures with. Several may follow each other, so pictures go first.")
    private List<String> texts;

    @Option(
            names = "--mode",
            paramLabel = "MODE",
            description = {
                "Which measures (default: both).",
                "itc   the cosine between embeddings: fast, for ranking",
                "itm   the probability by the matching head, which looks at both at once",
                "both  both"
            })
    private Mode mode = Mode.BOTH;

    @Mixin
    private RetrievalOptions options;

    @Spec
    private CommandSpec spec;

    /** Made by picocli. */
    MatchCommand() {}

    @Override
    public Integer call() throws Exception {
        RetrievalOptions.checkWords("--text", texts, "an empty text would match every picture alike");
        PictureBatches.check(images);
        PrintWriter err = spec.commandLine().getErr();
        TextPrinter printer = new TextPrinter(spec.commandLine().getOut(), options.json(), images.size() > 1);
        try (Progress progress = new Progress(err);
                Blip2RetrievalPipeline blip2 = options.load(progress)) {
            RetrievalTexts encoded = blip2.encodeTexts(texts);
            return new PictureBatches(images, options.reading(), err, progress).forEach(blip2, batch -> {
                List<PictureBatches.Item> readable = batch.readable();
                if (readable.isEmpty()) {
                    return;
                }
                RetrievalImages some = blip2.encode(batch.images());
                List<List<ImageTextMatch>> matches =
                        mode == Mode.ITC ? List.of() : blip2.model().match(some, encoded);
                float[][] cosines = mode == Mode.ITC ? blip2.model().similarities(some, encoded) : null;
                progress.clear();
                for (int i = 0; i < readable.size(); i++) {
                    for (int text = 0; text < texts.size(); text++) {
                        String file = readable.get(i).name();
                        if (mode == Mode.ITC) {
                            print(printer, file, texts.get(text), cosines[i][text]);
                        } else {
                            print(printer, file, texts.get(text), matches.get(i).get(text));
                        }
                    }
                }
            });
        }
    }

    private static void print(TextPrinter printer, String file, String text, float cosine) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("text", text);
        fields.put("cosine", cosine);
        printer.printAbout(file, fields, text, cosine);
    }

    private void print(TextPrinter printer, String file, String text, ImageTextMatch match) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("text", text);
        if (mode == Mode.BOTH) {
            fields.put("cosine", match.cosine());
        }
        fields.put("match_probability", match.matchProbability());
        fields.put("no_match_logit", match.noMatchLogit());
        fields.put("match_logit", match.matchLogit());
        if (mode == Mode.BOTH) {
            printer.printAbout(file, fields, text, match.cosine(), match.matchProbability());
        } else {
            printer.printAbout(file, fields, text, match.matchProbability());
        }
    }
}
