/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.generation.GenerationOption;
import io.github.blip2java.generation.LogitsProcessor;
import io.github.blip2java.generation.PrefixAllowedTokens;
import io.github.blip2java.generation.search.beam.CurrentTokens;
import io.github.blip2java.language.DecoderState;
import java.util.Collection;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** Makes the processors that options ask for, in the reference's order. Reference: {@code GenerationMixin._get_logits_processor}. */
public final class LogitsProcessors {

    /**
     * What processors need to know besides the options.
     *
     * @param vocabulary          scores a row
     * @param eos                 the end tokens
     * @param minNewTokens        new tokens that a sequence must have
     * @param maxNewTokens        new tokens that it may have
     * @param prefixAllowedTokens a caller's rule of what may follow, or null
     * @param custom              a caller's processors
     * @param currentTokens       what groups of beams took in the present step
     * @param unconditional       reads the prompts that guidance moves away from
     */
    public record Context(
            int vocabulary,
            int[] eos,
            int minNewTokens,
            int maxNewTokens,
            PrefixAllowedTokens prefixAllowedTokens,
            List<LogitsProcessor> custom,
            CurrentTokens currentTokens,
            Supplier<DecoderState> unconditional) {}

    /** A line of the table: the processors that options ask for there. */
    @FunctionalInterface
    private interface Row {
        Stream<LogitsProcessor> make(GenerationConfig options, Context context);
    }

    private static final List<Row> TABLE = List.of(
            row(
                    GenerationOption.GUIDANCE_SCALE,
                    (scale, all) -> new UnbatchedClassifierFreeGuidanceLogitsProcessor(scale, all.unconditional)),
            row(GenerationOption.SEQUENCE_BIAS, (biases, all) -> new SequenceBiasLogitsProcessor(biases)),
            row(
                    GenerationOption.DIVERSITY_PENALTY,
                    (penalty, all) -> new HammingDiversityLogitsProcessor(penalty, all.currentTokens)),
            row(
                    GenerationOption.ENCODER_REPETITION_PENALTY,
                    (penalty, all) -> new EncoderRepetitionPenaltyLogitsProcessor(penalty)),
            row(GenerationOption.REPETITION_PENALTY, (penalty, all) -> new RepetitionPenaltyLogitsProcessor(penalty)),
            row(GenerationOption.NO_REPEAT_NGRAM_SIZE, (size, all) -> new NoRepeatNGramLogitsProcessor(size)),
            row(
                    GenerationOption.ENCODER_NO_REPEAT_NGRAM_SIZE,
                    (size, all) -> new EncoderNoRepeatNGramLogitsProcessor(size)),
            row(GenerationOption.BAD_WORDS_IDS, (words, all) -> new NoBadWordsLogitsProcessor(words, all.eos)),
            where(all -> all.minNewTokens > 0, all -> new MinNewTokensLengthLogitsProcessor(all.minNewTokens, all.eos)),
            where(
                    all -> all.prefixAllowedTokens != null,
                    all -> new PrefixConstrainedLogitsProcessor(all.prefixAllowedTokens)),
            row(GenerationOption.FORCED_BOS_TOKEN_ID, (token, all) -> new ForcedBOSTokenLogitsProcessor(token)),
            row(
                    GenerationOption.FORCED_EOS_TOKEN_ID,
                    (tokens, all) -> new ForcedEOSTokenLogitsProcessor(all.maxNewTokens, ints(tokens))),
            row(GenerationOption.REMOVE_INVALID_VALUES, (yes, all) -> new InfNanRemoveLogitsProcessor()),
            row(
                    GenerationOption.EXPONENTIAL_DECAY_LENGTH_PENALTY,
                    (decay, all) ->
                            new ExponentialDecayLengthPenalty(decay.get(0).intValue(), decay.get(1), all.eos)),
            row(GenerationOption.SUPPRESS_TOKENS, (tokens, all) -> new SuppressTokensLogitsProcessor(ints(tokens))),
            (options, all) -> row(
                            GenerationOption.BEGIN_SUPPRESS_TOKENS,
                            (tokens, same) -> new SuppressTokensAtBeginLogitsProcessor(
                                    options.get(GenerationOption.FORCED_BOS_TOKEN_ID) == null ? 0 : 1, ints(tokens)))
                    .make(options, all),
            (options, all) -> all.custom.stream(),
            drawing(
                    GenerationOption.TEMPERATURE,
                    value -> value != 1,
                    (value, keep) -> new TemperatureLogitsWarper(value)),
            drawing(GenerationOption.TOP_H, value -> true, (value, keep) -> new TopHLogitsWarper(value)),
            drawing(GenerationOption.TOP_K, value -> value != 0, TopKLogitsWarper::new),
            drawing(GenerationOption.TOP_P, value -> value < 1, TopPLogitsWarper::new),
            drawing(GenerationOption.MIN_P, value -> true, MinPLogitsWarper::new),
            drawing(GenerationOption.TYPICAL_P, value -> value < 1, TypicalLogitsWarper::new),
            drawing(GenerationOption.EPSILON_CUTOFF, value -> value > 0 && value < 1, EpsilonLogitsWarper::new),
            drawing(GenerationOption.ETA_CUTOFF, value -> value > 0 && value < 1, EtaLogitsWarper::new),
            row(GenerationOption.WATERMARKING_CONFIG, (config, all) -> new WatermarkLogitsProcessor(config)),
            row(GenerationOption.RENORMALIZE_LOGITS, (yes, all) -> new LogitNormalization()));

    private LogitsProcessors() {}

    /**
     * Makes processors for one call.
     *
     * @param options what is asked for
     * @param context what else they need to know
     * @return the processors, in their order
     * @throws IllegalArgumentException if a processor does not take its option, or the vocabulary lacks an id of one
     */
    public static LogitsProcessorList of(GenerationConfig options, Context context) {
        checkIds(options, context.vocabulary);
        return new LogitsProcessorList(
                TABLE.stream().flatMap(row -> row.make(options, context)).toList());
    }

    /** A processor for an option that is set to something else than what changes nothing. */
    private static <T> Row row(GenerationOption<T> option, BiFunction<T, Context, LogitsProcessor> maker) {
        return (options, all) -> Stream.ofNullable(options.get(option))
                .filter(value -> !value.equals(option.neutral()))
                .map(value -> maker.apply(value, all));
    }

    /** A processor that hangs on no option alone. */
    private static Row where(Predicate<Context> condition, Function<Context, LogitsProcessor> maker) {
        return (options, all) -> condition.test(all) ? Stream.of(maker.apply(all)) : Stream.empty();
    }

    /** A processor for drawing tokens alone, by value and number of tokens to keep: with beams, one that goes on beside all ends. */
    private static <T> Row drawing(
            GenerationOption<T> option, Predicate<T> condition, BiFunction<T, Integer, LogitsProcessor> maker) {
        return (options, all) -> Stream.ofNullable(options.get(option))
                .filter(value -> options.get(GenerationOption.DO_SAMPLE) && condition.test(value))
                .map(value -> maker.apply(
                        value, options.get(GenerationOption.NUM_BEAMS) > 1 ? Math.max(1, all.eos.length) + 1 : 1));
    }

    private static int[] ints(List<Integer> ids) {
        return ids.stream().mapToInt(Integer::intValue).toArray();
    }

    private static void checkIds(GenerationConfig options, int vocabulary) {
        check(GenerationOption.SEQUENCE_BIAS, options, vocabulary, biases -> flat(biases.keySet()));
        check(GenerationOption.BAD_WORDS_IDS, options, vocabulary, LogitsProcessors::flat);
        check(GenerationOption.FORCED_BOS_TOKEN_ID, options, vocabulary, Stream::of);
        check(GenerationOption.FORCED_EOS_TOKEN_ID, options, vocabulary, List::stream);
        check(GenerationOption.SUPPRESS_TOKENS, options, vocabulary, List::stream);
        check(GenerationOption.BEGIN_SUPPRESS_TOKENS, options, vocabulary, List::stream);
    }

    private static Stream<Integer> flat(Collection<List<Integer>> runs) {
        return runs.stream().flatMap(List::stream);
    }

    private static <T> void check(
            GenerationOption<T> option, GenerationConfig options, int vocabulary, Function<T, Stream<Integer>> ids) {
        T value = options.get(option);
        if (value == null) {
            return;
        }
        for (int id : ids.apply(value).toList()) {
            if (id < 0 || id >= vocabulary) {
                throw new IllegalArgumentException("generation option " + option + ": expected ids from 0 to "
                        + (vocabulary - 1) + ", got " + id + "; use ids of this model's tokenizer");
            }
        }
    }
}
