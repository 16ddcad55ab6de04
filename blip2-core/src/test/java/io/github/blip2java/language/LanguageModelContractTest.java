/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.internal.tensor.Tensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What holds for every language model: a step is a full pass, a batch is its rows, selecting rows permutes. */
class LanguageModelContractTest {
    /** Both ways sum the same products in another order; float32 has 1.2e-7, and scores are about 1. */
    private static final float TOLERANCE = 2e-5f;

    private static final long[][] PROMPTS = {{5, 9, 30}, {7, 8, 11, 12, 13, 2, 39}, {4, 6, 6, 20, 1}};

    @TempDir
    static Path directory;

    private static LanguageModel opt;
    private static LanguageModel t5;

    @BeforeAll
    static void load() throws IOException {
        opt = TinyLanguageModels.opt(Files.createDirectory(directory.resolve("opt")));
        t5 = TinyLanguageModels.t5(Files.createDirectory(directory.resolve("t5")));
    }

    private static LanguageModel model(String name) {
        return name.equals("opt") ? opt : t5;
    }

    private static Prompt prompt(LanguageModel model, long[]... rows) {
        int longest = Arrays.stream(rows).mapToInt(row -> row.length).max().orElseThrow();
        long[][] ids =
                Arrays.stream(rows).map(row -> Arrays.copyOf(row, longest)).toArray(long[][]::new);
        long[][] mask = Arrays.stream(rows)
                .map(row -> {
                    long[] keep = new long[longest];
                    Arrays.fill(keep, 0, row.length, 1);
                    return keep;
                })
                .toArray(long[][]::new);
        return Prompt.pack(model.embedTokens(ids), mask);
    }

    /** The scores behind a prompt and tokens, computed by one pass over everything. */
    private static float[] full(LanguageModel model, long[] prompt, int... tokens) {
        boolean encoderDecoder = model.config().isEncoderDecoder();
        long[] before = encoderDecoder ? model.prefix(new long[][] {prompt})[0] : prompt;
        long[] all = Arrays.copyOf(before, before.length + tokens.length);
        for (int i = 0; i < tokens.length; i++) {
            all[before.length + i] = tokens[i];
        }
        long[][] input = {encoderDecoder ? prompt : all};
        long[][] target = encoderDecoder ? new long[][] {all} : null;
        Tensor embeds = model.embedTokens(input);
        LanguageModelOutput output = model.forward(
                new LanguageModelInputs(embeds, TokenIds.ones(1, input[0].length), target, null, false, false));
        float[] logits = Tensors.fromINDArray(output.logits(), "logits").data();
        int vocab = model.config().vocabSize();
        return Arrays.copyOfRange(logits, logits.length - vocab, logits.length);
    }

    private static float[] row(DecoderState state, int row) {
        int vocab = state.logits().cols();
        return Arrays.copyOfRange(state.logits().data(), row * vocab, (row + 1) * vocab);
    }

    private static void assertClose(float[] actual, float[] expected) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < actual.length; i++) {
            assertThat(actual[i]).as("score %d", i).isCloseTo(expected[i], within(TOLERANCE));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"opt", "t5"})
    void stepsAreAFullPass(String name) {
        LanguageModel model = model(name);
        DecoderState state = model.start(prompt(model, PROMPTS[0]), 50);
        int[] tokens = new int[40]; // more than the cache makes room for at first
        assertClose(row(state, 0), full(model, PROMPTS[0]));
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = (7 * i + 3) % model.config().vocabSize();
            state.advance(tokens[i]);
            assertClose(row(state, 0), full(model, PROMPTS[0], Arrays.copyOf(tokens, i + 1)));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"opt", "t5"})
    void aBatchIsItsRows(String name) {
        LanguageModel model = model(name);
        DecoderState batch = model.start(prompt(model, PROMPTS), 20);
        assertThat(batch.logits().shape()).containsExactly(3, model.config().vocabSize());
        int[][] tokens = {{10, 20, 30}, {11, 21, 31}};
        for (int step = 0; step <= tokens.length; step++) {
            for (int r = 0; r < PROMPTS.length; r++) {
                int at = r;
                int[] own = Arrays.stream(tokens, 0, step).mapToInt(t -> t[at]).toArray();
                assertClose(row(batch, r), full(model, PROMPTS[r], own));
            }
            if (step < tokens.length) {
                batch.advance(tokens[step]);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"opt", "t5"})
    void severalTokensAtOnceAreOneAfterTheOther(String name) {
        LanguageModel model = model(name);
        DecoderState state = model.start(prompt(model, PROMPTS), 20);
        int[][] tokens = {{10, 11, 12}, {20}, {30, 31}};
        Tensor all = state.advance(tokens);
        int at = 0;
        for (int r = 0; r < PROMPTS.length; r++) {
            for (int i = 1; i <= tokens[r].length; i++, at++) {
                float[] expected = full(model, PROMPTS[r], Arrays.copyOf(tokens[r], i));
                assertClose(Arrays.copyOfRange(all.data(), at * all.cols(), (at + 1) * all.cols()), expected);
            }
            assertThat(state.hidden(r).rows()).isEqualTo(tokens[r].length);
            assertClose(row(state, r), full(model, PROMPTS[r], tokens[r]));
        }
        state.drop(2, 0, 1);
        state.advance(37, 38, 39);
        assertClose(row(state, 0), full(model, PROMPTS[0], 10, 37));
        assertClose(row(state, 1), full(model, PROMPTS[1], 20, 38));
        assertClose(row(state, 2), full(model, PROMPTS[2], 30, 39));
    }

    @ParameterizedTest
    @ValueSource(strings = {"opt", "t5"})
    void selectingRowsPermutesRepeatsAndDrops(String name) {
        LanguageModel model = model(name);
        for (int[] rows : List.of(new int[] {2, 0, 1}, new int[] {1, 1, 0, 1}, new int[] {2})) {
            DecoderState state = model.start(prompt(model, PROMPTS), 20);
            state.advance(10, 20, 30);
            float[][] before = {row(state, 0), row(state, 1), row(state, 2)};
            state.select(rows);
            assertThat(state.logits().dim(0)).isEqualTo(rows.length);
            int[] next = new int[rows.length];
            for (int i = 0; i < rows.length; i++) {
                assertThat(row(state, i)).isEqualTo(before[rows[i]]);
                next[i] = i + 1;
            }
            state.advance(next);
            for (int i = 0; i < rows.length; i++) {
                assertClose(row(state, i), full(model, PROMPTS[rows[i]], 10 * (rows[i] + 1), next[i]));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"opt", "t5"})
    void paddingInAFullPassChangesNothing(String name) {
        LanguageModel model = model(name);
        long[][] ids = {{0, 0, 5, 9, 30}};
        long[][] mask = {{0, 0, 1, 1, 1}};
        long[][] target = model.config().isEncoderDecoder() ? new long[][] {{3, 8}} : null;
        long[][] plain = {{5, 9, 30}};
        float[] padded = Tensors.fromINDArray(
                        model.forward(new LanguageModelInputs(model.embedTokens(ids), mask, target, null, false, false))
                                .logits(),
                        "logits")
                .data();
        float[] alone = Tensors.fromINDArray(
                        model.forward(new LanguageModelInputs(
                                        model.embedTokens(plain), TokenIds.ones(1, 3), target, null, false, false))
                                .logits(),
                        "logits")
                .data();
        assertClose(Arrays.copyOfRange(padded, padded.length - alone.length, padded.length), alone);
    }

    @ParameterizedTest
    @ValueSource(strings = {"opt", "t5"})
    void wrongIdsAreNamed(String name) {
        LanguageModel model = model(name);
        assertThatThrownBy(() -> model.embedTokens(new long[][] {{1, 2}, {3, 40}}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("inputIds: expected ids from 0 to 39, got 40 in row 1, column 1; the tokenizer and the"
                        + " checkpoint do not belong together");
        assertThatThrownBy(() -> model.embedTokens(new long[][] {{1L << 40}}))
                .hasMessageStartingWith("inputIds: expected ids from 0 to 39, got 1099511627776 in row 0, column 0");
    }

    @Test
    void aDecoderOnlyModelHasNoDecoderIds() {
        assertThat(opt.decoderIds(null, new long[][] {{1, 2}})).isNull();
        assertThat(opt.decoderIds(null, null)).isNull();
        assertThatThrownBy(() -> opt.decoderIds(new long[][] {{1}, {2}}, null))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("decoderInputIds: expected none for a decoder-only language model, got 2 rows; put the text"
                        + " into inputIds");
        assertThat(opt.prefix(new long[][] {{4, 5}})).isDeepEqualTo(new long[][] {{4, 5}});
        assertThat(opt.promptLength(37)).isEqualTo(37);
    }

    @Test
    void t5ShiftsLabelsRightBehindTheStartToken() {
        assertThat(t5.decoderIds(null, new long[][] {{8, 9, 1}, {7, -100, -100}}))
                .isDeepEqualTo(new long[][] {{3, 8, 9}, {3, 7, 0}});
        assertThat(t5.decoderIds(new long[][] {{6, 5}}, new long[][] {{8, 9}})).isDeepEqualTo(new long[][] {{6, 5}});
        assertThat(t5.prefix(new long[][] {{4, 5}, {6, 7}})).isDeepEqualTo(new long[][] {{3}, {3}});
        assertThat(t5.promptLength(37)).isOne();
        assertThatThrownBy(() -> t5.decoderIds(null, null))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("decoderInputIds: expected [batch, target] for an encoder–decoder language model, got null;"
                        + " pass them, or labels from which they are made");
        assertThatThrownBy(() -> t5.decoderIds(new long[][] {{40}}, null))
                .hasMessageStartingWith("decoderInputIds: expected ids from 0 to 39, got 40 in row 0, column 0");
    }

    @Test
    void aLimitOfNewTokensTakesNoMemoryByItself() {
        DecoderState state = t5.start(prompt(t5, PROMPTS[0]), 2_000_000_000);
        state.advance(8);
        assertClose(row(state, 0), full(t5, PROMPTS[0], 8));
        assertThatThrownBy(() -> opt.start(prompt(opt, PROMPTS[0]), Integer.MAX_VALUE))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "sequence: expected at most 64 positions (max_position_embeddings), got a prompt of 3 (image"
                                + " tokens included) and 2147483647 new tokens; shorten the text or lower maxNewTokens");
    }

    @Test
    void inputsOfAFullPassAreCheckedAndCopied() {
        Tensor embeds = opt.embedTokens(new long[][] {{1, 2, 3}});
        assertThatThrownBy(() -> new LanguageModelInputs(embeds, TokenIds.ones(1, 2), null, null, false, false))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("attentionMask: expected [1, 3], got 2 values in row 0");
        assertThatThrownBy(() ->
                        new LanguageModelInputs(embeds, TokenIds.ones(1, 3), null, TokenIds.ones(1, 3), false, false))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("decoderAttentionMask: expected [1, 0], got 3 values in row 0");
        assertThatThrownBy(() ->
                        new LanguageModelInputs(embeds.reshape(3, 16), TokenIds.ones(1, 3), null, null, false, false))
                .hasMessage("inputsEmbeds: expected [batch, seq, width], got [3, 16]; embedTokens makes this shape");
        long[][] mask = TokenIds.ones(1, 3);
        LanguageModelInputs inputs = new LanguageModelInputs(embeds, mask, null, null, false, false);
        mask[0][0] = 0;
        assertThat(inputs.attentionMask()[0]).containsExactly(1, 1, 1);
    }
}
