/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.search.beam.CurrentTokens;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What processors take of a step: one row of OPT's vocabulary, after a picture, a prompt and 30 new tokens. A token of opt-2.7b takes more
 * than 160 ms; docs/performance.md says how to run it.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules", "jdk.incubator.vector"})
public class LogitsProcessorsBenchmark {
    private static final int VOCABULARY = 50272;

    /** 20 processors, and single ones that look at the whole vocabulary. */
    @Param({
        "{\"sequence_bias\": [[[5], -1.0], [[8, 9], 4.0]], \"encoder_repetition_penalty\": 1.2, \"repetition_penalty\": 1.1,"
                + " \"no_repeat_ngram_size\": 3, \"encoder_no_repeat_ngram_size\": 3, \"bad_words_ids\": [[11], [1, 2]],"
                + " \"min_new_tokens\": 8, \"forced_eos_token_id\": 2, \"exponential_decay_length_penalty\": [20, 1.01],"
                + " \"suppress_tokens\": [3], \"begin_suppress_tokens\": [4], \"do_sample\": true, \"temperature\": 1.2,"
                + " \"top_k\": 0, \"top_p\": 0.99, \"min_p\": 0.0001, \"typical_p\": 0.99, \"epsilon_cutoff\": 0.00001,"
                + " \"eta_cutoff\": 0.00001, \"watermarking_config\": {}, \"renormalize_logits\": true}",
        "{\"do_sample\": true, \"top_k\": 50}",
        "{\"do_sample\": true, \"top_k\": 0, \"top_h\": 0.4}",
        "{\"do_sample\": true, \"top_k\": 0, \"top_p\": 0.9}",
        "{\"do_sample\": true, \"top_k\": 0, \"typical_p\": 0.9}",
        "{\"do_sample\": true, \"top_k\": 0, \"eta_cutoff\": 0.0003}",
        "{\"watermarking_config\": {}}",
        "{\"watermarking_config\": {\"seeding_scheme\": \"selfhash\"}}",
        "{\"renormalize_logits\": true}"
    })
    public String options;

    private final float[] logits = new float[VOCABULARY];
    private final Hypothesis hypothesis = hypothesis();
    private LogitsProcessorList processors;

    /** Made by JMH. */
    public LogitsProcessorsBenchmark() {
        List<Integer> ids =
                new ArrayList<>(IntStream.range(0, VOCABULARY).boxed().toList());
        Collections.shuffle(ids, new Random(1));
        for (int rank = 0; rank < VOCABULARY; rank++) {
            // The probability of a word falls with a power of its rank.
            logits[ids.get(rank)] = (float) (-1.5 * Math.log(1 + rank));
        }
    }

    private static Hypothesis hypothesis() {
        int[] prompt = {2, 45641, 35, 61, 1749, 32, 89, 116, 31652, 35};
        Hypothesis made = Hypothesis.of(
                0,
                IntStream.concat(IntStream.generate(() -> 50265).limit(32), IntStream.of(prompt))
                        .toArray(),
                prompt);
        for (int i = 0; i < 30; i++) {
            made = made.extend(0, 100 + i * 7 % 20, 0, 0, null);
        }
        return made;
    }

    /** Checks the options and makes the processors. */
    @Setup
    public void make() {
        GenerationConfig config = GenerationConfig.fromJson(options);
        processors = LogitsProcessors.of(
                config,
                new LogitsProcessors.Context(
                        VOCABULARY,
                        new int[] {50118},
                        config.minNewTokens() == null ? 0 : 8,
                        100,
                        null,
                        List.of(),
                        new CurrentTokens(),
                        null));
    }

    /** One row of one step. */
    @Benchmark
    public float[] step() {
        float[] scores = logits.clone();
        processors.process(hypothesis, scores);
        return scores;
    }
}
