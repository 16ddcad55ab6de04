/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.nn;

import io.github.blip2java.internal.kernel.Frame;
import io.github.blip2java.internal.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * Collects what happens inside a stack of layers, when a caller asked for it.
 *
 * <p>Reference: {@code output_hidden_states} and {@code output_attentions}.
 */
public final class Trace {
    private final List<Tensor> hiddenStates;
    private final List<Tensor> attentions;
    private final List<Tensor> crossAttentions;

    /** What the last layer made. */
    private Tensor last;

    /**
     * Starts a collection.
     *
     * @param hiddenStates whether to keep the hidden states
     * @param attentions   whether to keep the attention probabilities
     */
    public Trace(boolean hiddenStates, boolean attentions) {
        this.hiddenStates = hiddenStates ? new ArrayList<>() : null;
        this.attentions = attentions ? new ArrayList<>() : null;
        this.crossAttentions = attentions ? new ArrayList<>() : null;
    }

    /**
     * Makes a trace that keeps nothing.
     *
     * @return an empty trace
     */
    public static Trace none() {
        return new Trace(false, false);
    }

    /**
     * Keeps a hidden state, if asked to.
     *
     * @param state the tensor between two layers
     */
    public void hiddenState(Tensor state) {
        if (hiddenStates != null) {
            hiddenStates.add(state);
        }
    }

    /**
     * Runs one layer of a stack, and keeps what it is given, if asked to. Otherwise the memory of what one layer made and the next has
     * read is used again.
     *
     * @param x     the embeddings, or what the layer before returned
     * @param layer computes from x
     * @return what the layer makes of x
     */
    public Tensor layer(Tensor x, UnaryOperator<Tensor> layer) {
        hiddenState(x);
        Tensor y = Frame.call(() -> layer.apply(x), Tensor::data);
        if (x == last && hiddenStates == null) {
            Frame.release(x.data());
        }
        last = y;
        return y;
    }

    /**
     * Gives the receiver of self-attention probabilities.
     *
     * @return the receiver, or null when they are not wanted
     */
    public Consumer<Tensor> onAttention() {
        return attentions == null ? null : attentions::add;
    }

    /**
     * Gives the receiver of cross-attention probabilities.
     *
     * @return the receiver, or null when they are not wanted
     */
    public Consumer<Tensor> onCrossAttention() {
        return crossAttentions == null ? null : crossAttentions::add;
    }

    /**
     * Gives the hidden states in order.
     *
     * @return the tensors, or null when they were not asked for
     */
    public List<Tensor> hiddenStates() {
        return hiddenStates;
    }

    /**
     * Gives the self-attention probabilities, layer by layer.
     *
     * @return tensors {@code [batch, heads, queries, keys]}, or null when they were not asked for
     */
    public List<Tensor> attentions() {
        return attentions;
    }

    /**
     * Gives the cross-attention probabilities, layer by layer.
     *
     * @return tensors {@code [batch, heads, queries, keys]}, or null when they were not asked for
     */
    public List<Tensor> crossAttentions() {
        return crossAttentions;
    }
}
