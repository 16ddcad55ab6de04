/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.AttentionMap;
import io.github.blip2java.ModelKind;
import io.github.blip2java.RetrievalImages;
import io.github.blip2java.RetrievalTexts;
import io.github.blip2java.checkpoint.Checkpoint;
import io.github.blip2java.pipeline.AttendedWord;
import io.github.blip2java.pipeline.Blip2Pipeline;
import io.github.blip2java.pipeline.Blip2Request;
import io.github.blip2java.pipeline.Blip2RetrievalPipeline;
import io.github.blip2java.pipeline.GeneratedText;
import io.github.blip2java.pipeline.Preset;
import io.github.blip2java.pipeline.heatmap.HeatMap;
import io.github.blip2java.processor.Image;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Draws what a text looks at. */
@Command(
        name = "heatmap",
        mixinStandardHelpOptions = true,
        description = {
            "Draws over a picture what a text looks at in it (PNG), and prints the text and the probability of a match.",
            "With a checkpoint for captions as --model, describes the picture and draws what a word of the caption looks at, TEXT being"
                    + " the word, or without TEXT all words together; each word is printed.",
            "With --json the numbers come out too: values [heads][rows][columns] of patches, from the upper left corner."
        },
        footer = {
            "",
            "Examples:",
            "  blip2 heatmap fruit.jpg \"a red apple\" -o apple.png --model models/blip2-itm-vit-g",
            "  blip2 heatmap fruit.jpg apple -o apple.png --model models/blip2-opt-2.7b"
        })
final class HeatmapCommand implements Callable<Integer> {
    private static final String PNG = ".png";

    @Parameters(
            index = "0",
            paramLabel = "IMAGE",
            description = "A picture file: JPEG, PNG, GIF, BMP, TIFF, WebP; - reads it from standard input.")
    private String image;

    @Parameters(
            index = "1",
            arity = "0..1",
            paramLabel = "TEXT",
            description = "What to look for; with a checkpoint for captions a word of the caption.")
    private String text;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description = "Where to draw, a .png file that is not there yet; needed unless there is --json.")
    private Path output;

    @Mixin
    private RetrievalOptions options;

    @Spec
    private CommandSpec spec;

    private TextPrinter printer;

    /** Made by picocli. */
    HeatmapCommand() {}

    @Override
    public Integer call() throws Exception {
        checkOutput();
        boolean captions = !options.isTwin() && isForCaptions(options.folder());
        checkText(captions);
        printer = new TextPrinter(spec.commandLine().getOut(), options.json(), false);
        Image picture = PictureArgument.read(image, options.reading());
        try (Progress progress = new Progress(spec.commandLine().getErr())) {
            if (captions) {
                explainCaption(picture, progress);
            } else {
                explainText(picture, progress);
            }
        }
        return Blip2.OK;
    }

    /** What can be wrong with the file is told before the work. */
    private void checkOutput() throws IOException {
        if (output == null) {
            if (options.json()) {
                return;
            }
            throw new IllegalArgumentException(
                    "--output: expected a .png file to draw into, got none; name one, or print the numbers with --json");
        }
        if (!output.toString().toLowerCase(Locale.ROOT).endsWith(PNG)) {
            throw new IllegalArgumentException(
                    "--output: expected a name that ends in .png, got \"" + output + "\"; a heat map is a PNG");
        }
        if (Files.exists(output, LinkOption.NOFOLLOW_LINKS)) {
            throw new FileAlreadyExistsException(output.toString());
        }
        Path folder = output.toAbsolutePath().getParent();
        if (!Files.isDirectory(folder)) {
            throw new IOException("--output: " + output + ": expected a file in a folder that is there, got " + folder
                    + "; make the folder first");
        }
    }

    private static boolean isForCaptions(Path model) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(model)) {
            return ModelKind.of(checkpoint) == ModelKind.CONDITIONAL_GENERATION;
        }
    }

    private void checkText(boolean captions) {
        if (text == null && captions) {
            return;
        }
        if (text == null || text.isBlank()) {
            throw new IllegalArgumentException("TEXT: expected words to look for, got "
                    + (text == null ? "none" : "\"" + text + "\"") + "; say what the picture may show");
        }
    }

    private void explainText(Image picture, Progress progress) throws IOException {
        try (Blip2RetrievalPipeline blip2 = options.load(progress)) {
            RetrievalTexts texts = blip2.encodeTexts(List.of(text));
            RetrievalImages images = blip2.encode(picture);
            float probability = blip2.model().match(images, texts).get(0).get(0).matchProbability();
            AttentionMap map = blip2.explain(images, texts, 0, 0);
            draw(picture, map, text + String.format(Locale.ROOT, " · match %.2f", probability));
            progress.clear();
            if (probability < 0.5f) {
                say("\"" + text + "\" hardly matches the picture, so the heat means little");
            }
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("text", text);
            fields.put("match_probability", probability);
            print(fields, map, text, probability);
        }
    }

    private void explainCaption(Image picture, Progress progress) throws IOException {
        try (Blip2Pipeline blip2 = Blip2Pipeline.load(options.folder(), options.loading(progress))) {
            GeneratedText caption = blip2.generate(
                            Blip2Request.about(picture).preset(Preset.BEAMS).build())
                    .get(0);
            List<AttendedWord> words = named(caption, blip2.explain(picture, null, caption));
            String word = words.stream().map(AttendedWord::word).collect(Collectors.joining(" "));
            draw(
                    picture,
                    AttentionMap.mean(words.stream().map(AttendedWord::map).toList()),
                    text == null ? caption.text() : word + " · in: " + caption.text());
            progress.clear();
            for (AttendedWord each : words) {
                Map<String, Object> fields = new LinkedHashMap<>();
                fields.put("caption", caption.text());
                fields.put("word", each.word());
                print(fields, each.map(), each.word());
            }
        }
    }

    /** The words that were asked for, in any case, with or without punctuation around them. */
    private List<AttendedWord> named(GeneratedText caption, List<AttendedWord> words) {
        List<AttendedWord> named = words.stream()
                .filter(each -> text == null || plain(each.word()).equals(plain(text)))
                .toList();
        if (named.isEmpty()) {
            throw new IllegalArgumentException("TEXT: expected a word of the caption \"" + caption.text() + "\", got "
                    + (text == null ? "a caption without words" : "\"" + text + "\"")
                    + "; name one of its words, or ask a checkpoint for retrieval, which takes any text");
        }
        return named;
    }

    private static String plain(String word) {
        return word.strip().replaceAll("^\\p{Punct}+|\\p{Punct}+$", "").toLowerCase(Locale.ROOT);
    }

    private void draw(Image picture, AttentionMap map, String caption) throws IOException {
        if (output == null) {
            return;
        }
        byte[] png = HeatMap.of(picture, map).withCaption(caption).png();
        try {
            Files.write(output, png, StandardOpenOption.CREATE_NEW);
        } catch (FileAlreadyExistsException e) {
            throw e; // told by the program as for other commands
        } catch (IOException e) {
            throw new IOException("--output: " + output + ": expected a file that can be written, got " + e, e);
        }
    }

    private void print(Map<String, Object> fields, AttentionMap map, Object... columns) {
        if (output != null) {
            fields.put("output", output.toString());
        }
        fields.put("heads", map.heads());
        fields.put("rows", map.rows());
        fields.put("columns", map.columns());
        fields.put("values", map.values());
        printer.printAbout(image, fields, columns);
    }

    private void say(String message) {
        PrintWriter err = spec.commandLine().getErr();
        err.println("blip2: " + message);
        err.flush();
    }
}
