/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.internal.nn.Trace;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.internal.tensor.Tensors;
import io.github.blip2java.qformer.BaseModelOutputWithPoolingAndCrossAttentions;
import io.github.blip2java.qformer.Blip2QFormerInputs;
import io.github.blip2java.qformer.Blip2QFormerModel;
import io.github.blip2java.vision.BaseModelOutputWithPooling;
import io.github.blip2java.vision.Blip2VisionModel;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * From pixels to query outputs: the vision encoder, and the Q-Former with its learned queries.
 *
 * <p>Keys: {@code vision_model.*}, {@code query_tokens} {@code [1, queries, hidden]}, {@code qformer.*}.
 */
final class ImageSide {
    static final String QUERY_TOKENS = "query_tokens";

    /** The parts that every checkpoint has, by the first name of their tensors. */
    static final List<String> PARTS = List.of("vision_model", QUERY_TOKENS, "qformer");

    final Blip2VisionModel visionModel;
    final Blip2QFormerModel qformer;
    private final Tensor queryTokens;

    ImageSide(OpenModel model) {
        Blip2Config config = model.config;
        int queries = config.numQueryTokens();
        int hidden = config.qformerConfig().hiddenSize();
        this.visionModel = model.part("vision_model", weights -> new Blip2VisionModel(config.visionConfig(), weights));
        this.qformer = model.part("qformer", weights -> new Blip2QFormerModel(config.qformerConfig(), weights));
        this.queryTokens = Tensor.of(model.weights().floats(QUERY_TOKENS, 1, queries, hidden), 1, queries, hidden);
    }

    /**
     * What to keep of the stages on the way.
     *
     * @param hiddenStates whether to keep the hidden states
     * @param attentions   whether to keep the attention probabilities
     */
    record Kept(boolean hiddenStates, boolean attentions) {
        static final Kept NOTHING = new Kept(false, false);
        static final Kept ATTENTIONS = new Kept(false, true);

        static Kept asAsked(Blip2Inputs inputs) {
            return new Kept(inputs.outputHiddenStates(), inputs.outputAttentions());
        }

        Trace trace() {
            return new Trace(hiddenStates, attentions);
        }
    }

    /** A stage's last hidden state, and what was kept on the way. */
    record Stage(Tensor output, Trace trace) {}

    /** Takes pictures over, and refuses what cannot be encoded before any work. */
    Tensor pixels(INDArray pixelValues, boolean interpolate) {
        return checked(Tensors.fromINDArray(pixelValues, "pixelValues"), interpolate);
    }

    /** Refuses what cannot be encoded before any work. */
    Tensor checked(Tensor pixels, boolean interpolate) {
        visionModel.check(pixels, interpolate);
        return pixels;
    }

    /** {@code [batch, 3, height, width]} → image embeddings {@code [batch, patches + 1, vision hidden]}. */
    Stage see(Tensor pixels, boolean interpolate, Kept kept) {
        Trace trace = kept.trace();
        return new Stage(visionModel.forward(pixels, interpolate, trace), trace);
    }

    /** The learned queries, once for each row: {@code [rows, queries, hidden]}. */
    Tensor queries(int rows) {
        return queryTokens.repeat(rows);
    }

    /** Image embeddings → what the queries read of them {@code [batch, queries, hidden]}. */
    Stage query(Tensor imageEmbeds, Kept kept) {
        Trace trace = kept.trace();
        Tensor queries = queries(imageEmbeds.dim(0));
        return new Stage(qformer.forward(Blip2QFormerInputs.queries(queries, imageEmbeds), trace), trace);
    }

    BaseModelOutputWithPooling visionOutput(Stage seen) {
        return visionModel.output(seen.output(), seen.trace());
    }

    BaseModelOutputWithPoolingAndCrossAttentions qformerOutput(Stage read) {
        return qformer.output(read.output(), read.trace());
    }
}
