/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.generation.GenerationOption;
import io.github.blip2java.pipeline.Blip2Pipeline;
import io.github.blip2java.pipeline.Blip2Request;
import io.github.blip2java.pipeline.Preset;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Option;

/** How to generate. An option of the command line counts more than the same one of a file, and that more than a preset's. */
final class GenerationOptions {
    /** Beams where several texts are asked for and no number of beams is. */
    private static final int BEAMS = 5;

    /** Which option of the command line is which, to explain what is wrong with it. */
    private static final Map<GenerationOption<?>, String> NAMES = new LinkedHashMap<>();

    static {
        NAMES.put(GenerationOption.MAX_NEW_TOKENS, "--max-new-tokens");
        NAMES.put(GenerationOption.MIN_NEW_TOKENS, "--min-new-tokens");
        NAMES.put(GenerationOption.NUM_BEAMS, "--beams");
        NAMES.put(GenerationOption.DO_SAMPLE, "--sample");
        NAMES.put(GenerationOption.TEMPERATURE, "--temperature");
        NAMES.put(GenerationOption.TOP_K, "--top-k");
        NAMES.put(GenerationOption.TOP_P, "--top-p");
        NAMES.put(GenerationOption.SEED, "--seed");
        NAMES.put(GenerationOption.REPETITION_PENALTY, "--repetition-penalty");
        NAMES.put(GenerationOption.NO_REPEAT_NGRAM_SIZE, "--no-repeat-ngram");
        NAMES.put(GenerationOption.LENGTH_PENALTY, "--length-penalty");
        NAMES.put(GenerationOption.STOP_STRINGS, "--stop");
        NAMES.put(GenerationOption.NUM_RETURN_SEQUENCES, "--candidates");
    }

    /** {@code num_beams}, or {@code maxNewTokens} as some messages have it. */
    private static final Pattern NAME =
            Pattern.compile("generation option ([a-z_]+)|\\b([a-z]+(?:_[a-z]+|[A-Z][a-z]+)+)\\b");

    @Option(
            names = "--max-new-tokens",
            paramLabel = "N",
            description = "The longest text, in tokens (default: as the preset says, else "
                    + Blip2Pipeline.DEFAULT_MAX_NEW_TOKENS + ").")
    private Integer maxNewTokens;

    @Option(names = "--min-new-tokens", paramLabel = "N", description = "The shortest text, in tokens.")
    private Integer minNewTokens;

    @Option(
            names = "--preset",
            paramLabel = "NAME",
            description = {
                "How to generate, in one word:",
                "caption       as LAVIS captions: 5 beams, 8 to 30 tokens, behind \"a photo of\"",
                "vqa           as LAVIS answers: 5 beams, at most 10 tokens, short answers",
                "beams         5 beams and nothing else",
                "transformers  as transformers by itself: one beam, at most 20 tokens"
            })
    private Preset preset;

    @Option(
            names = "--beams",
            paramLabel = "N",
            description = "Search with that many beams; 1 takes the best token each time.")
    private Integer beams;

    @Option(names = "--sample", description = "Draw tokens by their probabilities.")
    private boolean sample;

    @Option(
            names = "--temperature",
            paramLabel = "X",
            description = "Draw bolder above 1, safer below. This and the next three imply --sample.")
    private Double temperature;

    @Option(
            names = "--top-k",
            paramLabel = "N",
            description = "Draw one of the N best tokens; 0 for any (default: 50).")
    private Integer topK;

    @Option(
            names = "--top-p",
            paramLabel = "P",
            description = "Draw one of the best tokens that have this probability together.")
    private Double topP;

    @Option(names = "--seed", paramLabel = "N", description = "Draw the same text each time.")
    private Long seed;

    @Option(
            names = "--repetition-penalty",
            paramLabel = "X",
            description = "Avoid words that are there already: 1.5 is much.")
    private Double repetitionPenalty;

    @Option(names = "--no-repeat-ngram", paramLabel = "N", description = "Write no N tokens in a row twice.")
    private Integer noRepeatNgram;

    @Option(
            names = "--length-penalty",
            paramLabel = "X",
            description = "With beams: above 1 for longer texts, below for shorter ones; may be negative.")
    private Double lengthPenalty;

    @Option(names = "--stop", paramLabel = "TEXT", description = "End a text before this. May be given several times.")
    private List<String> stop;

    @Option(
            names = "--options",
            paramLabel = "FILE",
            description =
                    "A JSON file with any options of transformers, such as {\"top_h\": 0.4}. What is also given here"
                            + " counts more.")
    private Path file;

    /** Made by picocli. */
    GenerationOptions() {}

    /**
     * Puts the options together.
     *
     * @param candidates texts for each prompt
     * @param usual the preset where none is named; null for none
     */
    Blip2Request.Builder request(int candidates, Preset usual) throws IOException {
        GenerationConfig fromFile = file == null ? GenerationConfig.defaults() : read(file);
        return explained(() -> {
            GenerationConfig.Builder line = GenerationConfig.builder()
                    .set(GenerationOption.MAX_NEW_TOKENS, maxNewTokens)
                    .set(GenerationOption.MIN_NEW_TOKENS, minNewTokens)
                    .set(GenerationOption.NUM_BEAMS, beams)
                    .set(GenerationOption.TEMPERATURE, temperature)
                    .set(GenerationOption.TOP_K, topK)
                    .set(GenerationOption.TOP_P, topP)
                    .set(GenerationOption.SEED, seed)
                    .set(GenerationOption.REPETITION_PENALTY, repetitionPenalty)
                    .set(GenerationOption.NO_REPEAT_NGRAM_SIZE, noRepeatNgram)
                    .set(GenerationOption.LENGTH_PENALTY, lengthPenalty)
                    .set(GenerationOption.STOP_STRINGS, stop);
            if (sample || temperature != null || topK != null || topP != null || seed != null) {
                line.doSample(true);
            }
            GenerationConfig given = line.build().orElse(fromFile);
            if (candidates != 1) {
                GenerationConfig.Builder several = given.toBuilder().numReturnSequences(candidates);
                if (!given.get(GenerationOption.DO_SAMPLE) && given.getIfSet(GenerationOption.NUM_BEAMS) == null) {
                    several.numBeams(Math.max(BEAMS, candidates));
                }
                given = several.build();
            }
            return Blip2Request.builder().options(given).preset(preset == null ? usual : preset);
        });
    }

    private static GenerationConfig read(Path file) throws IOException {
        if (!Files.exists(file)) {
            throw new IOException("--options: " + file + ": no such file; check the path");
        }
        try {
            return GenerationConfig.fromJson(Files.readString(file));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("--options: " + file + ": " + e.getMessage(), e);
        } catch (MalformedInputException e) {
            throw new IllegalArgumentException("--options: " + file + ": expected JSON in UTF-8, got other bytes", e);
        }
    }

    /** Does what may refuse options, and names those of the command line as they are called here. */
    <T> T explained(Callable<T> work) throws IOException {
        try {
            return work.call();
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(explained(e.getMessage()), e);
        } catch (IOException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private String explained(String message) {
        return NAME.matcher(message).replaceAll(found -> {
            String option = found.group(1) == null ? found.group(2) : found.group(1);
            return Matcher.quoteReplacement(name(option, found.group()));
        });
    }

    private String name(String option, String otherwise) {
        String json = option.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
        return NAMES.entrySet().stream()
                .filter(entry -> entry.getKey().jsonName().equals(json))
                .map(Map.Entry::getValue)
                .findFirst()
                .orElse(otherwise);
    }
}
