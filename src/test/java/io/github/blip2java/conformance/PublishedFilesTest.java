/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.Blip2Config;
import io.github.blip2java.Blip2ForConditionalGeneration;
import io.github.blip2java.checkpoint.MalformedCheckpointException;
import io.github.blip2java.checkpoint.UnsupportedModelException;
import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.generation.GenerationResult;
import io.github.blip2java.processor.Blip2Processor;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ProcessorOutput;
import io.github.blip2java.processor.TextOptions;
import io.github.blip2java.processor.tokenizer.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.OptionalInt;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The small files of published checkpoints, in every layout they have.
 *
 * <p>Folders of the same form come with the tests ({@code published_reference.py}). {@code -Dblip2.published=DIR} adds real
 * ones: folders without weights, and {@code expected-ids/hf-FOLDER.json} of each.
 */
class PublishedFilesTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path SMALL = Resources.root().resolve("published");
    private static final String IMAGE = "<image>";
    private static final String INDEX = "model.safetensors.index.json";

    @TempDir
    Path directory;

    static List<Path> folders() throws IOException {
        List<Path> folders = new ArrayList<>(foldersOf(SMALL));
        String real = System.getProperty("blip2.published");
        if (real != null) {
            folders.addAll(foldersOf(Path.of(real)));
        }
        return folders;
    }

    private static List<Path> foldersOf(Path root) throws IOException {
        try (Stream<Path> entries = Files.list(root)) {
            List<Path> folders = entries.filter(entry -> Files.exists(entry.resolve("config.json")))
                    .sorted()
                    .toList();
            assertThat(folders).as("checkpoint folders in %s", root).isNotEmpty();
            return folders;
        }
    }

    static List<Path> generating() throws IOException {
        return folders().stream().filter(folder -> !isRetrieval(folder)).toList();
    }

    private static boolean isRetrieval(Path folder) {
        return read(folder.resolve("config.json"))
                .path("architectures")
                .toString()
                .contains("Retrieval");
    }

    private static JsonNode read(Path file) {
        try {
            return JSON.readTree(file.toFile());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    // ---- texts

    @ParameterizedTest
    @MethodSource("folders")
    void textsHaveTheIdsOfTheReference(Path folder) throws IOException {
        checkTexts(folder, folder);
    }

    private static void checkTexts(Path folder, Path original) throws IOException {
        JsonNode expected =
                read(original.resolveSibling("expected-ids").resolve("hf-" + original.getFileName() + ".json"));
        SoftAssertions differences = new SoftAssertions();
        int compared = 0;
        try (Tokenizer tokenizer = Tokenizer.fromPretrained(folder)) {
            boolean known = tokenizer.imageTokenId() < expected.get("len").intValue();
            for (JsonNode one : expected.get("cases")) {
                String text = one.get("text").textValue();
                if (text.contains(IMAGE) && !known) {
                    continue; // there it is ordinary text, until a processor adds it
                }
                compared++;
                long[] bare = TokenizerConformanceTest.longs(one.get("ids_no_special"));
                differences
                        .assertThat(tokenizer.encode(text, true))
                        .as(text)
                        .containsExactly(TokenizerConformanceTest.longs(one.get("ids")));
                differences.assertThat(tokenizer.encode(text, false)).as(text).containsExactly(bare);
                differences
                        .assertThat(tokenizer.decode(bare, false))
                        .isEqualTo(one.get("decoded").textValue());
                differences
                        .assertThat(tokenizer.decode(bare, true))
                        .isEqualTo(one.get("decoded_skip").textValue());
            }
            differences
                    .assertThat(tokenizer.eosTokenId())
                    .isEqualTo(id(tokenizer, expected.get("eos").textValue()));
            differences
                    .assertThat(tokenizer.bosTokenId())
                    .isEqualTo(id(tokenizer, expected.get("bos").textValue()));
            differences
                    .assertThat(tokenizer.padTokenId())
                    .isEqualTo(id(tokenizer, expected.get("pad").textValue()));
        }
        differences.assertThat(compared).isGreaterThanOrEqualTo(25);
        differences.assertAll();
    }

    private static OptionalInt id(Tokenizer tokenizer, String token) {
        return token == null ? OptionalInt.empty() : tokenizer.tokenId(token);
    }

    @ParameterizedTest
    @MethodSource("folders")
    void lineEndsOfWindowsAndByteOrderMarksChangeNothing(Path folder) throws IOException {
        Path copy = Resources.copy(folder, directory.resolve("copy"));
        try (Stream<Path> files = Files.list(copy)) {
            for (Path file : files.toList()) {
                if (!file.toString().endsWith(".model")) {
                    String text = Files.readString(file);
                    Files.writeString(
                            file, "\ufeff" + text.replace("\r\n", "\n").replace("\n", "\r\n"));
                }
            }
        }
        checkTexts(copy, folder);
        assertThat(Blip2Config.fromPretrained(copy).toMap())
                .isEqualTo(Blip2Config.fromPretrained(folder).toMap());
    }

    @ParameterizedTest
    @MethodSource("folders")
    void pointersOfGitLfsAreNamed(Path folder) throws IOException {
        String pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:d60acb128cf7\nsize 791656\n";
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Path copy = Resources.copy(folder, directory.resolve(file.getFileName()));
                Files.writeString(copy.resolve(file.getFileName()), pointer);
                String name = file.getFileName().toString();
                if (isRead(folder, name)) {
                    assertThatThrownBy(() -> Blip2Processor.fromPretrained(copy))
                            .as(name)
                            .isInstanceOf(MalformedCheckpointException.class)
                            .hasMessage(
                                    name + ": expected the file itself, got a pointer of Git LFS to it; run: git lfs"
                                            + " pull");
                }
            }
        }
    }

    /** Whether a processor looks at a file, given that newer ones make older ones unnecessary. */
    private static boolean isRead(Path folder, String name) {
        boolean older = List.of("vocab.json", "merges.txt", "spiece.model").contains(name);
        boolean replaced = read(folder.resolve("tokenizer_config.json")).has("added_tokens_decoder")
                && List.of("special_tokens_map.json", "added_tokens.json").contains(name);
        boolean ofModel = List.of(INDEX, "generation_config.json").contains(name);
        return !ofModel && !replaced && !(older && Files.exists(folder.resolve("tokenizer.json")));
    }

    // ---- processors and configurations

    @ParameterizedTest
    @MethodSource("folders")
    void processorAndConfigurationLoad(Path folder) throws IOException {
        Blip2Config config = Blip2Config.fromPretrained(folder);
        try (Blip2Processor processor = Blip2Processor.fromPretrained(folder)) {
            assertThat(processor.imageProcessor().config().width())
                    .isEqualTo(config.visionConfig().imageSize());
            int queries = config.imageTokenIndex().isPresent() ? 32 : 0;
            assertThat(processor.numQueryTokens().orElse(0)).isEqualTo(queries);
            ProcessorOutput output = processor.prompts(List.of("a photo of "), TextOptions.defaults());
            assertThat(output.inputIds()[0]).hasSizeGreaterThan(queries + 2);
            assertThat(config.qformerConfig().useQformerTextInput()).isEqualTo(isRetrieval(folder));
        }
    }

    // ---- names of tensors

    private static Collection<String> names(Path folder) throws IOException {
        String kind = read(folder.resolve("config.json"))
                .at("/text_config/model_type")
                .textValue();
        for (Path one : foldersOf(folder.getParent())) {
            boolean same = read(one.resolve("config.json"))
                    .at("/text_config/model_type")
                    .asText()
                    .equals(kind);
            if (same && Files.exists(one.resolve(INDEX))) {
                Collection<String> names = new TreeSet<>();
                read(one.resolve(INDEX)).get("weight_map").fieldNames().forEachRemaining(names::add);
                return names;
            }
        }
        throw new AssertionError(folder + ": expected a folder of the same kind with an index beside it");
    }

    /** Loads and generates; gives what was logged. */
    private static String run(Path checkpoint) throws IOException {
        PrintStream before = System.err;
        ByteArrayOutputStream log = new ByteArrayOutputStream();
        System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
        try (Blip2ForConditionalGeneration model = Blip2ForConditionalGeneration.fromPretrained(checkpoint);
                Blip2Processor processor = Blip2Processor.fromPretrained(checkpoint)) {
            Image picture = Image.ofRgb(2, 1, new byte[] {1, 2, 3, 100, 50, 0});
            ProcessorOutput output = processor.process(List.of(picture), List.of("a photo of "));
            GenerationResult result = model.generate(
                    Nd4j.zeros(DataType.FLOAT, 1, 3, 28, 28),
                    output.inputIds(),
                    output.attentionMask(),
                    GenerationConfig.builder().maxNewTokens(4).minNewTokens(4).build());
            assertThat(result.sequences()[0]).hasSizeGreaterThanOrEqualTo(4);
        } finally {
            System.setErr(before);
        }
        return log.toString(StandardCharsets.UTF_8);
    }

    @ParameterizedTest
    @MethodSource("generating")
    void aCheckpointOfTheseNamesLoadsWholly(Path folder) throws IOException {
        Path checkpoint = TinyCheckpoint.write(folder, names(folder), directory.resolve("tiny"));
        assertThat(run(checkpoint)).doesNotContain("belong to nothing");
    }

    @Test
    void aNameTooManyOrTooFewIsNoticed() throws IOException {
        Path folder = SMALL.resolve("blip2-opt");
        Collection<String> more = new TreeSet<>(names(folder));
        more.add("qformer.encoder.layer.0.more.weight");
        assertThat(run(TinyCheckpoint.write(folder, more, directory.resolve("more"))))
                .contains("1 tensors belong to nothing and were ignored: [qformer.encoder.layer.0.more.weight]");
        for (String name : List.of("query_tokens", "qformer.layernorm.bias", "vision_model.post_layernorm.weight")) {
            Collection<String> fewer = new TreeSet<>(names(folder));
            assertThat(fewer.remove(name)).isTrue();
            Path checkpoint = TinyCheckpoint.write(folder, fewer, directory.resolve(name));
            assertThatThrownBy(() -> Blip2ForConditionalGeneration.fromPretrained(checkpoint))
                    .isInstanceOf(MalformedCheckpointException.class)
                    .hasMessageContaining("expected a tensor \"" + name + "\", found none");
        }
    }

    @ParameterizedTest
    @MethodSource("folders")
    void retrievalModelsAreNoModelsOfText(Path folder) throws IOException {
        if (isRetrieval(folder)) {
            Path checkpoint =
                    TinyCheckpoint.write(folder, List.of("itm_head.weight", "query_tokens"), directory.resolve("itm"));
            assertThatThrownBy(() -> Blip2ForConditionalGeneration.fromPretrained(checkpoint))
                    .isInstanceOf(UnsupportedModelException.class)
                    .hasMessageContaining("expected a checkpoint with a language model, for captions and answers, got a"
                            + " checkpoint for image–text retrieval, without a language model; read this one with"
                            + " Blip2RetrievalPipeline, Blip2ForImageTextRetrieval, Blip2TextModelWithProjection or"
                            + " Blip2VisionModelWithProjection, or take one such as Salesforce/blip2-opt-2.7b");
        }
    }
}
