/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import io.github.blip2java.internal.tensor.Spans;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.language.LanguageModel;
import io.github.blip2java.language.Prompt;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What guidance moves away from: for each prompt a text without the picture. As in the reference that is its last token, which is the end
 * token of an encoder–decoder model's prompt, unless a caller names another text.
 */
final class UnconditionalPrompt {
    private UnconditionalPrompt() {}

    /**
     * Embeds the texts.
     *
     * @param languageModel reads them
     * @param prompts       the prompts with their pictures
     * @param negative      the caller's texts, one for each prompt or one for all; or null
     * @return a row for each prompt
     * @throws IllegalArgumentException if there are too few texts or too many, one is empty, or an id is outside the vocabulary
     */
    static Prompt of(LanguageModel languageModel, Generator.Prompts prompts, long[][] negative) {
        if (negative != null && negative.length != 1 && negative.length != prompts.rows()) {
            throw new IllegalArgumentException("negativePromptIds: expected one text, or one for each of the "
                    + prompts.rows() + " prompts, got " + negative.length);
        }
        List<long[]> texts = new ArrayList<>();
        for (int row = 0; row < prompts.rows(); row++) {
            texts.add(
                    negative == null
                            ? new long[] {lastToken(languageModel, prompts, row)}
                            : negative[negative.length == 1 ? 0 : row]);
            if (texts.get(row).length == 0) {
                throw new IllegalArgumentException(
                        "negativePromptIds: expected at least one id in each text, got none for" + " prompt " + row
                                + "; pass null for the last token of each prompt");
            }
        }
        long[] ids = texts.stream().flatMapToLong(Arrays::stream).toArray();
        int[] columns = texts.stream()
                .flatMapToInt(text -> IntStream.range(0, text.length))
                .toArray();
        Tensor embeds = languageModel.embedTokens(new long[][] {ids});
        Spans spans = Spans.packed(texts.stream().mapToInt(text -> text.length).toArray());
        return new Prompt(embeds.reshape(ids.length, embeds.cols()), spans, columns);
    }

    private static long lastToken(LanguageModel languageModel, Generator.Prompts prompts, int row) {
        int[] text = prompts.textIds()[row];
        if (text.length > 0) {
            return text[text.length - 1];
        }
        long[] prefix = prompts.prefix()[row];
        List<Integer> eos = languageModel.config().eosTokenIds();
        return languageModel.config().isEncoderDecoder() && !eos.isEmpty() ? eos.get(0) : prefix[prefix.length - 1];
    }
}
