/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.qformer;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.nn.LayerNorm;
import io.github.blip2java.internal.nn.Trace;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.internal.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The Querying Transformer (paper section 3.1): a fixed number of learned queries reads the image; in retrieval models it reads
 * texts too, alone or together with the image.
 *
 * <p>encoder(layernorm(queries and text), image): {@code [batch, seq, hidden]} and {@code [images, patches + 1, encoder
 * hidden]} → {@code [batch, seq, hidden]}. Keys: {@code layernorm.*}, {@code encoder.*}. Reference:
 * {@code Blip2QFormerModel}.
 */
public final class Blip2QFormerModel {
    private final Blip2QFormerConfig config;
    private final LayerNorm layernorm;
    private final Blip2QFormerEncoder encoder;

    /**
     * Loads the Q-Former.
     *
     * @param config  its sizes
     * @param weights the scope {@code qformer}
     */
    public Blip2QFormerModel(Blip2QFormerConfig config, WeightScope weights) {
        this.config = config;
        this.layernorm = new LayerNorm(config.hiddenSize(), config.layerNormEps(), weights.at("layernorm"));
        this.encoder = new Blip2QFormerEncoder(config, weights.at("encoder"));
    }

    /**
     * Lets queries read images.
     *
     * @param queryEmbeds         {@code [batch, queries, hidden]}
     * @param encoderHiddenStates {@code [batch, positions, encoder hidden]}: the vision encoder's last hidden state
     * @param outputHiddenStates  whether to return the hidden states
     * @param outputAttentions    whether to return the attention probabilities
     * @return the Q-Former's output
     * @throws IllegalArgumentException if a shape does not fit
     */
    public BaseModelOutputWithPoolingAndCrossAttentions forward(
            INDArray queryEmbeds, INDArray encoderHiddenStates, boolean outputHiddenStates, boolean outputAttentions) {
        Trace trace = new Trace(outputHiddenStates, outputAttentions);
        Tensor queries = Tensors.fromINDArray(queryEmbeds, "queryEmbeds");
        Tensor image = Tensors.fromINDArray(encoderHiddenStates, "encoderHiddenStates");
        check("queryEmbeds", queries, "queries", config.hiddenSize());
        check("encoderHiddenStates", image, "positions", config.encoderHiddenSize());
        if (queries.dim(0) != image.dim(0)) {
            throw new IllegalArgumentException("queryEmbeds: expected a batch of " + image.dim(0)
                    + " as encoderHiddenStates has, got " + queries.dim(0) + "; repeat the queries for each image");
        }
        return output(forward(Blip2QFormerInputs.queries(queries, image), trace), trace);
    }

    private static void check(String name, Tensor tensor, String rows, int width) {
        if (tensor.rank() != 3 || tensor.dim(2) != width) {
            throw new IllegalArgumentException(name + ": expected [batch, " + rows + ", " + width + "], got "
                    + Tensor.text(tensor.shape()) + "; pass the output of the vision encoder of the same checkpoint");
        }
    }

    /**
     * Lets queries read images and texts, within the library.
     *
     * @param inputs queries, texts or both; texts only with {@link Blip2QFormerConfig#useQformerTextInput}
     * @param trace  collects hidden states and attentions
     * @return the last hidden state {@code [batch, seq, hidden]}
     */
    public Tensor forward(Blip2QFormerInputs inputs, Trace trace) {
        // Reference: the norm of BERT's embeddings is applied to the queries although they come from no table.
        return encoder.forward(layernorm.forward(inputs.embeds()), inputs, trace);
    }

    /**
     * Says how much a score depends on where the queries looked. Derivatives are carried back from the last hidden state through
     * every layer, each of which computes again what it needs: nothing is kept in a pass forward but the hidden states.
     *
     * @param inputs   the queries and the text of one sequence, which looks at one image
     * @param trace    the hidden states of its pass forward
     * @param gradient derivatives of the score by the last hidden state {@code [1, seq, hidden]}
     * @return one for each layer that looks at the image, the first layer first
     */
    public List<AttentionGradient> backward(Blip2QFormerInputs inputs, Trace trace, Tensor gradient) {
        List<AttentionGradient> looks = new ArrayList<>();
        encoder.backward(trace.hiddenStates(), inputs, gradient, look -> looks.add(0, look));
        return looks;
    }

    /**
     * Puts a last hidden state and a trace into the public record.
     *
     * @param lastHiddenState what {@link #forward(Blip2QFormerInputs, Trace)} returned
     * @param trace           what it collected
     * @return the record
     */
    public BaseModelOutputWithPoolingAndCrossAttentions output(Tensor lastHiddenState, Trace trace) {
        int seq = lastHiddenState.dim(1);
        int[] firstRows =
                IntStream.range(0, lastHiddenState.dim(0)).map(row -> row * seq).toArray();
        return new BaseModelOutputWithPoolingAndCrossAttentions(
                Tensors.toINDArray(lastHiddenState),
                Tensors.toINDArray(lastHiddenState.gatherRows(firstRows)),
                Tensors.toINDArrays(trace.hiddenStates()),
                Tensors.toINDArrays(trace.attentions()),
                Tensors.toINDArrays(trace.crossAttentions()));
    }
}
