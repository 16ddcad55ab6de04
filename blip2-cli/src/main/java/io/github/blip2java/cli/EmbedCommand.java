/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.RetrievalImages;
import io.github.blip2java.RetrievalTexts;
import io.github.blip2java.pipeline.Blip2RetrievalPipeline;
import java.io.IOException;
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

/** Embeds pictures and texts for other programs. */
@Command(
        name = "embed",
        mixinStandardHelpOptions = true,
        description = {
            "Writes an embedding of length 1 for each picture, then for each text, in the order of the command line.",
            "jsonl  a JSON object a line, with \"file\" or \"text\", and \"embedding\"",
            "npy    a NumPy array of float32 [pictures and texts, width]",
            "A picture that cannot be read is reported on stderr; it has no line of JSON, and NaN for its row of an array."
        },
        footer = {
            "",
            "Examples:",
            "  blip2 embed --model models/blip2-itm-vit-g cat.jpg dog.jpg --text \"a cat\"",
            "  blip2 embed --model models/blip2-itm-vit-g --format npy -o pictures.npy *.jpg"
        })
final class EmbedCommand implements Callable<Integer> {
    @Parameters(
            arity = "0..*",
            paramLabel = "IMAGE",
            description = "Picture files: JPEG, PNG, GIF, BMP, TIFF, WebP; - reads one from standard input.")
    private List<String> images = List.of();

    @Option(
            names = "--text",
            arity = "1..*",
            paramLabel = "TEXT",
            description = "Texts. Several may follow each other, so pictures go first.")
    private List<String> texts = List.of();

    @Option(
            names = "--queries",
            description =
                    "All embeddings of a picture, one for each query of the model, instead of their mean: [queries, width]. The"
                            + " cosine of a text is the largest of theirs.")
    private boolean queries;

    @Option(names = "--format", paramLabel = "FORMAT", description = "jsonl or npy (default: jsonl).")
    private EmbeddingWriter.Format format = EmbeddingWriter.Format.JSONL;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description = "Where to write, a file that is not there yet (default: standard output).")
    private Path output;

    @Mixin
    private RetrievalOptions options;

    @Spec
    private CommandSpec spec;

    /** Made by picocli. */
    EmbedCommand() {}

    @Override
    public Integer call() throws Exception {
        check();
        PrintWriter err = spec.commandLine().getErr();
        try (Progress progress = new Progress(err);
                Blip2RetrievalPipeline blip2 = options.load(progress)) {
            // Before a file is made: texts may be refused.
            RetrievalTexts encoded = texts.isEmpty() ? null : blip2.encodeTexts(texts);
            int[] shape = {
                blip2.model().config().numQueryTokens(), blip2.model().config().imageTextHiddenSize()
            };
            try (EmbeddingWriter writer = EmbeddingWriter.open(
                    format,
                    output,
                    spec.commandLine().getOut(),
                    images.size() + texts.size(),
                    queries ? shape : new int[] {shape[1]})) {
                int code = new PictureBatches(images, options.reading(), err, progress)
                        .forEach(blip2, batch -> write(batch, blip2, writer, progress));
                for (int text = 0; text < texts.size(); text++) {
                    writer.write("text", texts.get(text), encoded.embedding(text));
                }
                return code;
            }
        }
    }

    private void check() {
        if (images.isEmpty() && texts.isEmpty()) {
            throw new IllegalArgumentException(
                    "IMAGE: expected pictures, --text, or both, got none; name what to embed");
        }
        RetrievalOptions.checkWords("--text", texts, "leave it out");
        PictureBatches.check(images);
        if (queries && !texts.isEmpty()) {
            throw new IllegalArgumentException(
                    "--queries: expected pictures alone, got --text too; a text has one embedding, embed it apart");
        }
        if (options.json() && format != EmbeddingWriter.Format.JSONL) {
            throw new IllegalArgumentException("--json: expected --format jsonl, got npy; leave one of the two out");
        }
    }

    private void write(
            PictureBatches.Batch batch, Blip2RetrievalPipeline blip2, EmbeddingWriter writer, Progress progress)
            throws IOException {
        List<PictureBatches.Item> readable = batch.readable();
        RetrievalImages encoded = readable.isEmpty() ? null : blip2.encode(batch.images());
        progress.clear();
        int row = 0;
        for (PictureBatches.Item item : batch.items()) {
            if (item.image() == null) {
                writer.writeNothing();
            } else {
                writer.write(
                        "file",
                        item.name(),
                        queries ? encoded.queryEmbeddings(row) : new float[][] {encoded.embedding(row)});
                row++;
            }
        }
    }
}
