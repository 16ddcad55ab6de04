/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline;

import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.generation.GenerationOption;

/** Ways to generate that others use, under one name. What a request's own options say counts more. */
public enum Preset {
    /**
     * Captions as LAVIS makes them: five beams, 8 to 30 tokens, behind "a photo of" where the request has no prompt of its own. Reference:
     * {@code caption_coco_opt2.7b_eval.yaml}.
     */
    CAPTION,
    /**
     * Answers as LAVIS makes them: five beams, at most 10 tokens, scores divided by nothing (OPT) or multiplied by the length (T5), which
     * makes answers short. Reference: {@code predict_answers} of {@code Blip2OPT} and {@code Blip2T5}.
     */
    VQA,
    /** Five beams, and nothing else: for models whose captions are shorter or longer than those of {@link #CAPTION}. */
    BEAMS,
    /** What {@code transformers} does unless told otherwise: the most probable token each time, at most 20. */
    TRANSFORMERS;

    private static final int FIVE = 5;
    private static final int CAPTION_TOKENS = 30;
    private static final int CAPTION_LEAST = 8;
    private static final int ANSWER_TOKENS = 10;
    private static final int TRANSFORMERS_TOKENS = 20;

    /** {@return how a text begins where the request does not say so; null for no beginning} */
    public String prompt() {
        return this == CAPTION ? "a photo of" : null;
    }

    /**
     * The options alone.
     *
     * @param encoderDecoder whether the language model is one, as T5 is
     * @return what the preset sets
     */
    public GenerationConfig options(boolean encoderDecoder) {
        GenerationConfig.Builder options = GenerationConfig.builder();
        return switch (this) {
            case CAPTION ->
                options.numBeams(FIVE)
                        .maxNewTokens(CAPTION_TOKENS)
                        .minNewTokens(CAPTION_LEAST)
                        .build();
            case VQA ->
                options.numBeams(FIVE)
                        .maxNewTokens(ANSWER_TOKENS)
                        .minNewTokens(1)
                        .lengthPenalty(encoderDecoder ? -1 : 0)
                        .build();
            case BEAMS -> options.numBeams(FIVE).build();
            case TRANSFORMERS ->
                options.numBeams(1)
                        .doSample(false)
                        .maxNewTokens(TRANSFORMERS_TOKENS)
                        .build();
        };
    }

    /** Adds what options leave unset, but nothing that contradicts them. */
    GenerationConfig fillIn(GenerationConfig options, boolean encoderDecoder) {
        GenerationConfig.Builder preset = options(encoderDecoder).toBuilder();
        boolean otherSearch = options.get(GenerationOption.DO_SAMPLE)
                || options.get(GenerationOption.PENALTY_ALPHA) > 0
                || options.getIfSet(GenerationOption.PROMPT_LOOKUP_NUM_TOKENS) != null;
        if (otherSearch) {
            preset.set(GenerationOption.NUM_BEAMS, null);
            preset.set(GenerationOption.DO_SAMPLE, null);
        }
        if (options.maxNewTokens() != null || options.maxLength() != null) {
            preset.set(GenerationOption.MIN_NEW_TOKENS, null);
        }
        return options.orElse(preset.build());
    }
}
