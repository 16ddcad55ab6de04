/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline;

import io.github.blip2java.Blip2ForConditionalGeneration;
import io.github.blip2java.ImageEncoding;
import io.github.blip2java.processor.Blip2Processor;
import io.github.blip2java.processor.ProcessorOutput;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** Ranks given texts by their probability. */
final class TextScorer {
    private final Blip2ForConditionalGeneration model;
    private final Blip2Processor processor;

    TextScorer(Blip2ForConditionalGeneration model, Blip2Processor processor) {
        this.model = model;
        this.processor = processor;
    }

    /** The ids of texts that follow a prompt, which may be null. */
    long[][] ids(List<String> candidates, String prompt) {
        long[][] ids = new long[candidates.size()][];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = ids(candidates.get(i), prompt);
        }
        return ids;
    }

    /**
     * Scores.
     *
     * @param image one picture
     * @param prompt the prompt's ids, or none
     * @param candidates texts that may follow
     * @param ids their ids
     * @return the most probable first
     */
    List<ScoredText> score(ImageEncoding image, ProcessorOutput prompt, List<String> candidates, long[][] ids) {
        float[][] scores = model.score(image, prompt.inputIds(), prompt.attentionMask(), ids);
        List<ScoredText> scored = new ArrayList<>();
        for (int i = 0; i < ids.length; i++) {
            scored.add(new ScoredText(
                    candidates.get(i), Arrays.stream(ids[i]).boxed().toList(), TextGenerator.list(scores[i])));
        }
        scored.sort(Comparator.comparingDouble(ScoredText::logProbability).reversed());
        return scored;
    }

    /**
     * The ids of a text that follows a prompt, its end included. A decoder-only model goes on with the prompt's text, in which words stand
     * apart; an encoder–decoder model begins a text of its own.
     */
    private long[] ids(String candidate, String prompt) {
        if (candidate == null || candidate.isBlank()) {
            throw new IllegalArgumentException(
                    "candidates: expected words, got " + (candidate == null ? "null" : '"' + candidate + '"'));
        }
        if (candidate.contains(processor.tokenizer().imageToken())) {
            throw new IllegalArgumentException(
                    "candidates: expected none with " + processor.tokenizer().imageToken() + ", got \"" + candidate
                            + "\"; it stands for a part of an image");
        }
        boolean follows = !model.config().textConfig().isEncoderDecoder()
                && prompt != null
                && !prompt.isEmpty()
                && !Character.isWhitespace(prompt.charAt(prompt.length() - 1));
        String text = follows ? " " + candidate.strip() : candidate.strip();
        long[] ids = processor.tokenizer().encode(text, false);
        List<Integer> ends = model.config().textConfig().eosTokenIds();
        if (ends.isEmpty()) {
            return ids;
        }
        long[] ended = Arrays.copyOf(ids, ids.length + 1);
        ended[ids.length] = ends.get(0);
        return ended;
    }
}
