/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.checkpoint.MalformedCheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How the files are merged; expected tables are those of transformers 5.18 for the same files. */
class TokenizerFilesTest {

    /** Four words, two added tokens, one of them in the model's vocabulary. */
    private static final String JSON = """
            {"version": "1.0", "truncation": {"max_length": 2, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
             "padding": null,
             "added_tokens": [
               {"id": 1, "content": "</s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": false},
               {"id": 4, "content": "hello", "single_word": false, "lstrip": false, "rstrip": false, "normalized": true, "special": false}],
             "normalizer": null, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
             "model": {"type": "WordLevel", "vocab": {"a": 0, "</s>": 1, "<unk>": 2, "b": 3}, "unk_token": "<unk>"}}
            """;

    @TempDir
    Path folder;

    @BeforeEach
    void writeTokenizer() throws IOException {
        write("tokenizer.json", JSON);
    }

    private void write(String name, String content) throws IOException {
        Files.writeString(folder.resolve(name), content);
    }

    /** Ids, contents and flags (s: special, n: normalized, l: lstrip) of the added tokens. */
    private List<String> added() throws IOException {
        List<String> tokens = new ArrayList<>();
        new ObjectMapper()
                .readTree(TokenizerFiles.read(folder).json())
                .get("added_tokens")
                .forEach(token ->
                        tokens.add(token.get("id") + " " + token.get("content").textValue() + " "
                                + (token.get("special").booleanValue() ? "s" : "")
                                + (token.get("normalized").booleanValue() ? "n" : "")
                                + (token.get("lstrip").booleanValue() ? "l" : "")));
        return tokens;
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    {} | 1 </s> ; 4 hello n; 5 <image> s
                    {"eos_token": "</s>"} | 1 </s> s; 4 hello n; 5 <image> s
                    {"eos_token": {"content": "</s>", "normalized": true, "lstrip": true}} | 1 </s> s; 4 hello n; 5 <image> s
                    {"eos_token": "</s>", "added_tokens_decoder": {"1": {"content": "</s>", "normalized": true, "lstrip": true, "special": true}, "77": {"content": "zz", "normalized": true, "lstrip": true}}} | 1 </s> snl; 4 hello n; 5 zz nl; 6 <image> s
                    {"eos_token": "</s>", "extra_special_tokens": ["b", "<x>"]} | 1 </s> s; 4 hello n; 3 b s; 5 <x> s; 6 <image> s
                    {"additional_special_tokens": ["b", "<x>"]} | 1 </s> ; 4 hello n; 3 b s; 5 <x> s; 6 <image> s
                    {"image_token": "<img>"} | 1 </s> ; 4 hello n; 5 <img> s
                    {"extra_special_tokens": {"image_token": "<img>"}} | 1 </s> ; 4 hello n; 5 <img> s
                    {"pad_token": "<pad>"} | 1 </s> ; 4 hello n; 5 <pad> s; 6 <image> s
                    """)
    void addedTokensAreCompleted(String config, String expected) throws IOException {
        write("tokenizer_config.json", config);
        assertThat(String.join("; ", added())).isEqualTo(expected);
    }

    @Test
    void olderFilesAreReadWhereTheNewerKeyIsMissing() throws IOException {
        write("special_tokens_map.json", "{\"eos_token\": \"</s>\", \"pad_token\": {\"content\": \"<pad>\"}}");
        write("added_tokens.json", "{\"<img>\": 9, \"<pad>\": 7}");
        assertThat(added()).containsExactly("1 </s> s", "4 hello n", "5 <pad> s", "6 <img> n", "7 <image> s");
        TokenizerDefinition definition = TokenizerFiles.read(folder);
        assertThat(definition.specials()).containsEntry("eos_token", "</s>").containsEntry("pad_token", "<pad>");
        assertThat(definition.vocabulary()).hasSize(8).containsEntry("<image>", 7);

        write("tokenizer_config.json", "{\"added_tokens_decoder\": {}}");
        assertThat(added()).containsExactly("1 </s> ", "4 hello n", "5 <image> s");
    }

    @Test
    void nothingIsCutWhateverTheFileSays() throws IOException {
        try (Tokenizer tokenizer = Tokenizer.fromPretrained(folder)) {
            assertThat(tokenizer.encode("a b a hello b", true)).containsExactly(0, 3, 0, 4, 3);
            assertThat(tokenizer.encode("<image>a c", true)).containsExactly(5, 0, 2);
            assertThat(tokenizer.decode(new long[] {0, 5, 99, 3}, true)).isEqualTo("a b");
            assertThat(tokenizer.modelMaxLength()).isEmpty();
            assertThat(tokenizer.padTokenId()).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource({"WordLevel,true,false,a.b", "WordLevel,false,false,a . b", "BPE,true,false,a . b", "BPE,true,true,a.b"})
    void spacesBeforePunctuationAreCleanedUp(String model, boolean cleanUp, boolean force, String expected)
            throws IOException {
        String vocab = "{\"a\": 0, \" .\": 1, \"Ġ.\": 2, \" b\": 3, \"Ġb\": 4}";
        write("tokenizer.json", """
                {"added_tokens": [], "normalizer": null, "pre_tokenizer": null, "post_processor": null,
                 "decoder": {"type": "Fuse"}, "model": {"type": "%s", "vocab": %s%s}}
                """.formatted(
                        model, vocab, model.equals("BPE") ? ", \"merges\": []" : ", \"unk_token\": \"a\""));
        write("tokenizer_config.json", """
                {"clean_up_tokenization_spaces": %s,
                 "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output": %s}
                """.formatted(cleanUp, force));
        try (Tokenizer tokenizer = Tokenizer.fromPretrained(folder)) {
            assertThat(tokenizer.decode(new long[] {0, 1, 3}, false)).isEqualTo(expected.replace("a.b", "a. b"));
        }
    }

    @Test
    void halfSurrogatePairsAreReplaced() throws IOException {
        try (Tokenizer tokenizer = Tokenizer.fromPretrained(folder)) {
            assertThat(tokenizer.encode("a \ud83d b \udc00\ud83d", true))
                    .containsExactly(tokenizer.encode("a \ufffd b \ufffd\ufffd", true));
            assertThat(tokenizer.encode("a \ud83d\udc36 b", true)).containsExactly(0, 2, 3);
        }
    }

    @Test
    void negativeIdsAreRefused() throws IOException {
        try (Tokenizer tokenizer = Tokenizer.fromPretrained(folder)) {
            assertThatThrownBy(() -> tokenizer.decode(new long[] {1, -100}, true))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("ids: expected token ids of 0 or more, got -100");
        }
    }

    @Test
    void missingFilesComeWithAWayToMakeThem() throws IOException {
        Files.delete(folder.resolve("tokenizer.json"));
        assertThatThrownBy(() -> Tokenizer.fromPretrained(folder))
                .isInstanceOf(IOException.class)
                .hasMessage(folder
                        + ": expected tokenizer.json, or vocab.json and merges.txt, or vocab.txt, or spiece.model, found"
                        + " none of them; write it with Python: from transformers import AutoTokenizer; AutoTokenizer.from_pretrained(\""
                        + folder
                        + "\").save_pretrained(\"" + folder + "\")");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    [1] | expected a JSON object, got [1]; download it again
                    {"model": {"type": "BPE"}} | model.vocab: expected an object or a list, got MISSING
                    {"model": {"type": "BPE", "vocab": {}}, "added_tokens": [{"id": 1}]} | added token: expected an object with content, got {"id":1}
                    {"model": {"type": "New", "vocab": {}}} | the tokenizers library cannot read it: data did not match any variant of untagged enum ModelUntagged
                    """)
    void brokenFilesAreNamed(String json, String message) throws IOException {
        write("tokenizer.json", json);
        assertThatThrownBy(() -> Tokenizer.fromPretrained(folder))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessageStartingWith("tokenizer.json: " + message);
    }
}
