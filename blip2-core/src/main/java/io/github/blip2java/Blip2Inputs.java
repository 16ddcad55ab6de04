/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.language.TokenIds;
import java.util.Arrays;
import java.util.Objects;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What {@code forward} reads. Only pixels and ids are required. Ids and masks are copied on the way in and out; the pixels
 * are not, so they must stay as they are until {@code forward} returns.
 *
 * @param pixelValues            {@code [batch, 3, height, width]}, normalised
 * @param inputIds               {@code [batch, seq]}; with an image token in the configuration, as many image ids in every
 *                               row as there are query tokens
 * @param attentionMask          {@code [batch, seq]}, 1 = keep; null for all ones
 * @param decoderInputIds        {@code [batch, target]}, encoder–decoder language models only
 * @param decoderAttentionMask   {@code [batch, target]}, 1 = keep; null for all ones
 * @param labels                 {@code [batch, seq]} or, for an encoder–decoder model, {@code [batch, target]}; −100 where
 *                               no loss is wanted; null for no loss
 * @param interpolatePosEncoding whether pictures may have another size than the configured one
 * @param outputHiddenStates     whether to return hidden states
 * @param outputAttentions       whether to return attention probabilities
 */
public record Blip2Inputs(
        INDArray pixelValues,
        long[][] inputIds,
        long[][] attentionMask,
        long[][] decoderInputIds,
        long[][] decoderAttentionMask,
        long[][] labels,
        boolean interpolatePosEncoding,
        boolean outputHiddenStates,
        boolean outputAttentions) {

    /**
     * Copies ids and masks.
     *
     * @param pixelValues as above
     * @param inputIds as above
     * @param attentionMask as above
     * @param decoderInputIds as above
     * @param decoderAttentionMask as above
     * @param labels as above
     * @param interpolatePosEncoding as above
     * @param outputHiddenStates as above
     * @param outputAttentions as above
     */
    public Blip2Inputs {
        inputIds = TokenIds.copy(inputIds);
        attentionMask = TokenIds.copy(attentionMask);
        decoderInputIds = TokenIds.copy(decoderInputIds);
        decoderAttentionMask = TokenIds.copy(decoderAttentionMask);
        labels = TokenIds.copy(labels);
    }

    /** {@return a copy, or null} */
    @Override
    public long[][] inputIds() {
        return TokenIds.copy(inputIds);
    }

    /** {@return a copy, or null} */
    @Override
    public long[][] attentionMask() {
        return TokenIds.copy(attentionMask);
    }

    /** {@return a copy, or null} */
    @Override
    public long[][] decoderInputIds() {
        return TokenIds.copy(decoderInputIds);
    }

    /** {@return a copy, or null} */
    @Override
    public long[][] decoderAttentionMask() {
        return TokenIds.copy(decoderAttentionMask);
    }

    /** {@return a copy, or null} */
    @Override
    public long[][] labels() {
        return TokenIds.copy(labels);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Blip2Inputs inputs
                && Objects.equals(pixelValues, inputs.pixelValues)
                && Arrays.deepEquals(matrices(), inputs.matrices())
                && interpolatePosEncoding == inputs.interpolatePosEncoding
                && outputHiddenStates == inputs.outputHiddenStates
                && outputAttentions == inputs.outputAttentions;
    }

    /** Without the pixels, which are equal within a tolerance. */
    @Override
    public int hashCode() {
        return Arrays.deepHashCode(matrices());
    }

    private long[][][] matrices() {
        return new long[][][] {inputIds, attentionMask, decoderInputIds, decoderAttentionMask, labels};
    }

    /**
     * Starts with nothing set.
     *
     * @return a builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /** Collects inputs; each method sets the component of its name. */
    public static final class Builder {
        private INDArray pixelValues;
        private long[][] inputIds;
        private long[][] attentionMask;
        private long[][] decoderInputIds;
        private long[][] decoderAttentionMask;
        private long[][] labels;
        private boolean interpolatePosEncoding;
        private boolean outputHiddenStates;
        private boolean outputAttentions;

        private Builder() {}

        /**
         * Sets the pictures.
         *
         * @param value {@code [batch, 3, height, width]}
         * @return this
         */
        public Builder pixelValues(INDArray value) {
            this.pixelValues = value;
            return this;
        }

        /**
         * Sets the token ids.
         *
         * @param value {@code [batch, seq]}
         * @return this
         */
        public Builder inputIds(long[][] value) {
            this.inputIds = value;
            return this;
        }

        /**
         * Sets the mask of the token ids.
         *
         * @param value {@code [batch, seq]}, 1 = keep
         * @return this
         */
        public Builder attentionMask(long[][] value) {
            this.attentionMask = value;
            return this;
        }

        /**
         * Sets the decoder's token ids.
         *
         * @param value {@code [batch, target]}
         * @return this
         */
        public Builder decoderInputIds(long[][] value) {
            this.decoderInputIds = value;
            return this;
        }

        /**
         * Sets the mask of the decoder's token ids.
         *
         * @param value {@code [batch, target]}, 1 = keep
         * @return this
         */
        public Builder decoderAttentionMask(long[][] value) {
            this.decoderAttentionMask = value;
            return this;
        }

        /**
         * Sets the labels, so that a loss is computed.
         *
         * @param value {@code [batch, seq]} or {@code [batch, target]}
         * @return this
         */
        public Builder labels(long[][] value) {
            this.labels = value;
            return this;
        }

        /**
         * Allows pictures of another size than the configured one.
         *
         * @param value true to allow
         * @return this
         */
        public Builder interpolatePosEncoding(boolean value) {
            this.interpolatePosEncoding = value;
            return this;
        }

        /**
         * Asks for hidden states.
         *
         * @param value true to return them
         * @return this
         */
        public Builder outputHiddenStates(boolean value) {
            this.outputHiddenStates = value;
            return this;
        }

        /**
         * Asks for attention probabilities.
         *
         * @param value true to return them
         * @return this
         */
        public Builder outputAttentions(boolean value) {
            this.outputAttentions = value;
            return this;
        }

        /**
         * Makes the inputs.
         *
         * @return the record
         */
        public Blip2Inputs build() {
            return new Blip2Inputs(
                    pixelValues,
                    inputIds,
                    attentionMask,
                    decoderInputIds,
                    decoderAttentionMask,
                    labels,
                    interpolatePosEncoding,
                    outputHiddenStates,
                    outputAttentions);
        }
    }
}
