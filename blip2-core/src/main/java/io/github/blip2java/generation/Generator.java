/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import io.github.blip2java.generation.logits.MinNewTokensLengthLogitsProcessor;
import io.github.blip2java.generation.search.Frontier;
import io.github.blip2java.generation.search.GreedySearch;
import io.github.blip2java.generation.search.Search;
import io.github.blip2java.language.LanguageModel;
import io.github.blip2java.language.LanguageModelConfig;
import io.github.blip2java.language.Prompt;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Turns embedded prompts into new tokens, by the options given. Reference: {@code GenerationMixin.generate}. */
public final class Generator {
    /** More than any text has, and few enough that counting them overflows nowhere. */
    private static final int MOST_POSITIONS = 1 << 30;

    private static final Logger LOG = LoggerFactory.getLogger(Generator.class);

    private final LanguageModel languageModel;
    private final GenerationConfig defaults;

    /**
     * Generates with a language model.
     *
     * @param languageModel OPT or T5
     * @param defaults      what counts where a call's options leave something unset
     */
    public Generator(LanguageModel languageModel, GenerationConfig defaults) {
        this.languageModel = languageModel;
        this.defaults = defaults;
    }

    /** Lengths and special tokens of one call, with nothing left unset. */
    private record Rules(GenerationConfig options, int maxNewTokens, int minNewTokens, int[] eos, int pad) {}

    /**
     * Refuses what {@link #generate} would refuse, before any work.
     *
     * @param longest      positions of the longest prompt, without padding
     * @param promptLength positions that {@code maxLength} and {@code minLength} count before the new tokens
     * @param options      lengths and special tokens
     * @throws IllegalArgumentException if the options contradict each other or the model's limits
     */
    public void check(int longest, int promptLength, GenerationConfig options) {
        rules(longest, promptLength, options, 1);
    }

    /**
     * Generates.
     *
     * @param prompt       the embedded prompts, without padding
     * @param prefix       {@code [rows, length]}: ids that stand before the new tokens in the result
     * @param promptIds    for each row the ids of its text, without image ids and padding
     * @param promptLength positions that {@code maxLength} and {@code minLength} count before the new tokens
     * @param options      how to generate
     * @param hooks        what the caller wants to hear of or to have a say in
     * @return ids and finish reasons
     * @throws IllegalArgumentException if the options contradict each other or the model's limits
     * @throws IllegalStateException if the model gives scores that are no finite numbers
     */
    public GenerationResult generate(
            Prompt prompt,
            long[][] prefix,
            int[][] promptIds,
            int promptLength,
            GenerationConfig options,
            GenerationHooks hooks) {
        int rows = prompt.spans().batch();
        Rules rules = rules(prompt.spans().longest(), promptLength, options, rows);
        List<Hypothesis> prompts = new ArrayList<>();
        for (int row = 0; row < rows; row++) {
            int[] ids = Arrays.stream(prefix[row]).mapToInt(Math::toIntExact).toArray();
            prompts.add(Hypothesis.of(row, ids, promptIds[row]));
        }
        Search search = new GreedySearch(rows, stopping(rules, hooks));
        DecodingLoop loop = new DecodingLoop(
                search,
                rows,
                processor(rules, hooks),
                new Frontier.Kept(hooks.logProbabilities(), false),
                hooks.listener(),
                hooks.cancellation());
        return result(loop.run(languageModel.start(prompt, rules.maxNewTokens), prompts), rules, hooks);
    }

    private static LogitsProcessor processor(Rules rules, GenerationHooks hooks) {
        List<LogitsProcessor> processors = new ArrayList<>();
        if (rules.minNewTokens > 0) {
            processors.add(new MinNewTokensLengthLogitsProcessor(rules.minNewTokens, rules.eos));
        }
        processors.addAll(hooks.logitsProcessors());
        return (hypothesis, scores) -> processors.forEach(each -> each.process(hypothesis, scores));
    }

    private static StoppingCriteria stopping(Rules rules, GenerationHooks hooks) {
        List<StoppingCriteria> criteria = new ArrayList<>();
        criteria.add(StoppingCriteria.eos(rules.eos));
        criteria.addAll(hooks.stoppingCriteria());
        criteria.add(StoppingCriteria.maxNewTokens(rules.maxNewTokens));
        return StoppingCriteria.any(criteria);
    }

    private Rules rules(int longest, int promptLength, GenerationConfig options, int rows) {
        if (options == null) {
            throw new IllegalArgumentException(
                    "options: expected a GenerationConfig, got null; GenerationConfig.defaults() sets nothing");
        }
        LanguageModelConfig config = languageModel.config();
        GenerationConfig all = options.orElse(defaults);
        int[] eos = all.eosTokenIds() == null ? new int[0] : all.eosTokenIds();
        Arrays.stream(eos).forEach(id -> checkId("eosTokenIds", id));
        if (all.padTokenId() != null) {
            checkId("padTokenId", all.padTokenId());
        }
        // Reference: without a padding token the first end token serves.
        int pad = all.padTokenId() != null ? all.padTokenId() : eos.length > 0 ? eos[0] : 0;
        boolean limited = config.maxPositions().isPresent();
        int room = limited ? config.maxPositions().getAsInt() - longest : positionsInHeap(config, rows);
        int maxNewTokens = all.maxNewTokensAfter(promptLength, room);
        int minNewTokens = all.minNewTokensAfter(promptLength);
        config.checkLength(longest, 1);
        if (limited) {
            maxNewTokens = Math.min(maxNewTokens, room);
        } else if (maxNewTokens >= room) {
            LOG.warn(
                    "this heap has room for texts of {} tokens, where one that does not end before will be cut off; start Java with"
                            + " a larger heap (-Xmx) for longer ones",
                    room);
            maxNewTokens = Math.max(room, minNewTokens);
        }
        if (minNewTokens > maxNewTokens) {
            throw new IllegalArgumentException((all.minNewTokens() != null ? "minNewTokens" : "minLength")
                    + ": expected at most the " + maxNewTokens + " new tokens that are allowed, got " + minNewTokens
                    + (all.minNewTokens() != null ? "" : " after a prompt of " + promptLength)
                    + "; raise maxNewTokens or lower it");
        }
        return new Rules(all, maxNewTokens, minNewTokens, eos, pad);
    }

    /** Where the model sets no limit, keys and values must fit into half of Java's heap; the other half is for making room. */
    private static int positionsInHeap(LanguageModelConfig config, int rows) {
        long each = Math.max(1, rows * config.cacheBytesPerPosition());
        return (int) Math.max(1, Math.min(MOST_POSITIONS, Runtime.getRuntime().maxMemory() / 2 / each));
    }

    private void checkId(String name, int id) {
        int vocab = languageModel.config().vocabSize();
        if (id < 0 || id >= vocab) {
            throw new IllegalArgumentException(name + ": expected ids from 0 to " + (vocab - 1) + ", got " + id
                    + "; use ids of this model's tokenizer");
        }
    }

    private static GenerationResult result(List<Hypothesis> found, Rules rules, GenerationHooks hooks) {
        int longest = found.stream().mapToInt(Hypothesis::newTokens).max().orElse(0);
        long[][] sequences = new long[found.size()][];
        long[][] newTokens = new long[found.size()][];
        for (int row = 0; row < sequences.length; row++) {
            Hypothesis each = found.get(row);
            int[] ids = Arrays.copyOf(each.ids(), each.prefixLength() + longest);
            Arrays.fill(ids, each.length(), ids.length, rules.pad);
            sequences[row] = Arrays.stream(ids).asLongStream().toArray();
            newTokens[row] = Arrays.stream(each.tokens()).asLongStream().toArray();
        }
        return new GenerationResult(
                sequences,
                newTokens,
                found.stream().map(Hypothesis::finishReason).toList(),
                new GenerationResult.Details(
                        null,
                        null,
                        hooks.logProbabilities()
                                ? found.stream()
                                        .map(Generator::logProbabilities)
                                        .toArray(float[][]::new)
                                : null,
                        null,
                        null,
                        null));
    }

    private static float[] logProbabilities(Hypothesis hypothesis) {
        float[] found = new float[hypothesis.newTokens()];
        for (Hypothesis each = hypothesis; each.newTokens() > 0; each = each.parent()) {
            found[each.newTokens() - 1] = each.logProbability();
        }
        return found;
    }
}
