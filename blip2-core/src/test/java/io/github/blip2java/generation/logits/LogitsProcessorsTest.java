/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import static io.github.blip2java.generation.logits.LogitsProcessorsReferenceTest.hypothesis;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;
import io.github.blip2java.generation.WatermarkingConfig;
import io.github.blip2java.generation.search.beam.CurrentTokens;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class LogitsProcessorsTest {
    private static final float NO = Float.NEGATIVE_INFINITY;

    private static float[] processed(LogitsProcessor processor, Hypothesis hypothesis, float... scores) {
        float[] copy = scores.clone();
        processor.process(hypothesis, copy);
        return copy;
    }

    /** A sequence of these ids, of which the first is no new token. */
    private static Hypothesis sequence(int... ids) {
        return hypothesis(0, ids, 1);
    }

    private static LogitsProcessors.Context context(int vocabulary, int... eos) {
        return new LogitsProcessors.Context(vocabulary, eos, 0, 20, null, List.of(), new CurrentTokens(), null);
    }

    private static void assertMessage(String message, ThrowingCallable call) {
        assertThatIllegalArgumentException().isThrownBy(call).withMessage(message);
    }

    @Test
    void warpersLeaveScoresAloneWhereAllAreForbidden() {
        for (LogitsProcessor warper : List.of(
                new TopKLogitsWarper(2, 1),
                new TopPLogitsWarper(0.5, 1),
                new TopHLogitsWarper(0.5),
                new MinPLogitsWarper(0.5, 1),
                new TypicalLogitsWarper(0.5, 1),
                new EpsilonLogitsWarper(0.1, 1),
                new EtaLogitsWarper(0.1, 1),
                new LogitNormalization(),
                new TemperatureLogitsWarper(0.5))) {
            assertThat(processed(warper, sequence(1), NO, NO, NO)).containsExactly(NO, NO, NO);
        }
    }

    @Test
    void warpersKeepAsManyAsTheyMust() {
        for (int keep = 1; keep <= 4; keep++) {
            for (LogitsProcessor warper : List.of(
                    new TopKLogitsWarper(1, keep),
                    new TopPLogitsWarper(0, keep),
                    new MinPLogitsWarper(1, keep),
                    new EpsilonLogitsWarper(0.999, keep),
                    new EtaLogitsWarper(0.999, keep))) {
                float[] scores = processed(warper, sequence(1), 1, 5, 3, 4, 2);
                float lowest = 6 - keep;
                assertThat(scores)
                        .as("%s, %d", warper.getClass().getSimpleName(), keep)
                        .containsExactly(keepFrom(lowest, 1, 5, 3, 4, 2));
            }
            float[] typical = processed(new TypicalLogitsWarper(1e-9, keep), sequence(1), 1, 5, 3, 4, 2);
            assertThat(count(typical)).isEqualTo(keep);
        }
    }

    private static float[] keepFrom(float lowest, float... scores) {
        float[] kept = new float[scores.length];
        for (int i = 0; i < kept.length; i++) {
            kept[i] = scores[i] < lowest ? NO : scores[i];
        }
        return kept;
    }

    private static int count(float[] scores) {
        int count = 0;
        for (float score : scores) {
            count += score > NO ? 1 : 0;
        }
        return count;
    }

    @Test
    void warpersTakeAVocabularyOfOne() {
        for (LogitsProcessor warper : List.of(
                new TopKLogitsWarper(50, 3),
                new TopPLogitsWarper(0.1, 3),
                new TopHLogitsWarper(0.1),
                new TypicalLogitsWarper(0.1, 3))) {
            assertThat(processed(warper, sequence(0), 2)).containsExactly(2);
        }
    }

    @Test
    void theWholeEntropyKeepsTheHundredMostProbable() {
        float[] scores = new float[300];
        for (int id = 0; id < scores.length; id++) {
            scores[id] = id % 7 + id / 100f;
        }
        assertThat(count(processed(new TopHLogitsWarper(1), sequence(0), scores)))
                .isEqualTo(100);
    }

    @Test
    void ofEquallyProbableTokensAllStay() {
        assertThat(processed(new TopKLogitsWarper(1, 1), sequence(0), 2, 1, 2)).containsExactly(2, NO, 2);
        assertThat(processed(new TopPLogitsWarper(0.1, 1), sequence(0), 2, 1, 2))
                .containsExactly(2, NO, 2);
        assertThat(processed(new TypicalLogitsWarper(0.1, 1), sequence(0), 2, -5, 2))
                .containsExactly(2, NO, 2);
    }

    @Test
    void anEmptyPromptForbidsNothing() {
        assertThat(processed(new EncoderNoRepeatNGramLogitsProcessor(1), sequence(0), 1, 2))
                .containsExactly(1, 2);
        assertThat(processed(new EncoderRepetitionPenaltyLogitsProcessor(2), sequence(0), 1, 2))
                .containsExactly(1, 2);
        Hypothesis nothing = Hypothesis.of(0, new int[0], new int[0]);
        assertThat(processed(new NoRepeatNGramLogitsProcessor(2), nothing, 1, 2))
                .containsExactly(1, 2);
        assertThat(processed(new RepetitionPenaltyLogitsProcessor(2), nothing, 1, 2))
                .containsExactly(1, 2);
        assertThat(processed(new WatermarkLogitsProcessor(WatermarkingConfig.DEFAULT), nothing, 1, 2))
                .containsExactly(1, 2);
    }

    @Test
    void idsWithoutAScoreArePassedOver() {
        Hypothesis picture = hypothesis(0, new int[] {9, 9, 0}, 3, 9, 0);
        assertThat(processed(new RepetitionPenaltyLogitsProcessor(2), picture, -3, 4))
                .containsExactly(-6, 4);
        assertThat(processed(new EncoderRepetitionPenaltyLogitsProcessor(2), picture, 3, 4))
                .containsExactly(6, 4);
        assertThat(processed(new NoRepeatNGramLogitsProcessor(1), picture, 3, 4))
                .containsExactly(NO, 4);
    }

    @Test
    void theFirstNewTokenIsForcedBehindAPromptToo() {
        LogitsProcessor forced = new ForcedBOSTokenLogitsProcessor(1);
        assertThat(processed(forced, hypothesis(0, new int[] {9, 9, 3}, 3), 5, 6, 7))
                .containsExactly(NO, 0, NO);
        assertThat(processed(forced, hypothesis(0, new int[] {9, 9, 3}, 2), 5, 6, 7))
                .containsExactly(5, 6, 7);
    }

    @Test
    void tokensMayNotFollowAForcedOne() {
        LogitsProcessorList processors = LogitsProcessors.of(
                GenerationConfig.fromJson("{\"forced_bos_token_id\": 1, \"begin_suppress_tokens\": [2]}"), context(4));
        assertThat(processed(processors, sequence(3), 5, 6, 7, 8)).containsExactly(NO, 0, NO, NO);
        assertThat(processed(processors, sequence(3, 1), 5, 6, 7, 8)).containsExactly(5, 6, NO, 8);
        assertThat(processed(processors, sequence(3, 1, 0), 5, 6, 7, 8)).containsExactly(5, 6, 7, 8);
    }

    @Test
    void aForbiddenEndDoesNotBecomeLikelier() {
        LogitsProcessor decay = new ExponentialDecayLengthPenalty(0, 2, 0, 1);
        assertThat(processed(decay, sequence(5, 5), NO, -2, 4)).containsExactly(NO, 0, 4);
        Hypothesis old = sequence(new int[5000]);
        assertThat(processed(decay, old, 0, 3, 4)).containsExactly(0, Float.MAX_VALUE, 4);
    }

    @Test
    void aRuleOfTheCallerWinsWhereAllThatItAllowsIsForbidden() {
        PrefixConstrainedLogitsProcessor processor = new PrefixConstrainedLogitsProcessor(each -> new int[] {0, 2});
        Hypothesis first = sequence(1);
        assertThat(processed(processor, first, 4, 5, 6)).containsExactly(4, NO, 6);
        assertThat(processed(processor, first, NO, 5, NO)).containsExactly(0, NO, 0);
        processor.begin(List.of(first, hypothesis(1, new int[] {1}, 1)));
        assertThat(processed(processor, first, NO, 5, NO)).containsExactly(0, NO, 0);
        // Beside another beam of the same prompt it may not gain by it.
        processor.begin(List.of(first, sequence(2)));
        assertThat(processed(processor, first, NO, 5, NO)).containsExactly(-1e4f, NO, -1e4f);
    }

    @Test
    void aRuleOfTheCallerMustAllowIdsOfTheVocabulary() {
        assertMessage(
                "prefixAllowedTokens: expected at least one token id, got none for prompt 0 after 2 new tokens; allow the end"
                        + " token where a text may end",
                () -> processed(new PrefixConstrainedLogitsProcessor(each -> new int[0]), sequence(1, 2, 3), 1, 2));
        for (int id : new int[] {-1, 2}) {
            assertMessage(
                    "prefixAllowedTokens: expected ids from 0 to 1, got " + id + "; use ids of this model's tokenizer",
                    () -> processed(new PrefixConstrainedLogitsProcessor(each -> new int[] {id}), sequence(1), 1, 2));
        }
    }

    @Test
    void onlyRemovingInvalidValuesLetsThemIn() {
        assertThat(LogitsProcessors.of(GenerationConfig.defaults(), context(9)).repairsScores())
                .isFalse();
        assertThat(LogitsProcessors.of(GenerationConfig.fromJson("{\"remove_invalid_values\": true}"), context(9))
                        .repairsScores())
                .isTrue();
    }

    @Test
    void processorsRunInTheReferencesOrder() {
        LogitsProcessor custom = (hypothesis, scores) -> {};
        String all =
                "{'guidance_scale': 2, 'sequence_bias': [[[1], 2.0]], 'diversity_penalty': 0.5, 'num_beam_groups': 2,"
                        + " 'encoder_repetition_penalty': 2, 'repetition_penalty': 2, 'no_repeat_ngram_size': 2,"
                        + " 'encoder_no_repeat_ngram_size': 2, 'bad_words_ids': [[1]], 'forced_bos_token_id': 1,"
                        + " 'forced_eos_token_id': 1, 'remove_invalid_values': true, 'exponential_decay_length_penalty': [1, 2],"
                        + " 'suppress_tokens': [2], 'begin_suppress_tokens': [2], 'num_beams': 4, 'watermarking_config': {},"
                        + " 'renormalize_logits': true}";
        String drawn =
                "{'do_sample': true, 'temperature': 2, 'top_h': 0.5, 'top_p': 0.5, 'min_p': 0.5, 'typical_p': 0.5,"
                        + " 'epsilon_cutoff': 0.5, 'eta_cutoff': 0.5}";
        LogitsProcessors.Context context = new LogitsProcessors.Context(
                9, new int[] {2}, 3, 20, each -> null, List.of(custom), new CurrentTokens(), () -> null);
        assertThat(names(all, context, custom))
                .containsExactly(
                        "UnbatchedClassifierFreeGuidanceLogitsProcessor",
                        "SequenceBiasLogitsProcessor",
                        "HammingDiversityLogitsProcessor",
                        "EncoderRepetitionPenaltyLogitsProcessor",
                        "RepetitionPenaltyLogitsProcessor",
                        "NoRepeatNGramLogitsProcessor",
                        "EncoderNoRepeatNGramLogitsProcessor",
                        "NoBadWordsLogitsProcessor",
                        "MinNewTokensLengthLogitsProcessor",
                        "PrefixConstrainedLogitsProcessor",
                        "ForcedBOSTokenLogitsProcessor",
                        "ForcedEOSTokenLogitsProcessor",
                        "InfNanRemoveLogitsProcessor",
                        "ExponentialDecayLengthPenalty",
                        "SuppressTokensLogitsProcessor",
                        "SuppressTokensAtBeginLogitsProcessor",
                        "custom",
                        "WatermarkLogitsProcessor",
                        "LogitNormalization");
        assertThat(names(drawn, context, custom))
                .containsExactly(
                        "MinNewTokensLengthLogitsProcessor",
                        "PrefixConstrainedLogitsProcessor",
                        "custom",
                        "TemperatureLogitsWarper",
                        "TopHLogitsWarper",
                        "TopKLogitsWarper",
                        "TopPLogitsWarper",
                        "MinPLogitsWarper",
                        "TypicalLogitsWarper",
                        "EpsilonLogitsWarper",
                        "EtaLogitsWarper");
        assertThat(LogitsProcessors.of(GenerationConfig.defaults(), context(9)).processors())
                .isEmpty();
    }

    private static List<String> names(String options, LogitsProcessors.Context context, LogitsProcessor custom) {
        return LogitsProcessors.of(GenerationConfig.fromJson(options.replace('\'', '"')), context).processors().stream()
                .map(each -> each == custom ? "custom" : each.getClass().getSimpleName())
                .toList();
    }

    @Test
    void idsOutsideTheVocabularyAreRefused() {
        for (String option : List.of(
                "\"sequence_bias\": [[[1, 9], 2.0]]",
                "\"bad_words_ids\": [[9]]",
                "\"forced_bos_token_id\": 9",
                "\"forced_eos_token_id\": [1, 9]",
                "\"suppress_tokens\": [9]",
                "\"begin_suppress_tokens\": [9]")) {
            GenerationConfig options = GenerationConfig.fromJson("{" + option + "}");
            assertMessage(
                    "generation option " + option.substring(1, option.indexOf(':') - 1)
                            + ": expected ids from 0 to 8, got 9; use ids of this model's tokenizer",
                    () -> LogitsProcessors.of(options, context(9)));
        }
    }

    @Test
    void argumentsOutsideTheirRangeAreRefused() {
        assertMessage(
                "temperature: expected a number above 0, got 0.0; for the most probable token every time, leave do_sample out",
                () -> new TemperatureLogitsWarper(0));
        assertMessage(
                "repetitionPenalty: expected a number above 0, got -1.0; 1 changes nothing",
                () -> new RepetitionPenaltyLogitsProcessor(-1));
        assertMessage(
                "encoderRepetitionPenalty: expected a number above 0, got NaN; 1 changes nothing",
                () -> new EncoderRepetitionPenaltyLogitsProcessor(Double.NaN));
        assertMessage("noRepeatNgramSize: expected 1 or more, got 0", () -> new NoRepeatNGramLogitsProcessor(0));
        assertMessage(
                "encoderNoRepeatNgramSize: expected 1 or more, got -2",
                () -> new EncoderNoRepeatNGramLogitsProcessor(-2));
        assertMessage("topK: expected 1 or more, got 0", () -> new TopKLogitsWarper(0, 1));
        assertMessage("minTokensToKeep: expected 1 or more, got 0", () -> new TopKLogitsWarper(1, 0));
        assertMessage("minTokensToKeep: expected 1 or more, got 0", () -> new MinPLogitsWarper(0.5, 0));
        assertMessage(
                "topP: expected a number from 0 to 1, got 1.5; 1 forbids nothing", () -> new TopPLogitsWarper(1.5, 1));
        assertMessage(
                "minP: expected a number from 0 to 1, got -0.5; 0 forbids nothing",
                () -> new MinPLogitsWarper(-0.5, 1));
        assertMessage(
                "topH: expected a number above 0 and up to 1, got 0.0; leave it out to forbid nothing",
                () -> new TopHLogitsWarper(0));
        assertMessage(
                "typicalP: expected a number between 0 and 1, got 1.0; leave it out to forbid nothing",
                () -> new TypicalLogitsWarper(1, 1));
        assertMessage(
                "epsilonCutoff: expected a number between 0 and 1, got 1.0; try 0.0003 to 0.0009, or leave it out",
                () -> new EpsilonLogitsWarper(1, 1));
        assertMessage(
                "etaCutoff: expected a number between 0 and 1, got 0.0; try 0.0003 to 0.004, or leave it out",
                () -> new EtaLogitsWarper(0, 1));
        assertMessage(
                "guidanceScale: expected a finite number, got Infinity; 1 changes nothing",
                () -> new UnbatchedClassifierFreeGuidanceLogitsProcessor(Double.POSITIVE_INFINITY, () -> null));
        assertMessage(
                "sequenceBias: expected at least one run of token ids, and none of them empty, got []; leave the option out"
                        + " for none",
                () -> new SequenceBiasLogitsProcessor(Map.of()));
        assertMessage(
                "sequenceBias: expected numbers, got NaN; 0 changes nothing",
                () -> new SequenceBiasLogitsProcessor(Map.of(List.of(1), Double.NaN)));
        assertMessage(
                "badWordsIds: expected at least one run of token ids, and none of them empty, got [[]]; leave the option out"
                        + " for none",
                () -> new NoBadWordsLogitsProcessor(List.of(List.of())));
        assertMessage(
                "badWordsIds: expected token ids of 0 or more, got -3 in [1, -3]; use ids of this model's tokenizer",
                () -> new NoBadWordsLogitsProcessor(List.of(List.of(1, -3))));
        assertMessage("forcedBosTokenId: expected 0 or more, got -1", () -> new ForcedBOSTokenLogitsProcessor(-1));
        for (Map.Entry<String, ThrowingCallable> each : Map.<String, ThrowingCallable>of(
                        "forcedEosTokenId", () -> new ForcedEOSTokenLogitsProcessor(3, -1),
                        "eosTokenId", () -> new ExponentialDecayLengthPenalty(3, 2, -1),
                        "suppressTokens", () -> new SuppressTokensLogitsProcessor(-1),
                        "beginSuppressTokens", () -> new SuppressTokensAtBeginLogitsProcessor(0, -1))
                .entrySet()) {
            assertMessage(
                    each.getKey() + ": expected token ids of 0 or more, got -1; use ids of this model's tokenizer",
                    each.getValue());
        }
        assertMessage(
                "exponentialDecayLengthPenalty: expected 0 or more, got -1",
                () -> new ExponentialDecayLengthPenalty(-1, 2));
        assertMessage(
                "exponentialDecayLengthPenalty: expected a number above 0, got 0.0; 1 changes nothing",
                () -> new ExponentialDecayLengthPenalty(1, 0));
        for (double ratio : new double[] {0, 1}) {
            assertMessage(
                    "greenlistRatio: expected a number between 0 and 1, got " + ratio + "; 0.25 is usual",
                    () -> new WatermarkLogitsProcessor(new WatermarkingConfig(ratio, 2, 5, "lefthash", 1)));
        }
        assertMessage(
                "seedingScheme: expected lefthash or selfhash, got righthash",
                () -> new WatermarkLogitsProcessor(new WatermarkingConfig(0.5, 2, 5, "righthash", 1)));
        assertMessage(
                "contextWidth: expected 1 or more, got 0",
                () -> new WatermarkLogitsProcessor(new WatermarkingConfig(0.5, 2, 5, "lefthash", 0)));
    }

    @Test
    void whatIsPassedInIsNotChanged() {
        int[] tokens = {1};
        LogitsProcessor suppress = new SuppressTokensLogitsProcessor(tokens);
        Arrays.fill(tokens, 0);
        assertThat(processed(suppress, sequence(0), 3, 4)).containsExactly(3, NO);
    }
}
