/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.pipeline.Blip2RetrievalPipeline;
import io.github.blip2java.pipeline.LabelScore;
import io.github.blip2java.pipeline.ZeroShotClassifier;
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

/** Sorts pictures into labels. */
@Command(
        name = "classify",
        mixinStandardHelpOptions = true,
        description = {
            "Sorts each picture into labels that the model need not have been trained for.",
            "A line holds the picture where there are several, a label, its probability among the labels given, and the cosine,"
                    + " separated by tabs; the best label first. A picture that cannot be read is reported on stderr; the"
                    + " others still come out."
        },
        footer = {"", "Example:", "  blip2 classify --model models/blip2-itm-vit-g --labels cat,dog,horse --top 1 *.jpg"
        })
final class ClassifyCommand implements Callable<Integer> {
    @Parameters(
            arity = "1..*",
            paramLabel = "IMAGE",
            description = "Picture files: JPEG, PNG, GIF, BMP, TIFF, WebP; - reads one from standard input.")
    private List<String> images;

    @Option(
            names = "--labels",
            split = ",",
            required = true,
            paramLabel = "A,B,C",
            description = "The labels. May be given several times.")
    private List<String> labels;

    @Option(
            names = "--template",
            paramLabel = "TEXT",
            description =
                    "A text with {} in the place of the label (default: \"a photo of a {}\"). May be given several times; a"
                            + " label then counts as the mean of its texts.")
    private List<String> templates = Blip2RetrievalPipeline.DEFAULT_TEMPLATES;

    @Option(names = "--top", paramLabel = "K", description = "Print the best K labels of each picture (default: all).")
    private Integer top;

    @Mixin
    private RetrievalOptions options;

    @Spec
    private CommandSpec spec;

    /** Made by picocli. */
    ClassifyCommand() {}

    @Override
    public Integer call() throws Exception {
        RetrievalOptions.checkWords("--labels", labels, "write them as --labels cat,dog,horse");
        for (String template : templates) {
            if (!template.contains("{}")) {
                throw new IllegalArgumentException("--template: expected {} in the place of the label, got \""
                        + template + "\"; such as \"a photo of a {}\"");
            }
        }
        if (top != null && top < 1) {
            throw new IllegalArgumentException(
                    "--top: expected 1 or more, got " + top + "; leave it out for all labels");
        }
        PictureBatches.check(images);
        PrintWriter err = spec.commandLine().getErr();
        TextPrinter printer = new TextPrinter(spec.commandLine().getOut(), options.json(), images.size() > 1);
        try (Progress progress = new Progress(err);
                Blip2RetrievalPipeline blip2 = options.load(progress)) {
            ZeroShotClassifier classifier = blip2.classifier(labels, templates);
            return new PictureBatches(images, options.reading(), err, progress).forEach(blip2, batch -> {
                List<PictureBatches.Item> readable = batch.readable();
                if (readable.isEmpty()) {
                    return;
                }
                List<List<LabelScore>> scores = classifier.classify(batch.images());
                progress.clear();
                for (int i = 0; i < readable.size(); i++) {
                    for (LabelScore score :
                            scores.get(i).subList(0, top == null ? labels.size() : Math.min(top, labels.size()))) {
                        Map<String, Object> fields = new LinkedHashMap<>();
                        fields.put("label", score.label());
                        fields.put("probability", score.probability());
                        fields.put("cosine", score.cosine());
                        printer.printAbout(
                                readable.get(i).name(), fields, score.label(), score.probability(), score.cosine());
                    }
                }
            });
        }
    }
}
