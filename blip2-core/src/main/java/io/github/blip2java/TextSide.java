/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.checkpoint.UnsupportedModelException;
import io.github.blip2java.internal.nn.CrossEntropyLoss;
import io.github.blip2java.internal.nn.Linear;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.language.LanguageModel;
import io.github.blip2java.language.LanguageModelConfig;
import io.github.blip2java.language.LanguageModelInputs;
import io.github.blip2java.language.LanguageModelOutput;
import io.github.blip2java.language.TokenIds;

/**
 * From query outputs and token ids to logits: projection, merger and language model.
 *
 * <p>Keys: {@code language_projection.*}, {@code language_model.*}.
 */
final class TextSide {
    final LanguageModel languageModel;
    final ImageTextMerger merger;
    private final Linear languageProjection;
    private final LanguageModelConfig config;

    TextSide(OpenModel model) {
        int hidden = model.config.qformerConfig().hiddenSize();
        this.config = model.config.textConfig();
        this.merger = new ImageTextMerger(model.config);
        this.languageProjection =
                model.part("language_projection", weights -> new Linear(hidden, config.hiddenSize(), true, weights));
        this.languageModel = model.part("language_model", config::load);
        if (config.hiddenSize() < languageModel.embeddingWidth()) {
            throw new UnsupportedModelException("config.json: text_config: token embeddings of "
                    + languageModel.embeddingWidth() + " are wider than hidden_size " + config.hiddenSize()
                    + ", so image features cannot take their place");
        }
    }

    /** Ids, masks and labels of a full pass, checked; decoder ids and labels may be null. */
    record Checked(ImageTextMerger.Text text, long[][] decoderIds, long[][] decoderMask, long[][] labels) {}

    /** Refuses what does not fit a batch of pictures, before seconds of work. */
    Checked check(Blip2Inputs in, int batch) {
        TokenIds.matrix("inputIds", in.inputIds(), batch, -1);
        ImageTextMerger.Text text = merger.check(in.inputIds(), in.attentionMask(), batch, false);
        long[][] labels = labels(in, batch);
        long[][] decoderIds = languageModel.decoderIds(in.decoderInputIds(), labels);
        long[][] decoderMask = decoderMask(in, batch, decoderIds);
        checkColumns(labels, decoderIds == null ? merger.positions(text) : decoderIds[0].length);
        config.checkLength(merger.positions(text), 0);
        return new Checked(text, decoderIds, decoderMask, labels);
    }

    private long[][] labels(Blip2Inputs in, int batch) {
        if (in.labels() == null) {
            return null;
        }
        long[][] labels = TokenIds.matrix("labels", in.labels(), batch, -1);
        CrossEntropyLoss.check(labels, config.vocabSize());
        return labels;
    }

    private static long[][] decoderMask(Blip2Inputs in, int batch, long[][] decoderIds) {
        if (decoderIds != null) {
            TokenIds.matrix("decoderInputIds", decoderIds, batch, -1);
        }
        if (in.decoderAttentionMask() == null) {
            return null;
        }
        if (decoderIds == null) {
            throw new IllegalArgumentException("decoderAttentionMask: expected none for a decoder-only language model,"
                    + " got " + in.decoderAttentionMask().length + " rows; put it into attentionMask");
        }
        long[][] mask = TokenIds.mask("decoderAttentionMask", in.decoderAttentionMask(), decoderIds);
        TokenIds.checkKept("decoderAttentionMask", mask);
        return mask;
    }

    private static void checkColumns(long[][] labels, int positions) {
        if (labels != null && labels[0].length > positions) {
            throw new IllegalArgumentException("labels: expected at most " + positions
                    + " columns, one for each position, got " + labels[0].length
                    + "; labels belong to the same positions as inputIds (or decoderInputIds)");
        }
    }

    /** Query outputs → what the language model reads of pictures {@code [batch, queries, language hidden]}. */
    Tensor project(Tensor queryOutput) {
        return languageProjection.forward(queryOutput);
    }

    /** Puts the features into the place of the image tokens. */
    ImageTextMerger.Merged merge(ImageTextMerger.Text text, Tensor features) {
        return merger.merge(languageModel.embedTokens(text.ids()), features, text);
    }

    LanguageModelOutput forward(ImageTextMerger.Merged merged, Checked checked, ImageSide.Kept kept) {
        return languageModel.forward(new LanguageModelInputs(
                merged.embeds(),
                merged.attentionMask(),
                checked.decoderIds(),
                checked.decoderMask(),
                kept.hiddenStates(),
                kept.attentions()));
    }

    /** Reference: the loss, and the logits returned with it, cover as many positions as there are labels. */
    static Tensor labelled(Tensor logits, long[][] labels) {
        int seq = logits.dim(1);
        return labels == null || labels[0].length == seq ? logits : logits.positions(seq - labels[0].length, seq);
    }

    /** The mean cross-entropy, or null without labels. */
    static Float loss(Tensor logits, Checked checked) {
        return checked.labels() == null
                ? null
                : CrossEntropyLoss.forward(logits, checked.labels(), checked.decoderIds() == null);
    }

    /** The last hidden state of texts without images. */
    Tensor features(long[][] inputIds, long[][] attentionMask) {
        long[][] ids = TokenIds.ids("inputIds", inputIds, -1, config.vocabSize());
        long[][] mask = TokenIds.mask("attentionMask", attentionMask, ids);
        TokenIds.checkKept("attentionMask", mask);
        return languageModel.textFeatures(languageModel.embedTokens(ids), mask);
    }
}
