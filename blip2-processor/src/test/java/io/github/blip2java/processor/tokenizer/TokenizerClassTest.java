/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.CodedOutputStream;
import io.github.blip2java.checkpoint.MalformedCheckpointException;
import io.github.blip2java.checkpoint.UnsupportedModelException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which class builds a tokenizer, and what it refuses; that the ids are right is for the conformance tests. */
class TokenizerClassTest {

    private static final String PIECES = "[[\"<pad>\", 0], [\"</s>\", 0], [\"<unk>\", 0], [\"▁\", -2], [\"▁a\", -1]]";

    @TempDir
    Path folder;

    private void write(String name, String content) throws IOException {
        Files.writeString(folder.resolve(name), content);
    }

    private JsonNode built() throws IOException {
        return new ObjectMapper().readTree(TokenizerFiles.read(folder).json());
    }

    private static String unigram(String rest) {
        return "{\"model\": {\"type\": \"Unigram\", \"unk_id\": 2, \"vocab\": " + PIECES + "}" + rest + "}";
    }

    @ParameterizedTest
    @CsvSource({
        "T5Tokenizer, true",
        "T5TokenizerFast, true",
        "'', true",
        "PreTrainedTokenizerFast, false",
        "TokenizersBackend, false"
    })
    void aUnigramFileIsFollowedOnlyWhereNoClassBuildsItsOwn(String name, boolean builds) throws IOException {
        write("tokenizer.json", unigram(", \"pre_tokenizer\": {\"type\": \"Metaspace\", \"replacement\": \"_\"}"));
        write("tokenizer_config.json", name.isEmpty() ? "{}" : "{\"tokenizer_class\": \"" + name + "\"}");
        assertThat(built().at("/pre_tokenizer/type").asText()).isEqualTo(builds ? "Sequence" : "Metaspace");
    }

    @Test
    void sentinelsComeBehindThePiecesWhereTheFilesNameNone() throws IOException {
        write("tokenizer.json", unigram(""));
        write("tokenizer_config.json", "{\"tokenizer_class\": \"T5Tokenizer\", \"extra_ids\": 2}");
        assertThat(TokenizerFiles.read(folder).vocabulary())
                .containsEntry("<extra_id_0>", 5)
                .containsEntry("<extra_id_1>", 6)
                .containsEntry("<image>", 7);
        try (Tokenizer tokenizer = Tokenizer.fromPretrained(folder)) {
            assertThat(tokenizer.encode(" a  a ", true)).containsExactly(4, 4, 1);
            assertThat(tokenizer.decode(new long[] {4, 4, (1L << 32) + 4}, true))
                    .isEqualTo("a a");
        }
    }

    @Test
    void flagsOfSpecialTokensAreKept() throws IOException {
        write("tokenizer.json", unigram(""));
        write("special_tokens_map.json", """
                {"mask_token": {"content": "<m>", "lstrip": true, "normalized": true}, "cls_token": "<c>"}
                """);
        write("tokenizer_config.json", """
                {"sep_token": {"__type": "AddedToken", "content": "<s>", "rstrip": true, "normalized": false}}
                """);
        JsonNode added = built().get("added_tokens");
        for (JsonNode token : added) {
            String content = token.get("content").textValue();
            assertThat(token.get("special").booleanValue()).isTrue();
            assertThat(token.get("lstrip").booleanValue()).isEqualTo(content.equals("<m>"));
            assertThat(token.get("rstrip").booleanValue()).isEqualTo(content.equals("<s>"));
            assertThat(token.get("normalized").booleanValue()).isEqualTo(content.equals("<m>"));
        }
        assertThat(added.findValuesAsText("content")).contains("<m>", "<c>", "<s>");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    T5Tokenizer | {"model": {"vocab": {"a": 0}}} | tokenizer.json: model.vocab: expected a list of pieces and scores, got OBJECT; download it again
                    T5Tokenizer | {"model": {"vocab": [["a"]]}} | tokenizer.json: model.vocab: expected pairs of a piece and a score, got ["a"]; download it again
                    T5Tokenizer | {"model": {"vocab": [["</s>", 0]]}, "normalizer": {"precompiled_charsmap": "?"}} | tokenizer.json: precompiled_charsmap: expected base64, got other characters; download it again
                    BertTokenizer | {"model": {"vocab": []}} | tokenizer.json: model.vocab: expected an object of token ids, got ARRAY; download it again
                    BertTokenizer | {"model": {"vocab": {"a": -1}}} | tokenizer.json: token "a": expected an id from 0 to 16777215, got -1; download it again
                    BertTokenizer | {"model": {"vocab": {"a": 1}}} | tokenizer_config.json: unk_token: expected a token of the vocabulary, got "[UNK]"; download it again
                    GPT2Tokenizer | {"model": {"vocab": {"a": 4294967296}, "merges": []}} | tokenizer.json: token "a": expected an id from 0 to 16777215, got 4294967296; download it again
                    GPT2Tokenizer | {"model": {"vocab": {"a": 0}}} | tokenizer.json: model.merges: expected a list, got MISSING; download it again
                    """)
    void vocabulariesOfAnotherKindAreNamed(String name, String json, String message) throws IOException {
        write("tokenizer.json", json);
        write("tokenizer_config.json", "{\"tokenizer_class\": \"" + name + "\"}");
        assertThatThrownBy(() -> TokenizerFiles.read(folder))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessage(message);
    }

    @Test
    void whatAClassCannotDoWithoutIsNamed() throws IOException {
        write("vocab.txt", "[UNK]\na\n");
        write("tokenizer_config.json", "{\"cls_token\": null}");
        assertThatThrownBy(() -> Tokenizer.fromPretrained(folder))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessage("tokenizer_config.json: cls_token: expected a token, got none; download it again");
        write("tokenizer_config.json", "{\"added_tokens_decoder\": {\"x\": {\"content\": \"a\"}}}");
        assertThatThrownBy(() -> Tokenizer.fromPretrained(folder))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessage(
                        "tokenizer_config.json: added_tokens_decoder: expected token ids as keys, got \"x\"; download it"
                                + " again");
        write("tokenizer_config.json", "{\"tokenizer_class\": \"T5Tokenizer\", \"extra_ids\": 1000000}");
        write("tokenizer.json", unigram(""));
        assertThatThrownBy(() -> Tokenizer.fromPretrained(folder))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessage(
                        "tokenizer_config.json: extra_ids: expected a whole number from 0 to 1000, got 1000000; download it"
                                + " again");
    }

    @Test
    void aTextThatTheVocabularyCannotSpellIsRefused() throws IOException {
        write("tokenizer.json", """
                {"model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "u"}, "added_tokens": []}
                """);
        try (Tokenizer tokenizer = Tokenizer.fromPretrained(folder)) {
            assertThatThrownBy(() -> tokenizer.encode("b", true))
                    .isInstanceOf(MalformedCheckpointException.class)
                    .hasMessage(
                            "tokenizer.json: the tokenizers library cannot use it: WordLevel error: Missing [UNK] token"
                                    + " from the vocabulary; download it again");
        }
    }

    /** Each of these would end the whole process in the native library, at the first text or when it is read. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', textBlock = """
                    "pre_tokenizer": {"type": "FixedLength", "length": 0} | pre_tokenizer.type "FixedLength" is not supported; supported: BertPreTokenizer,
                    "decoder": {"type": "Strip", "content": "a", "start": 2, "stop": 3} | decoder.type "Strip" is not supported; supported: BPEDecoder, ByteFallback, ByteLevel, Fuse,
                    "normalizer": {"type": "Sequence", "normalizers": [{"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": ""}]} | normalizer.pattern "(a+)+$" is not supported; supported: patterns without groups, with one repetition
                    "normalizer": {"type": "Precompiled"} | precompiled_charsmap: expected a table of whole blocks, got a size of 0 in 0 bytes
                    "post_processor": {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "B", "type_id": 0}}], "pair": [], "special_tokens": {}} | post_processor.single: expected texts [A] and tokens that special_tokens has, got {"Sequence":{"id":"B","type_id":0}}
                    "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "y", "type_id": 0}}], "pair": [], "special_tokens": {"x": {}}} | post_processor.single: expected texts [A] and tokens that special_tokens has, got {"SpecialToken":{"id":"y","type_id":0}}
                    """)
    void stepsThatWouldEndTheProcessAreRefused(String step, String message) throws IOException {
        write("tokenizer.json", """
                {"model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}, "added_tokens": [], %s}
                """.formatted(step.strip()));
        assertThatThrownBy(() -> Tokenizer.fromPretrained(folder))
                .isInstanceOfAny(MalformedCheckpointException.class, UnsupportedModelException.class)
                .hasMessageStartingWith("tokenizer.json: " + message.strip());
    }

    @Test
    void addedTokensThatTheirNormalizerEmptiesAreRefused() throws IOException {
        write("added_tokens.json", "{\"\u0301\": 1}");
        String json = """
                {"model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}, "added_tokens": [],
                 "normalizer": {"type": "%s"}}
                """;
        write("tokenizer.json", json.formatted("NFC"));
        try (Tokenizer tokenizer = Tokenizer.fromPretrained(folder)) {
            assertThat(tokenizer.encode("a\u0301", true)).isNotEmpty();
        }
        write("tokenizer.json", json.formatted("StripAccents"));
        assertThatThrownBy(() -> Tokenizer.fromPretrained(folder))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessage(
                        "tokenizer.json: added token \"\u0301\": expected characters that the normalizer keeps, got none;"
                                + " download it again");
    }

    @Test
    void prefixesOfBytePairsAreRefused() throws IOException {
        write("tokenizer.json", """
                {"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": ["a b"], "continuing_subword_prefix": "##"}}
                """);
        assertThatThrownBy(() -> Tokenizer.fromPretrained(folder))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessage(
                        "tokenizer.json: model.continuing_subword_prefix \"##\" is not supported; supported: none, for"
                                + " BPE");
    }

    // ---- SentencePiece

    private static byte[] message(List<byte[]> fields, int number) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        for (byte[] field : fields) {
            out.writeByteArray(number, field);
        }
        out.flush();
        return bytes.toByteArray();
    }

    private static byte[] piece(String text, float score) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        out.writeString(1, text);
        out.writeFloat(2, score);
        out.writeEnum(3, 1);
        out.flush();
        return bytes.toByteArray();
    }

    @Test
    void damagedSentencePieceModelsAreNamed() throws IOException {
        byte[] good = message(List.of(piece("<pad>", 0), piece("</s>", 0), piece("<unk>", 0), piece("▁a", -1.5f)), 1);
        Path file = folder.resolve("spiece.model");
        Files.write(file, good);
        assertThat(SentencePieceModel.read(file).pieces())
                .hasSize(4)
                .contains(new SentencePieceModel.Piece("▁a", -1.5f));
        Files.write(file, java.util.Arrays.copyOf(good, good.length - 3));
        assertThatThrownBy(() -> SentencePieceModel.read(file))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessageStartingWith(
                        "spiece.model: expected a SentencePiece model, got: While parsing a protocol message,"
                                + " the input ended unexpectedly");
        Files.write(file, message(List.of(piece("a", Float.NaN)), 1));
        assertThatThrownBy(() -> SentencePieceModel.read(file))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessage("spiece.model: piece \"a\": expected a finite score, got NaN; download it again");
    }

    // ---- character map

    /** One block of units in which the root leads to {@code a}, which leads to a leaf; then the replacements. */
    private static byte[] map(int root, int a, int leaf, String replacements) {
        byte[] text = replacements.getBytes(java.nio.charset.StandardCharsets.UTF_8);
        ByteBuffer map = ByteBuffer.allocate(4 + 1024 + text.length).order(ByteOrder.LITTLE_ENDIAN);
        map.putInt(1024);
        map.putInt(4, root);
        map.putInt(4 + 4 * (1 ^ 'a'), a);
        map.putInt(4 + 4 * 2, leaf);
        map.position(1028);
        return map.put(text).array();
    }

    private static final int ROOT = 1 << 10;
    private static final int A = (1 ^ 'a' ^ 2) << 10 | 1 << 8 | 'a';
    private static final int LEAF = 1 << 31;

    @Test
    void characterMapsReplace() throws IOException {
        String map = Base64.getEncoder().encodeToString(map(ROOT, A, LEAF | 2, "x\0b\0"));
        write("tokenizer_config.json", "{\"tokenizer_class\": \"T5Tokenizer\"}");
        write("tokenizer.json", """
                {"model": {"type": "Unigram", "vocab": [["<pad>", 0], ["</s>", 0], ["<unk>", 0], ["▁b", -1]]},
                 "normalizer": {"type": "Precompiled", "precompiled_charsmap": "%s"}}
                """.formatted(map));
        try (Tokenizer tokenizer = Tokenizer.fromPretrained(folder)) {
            assertThat(tokenizer.encode("a", true)).containsExactly(3, 1);
        }
    }

    @Test
    void characterMapsThatPointOutsideAreRefused() {
        Path file = Path.of("spiece.model");
        CharacterMap.check(file, map(ROOT, A, LEAF | 2, "x\0b\0"));
        CharacterMap.check(file, map(ROOT, A, LEAF | 4, "x\0b\0"));
        byte[] huge = map(ROOT, A, LEAF, "x\0");
        ByteBuffer.wrap(huge).order(ByteOrder.LITTLE_ENDIAN).putInt(0, -4);
        assertThatThrownBy(() -> CharacterMap.check(file, huge))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessage(
                        "spiece.model: precompiled_charsmap: expected a table of whole blocks, got a size of 4294967292"
                                + " in 1030 bytes; download it again");
        assertThatThrownBy(() -> CharacterMap.check(file, map(ROOT, (1 << 20) | A, LEAF, "x\0")))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessageStartingWith(
                        "spiece.model: precompiled_charsmap: expected children within 256 units, got unit ");
        for (int offset : new int[] {5, 2}) {
            String replacements = offset == 5 ? "x\0b\0" : "xä\0";
            assertThatThrownBy(() -> CharacterMap.check(file, map(ROOT, A, LEAF | offset, replacements)))
                    .isInstanceOf(MalformedCheckpointException.class)
                    .hasMessage("spiece.model: precompiled_charsmap: expected replacements within 4 bytes, got one at "
                            + offset + "; download it again");
        }
    }
}
