/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * How {@link Blip2Processor} cuts and pads texts. The defaults are those of {@code transformers}: special tokens added,
 * nothing cut, nothing padded.
 *
 * @param addSpecialTokens whether to add what the model expects around a text, such as a start token
 * @param padding whether rows are filled up to one length
 * @param truncation whether texts are cut
 * @param maxLength tokens that a row may have, its image tokens included (also in calls without images, where that many
 *     are kept free); empty for the limit in the tokenizer's configuration, if there is one
 * @param paddingSide where rows are filled up; empty for what the model needs, left for OPT and right for T5
 */
public record TextOptions(
        boolean addSpecialTokens,
        Padding padding,
        Truncation truncation,
        OptionalInt maxLength,
        Optional<Side> paddingSide) {

    /** Whether rows are filled up to one length. */
    public enum Padding {
        /** Rows keep their lengths. */
        NONE,
        /** Every row gets the length of the longest. */
        LONGEST,
        /** Every row gets the maximal length. */
        MAX_LENGTH
    }

    /** Whether texts are cut to the maximal length, at their end. */
    public enum Truncation {
        /** Only when a maximal length is given and nothing is padded. Reference: transformers' behaviour when unset. */
        AUTO,
        /** Always. */
        ON,
        /** Never. */
        OFF
    }

    /** An end of a text. */
    public enum Side {
        /** The beginning. */
        LEFT,
        /** The end. */
        RIGHT
    }

    /**
     * Checks the values.
     *
     * @param addSpecialTokens either
     * @param padding not null
     * @param truncation not null
     * @param maxLength empty, or 1 or more
     * @param paddingSide not null, may be empty
     * @throws IllegalArgumentException when the maximal length is below 1
     */
    public TextOptions {
        Objects.requireNonNull(padding, "padding");
        Objects.requireNonNull(truncation, "truncation");
        Objects.requireNonNull(paddingSide, "paddingSide");
        if (maxLength.isPresent() && maxLength.getAsInt() < 1) {
            throw new IllegalArgumentException("maxLength: expected 1 or more, got " + maxLength.getAsInt());
        }
    }

    /**
     * Returns the defaults.
     *
     * @return special tokens added, nothing cut, nothing padded
     */
    public static TextOptions defaults() {
        return new TextOptions(true, Padding.NONE, Truncation.AUTO, OptionalInt.empty(), Optional.empty());
    }

    /**
     * Returns these options with or without special tokens.
     *
     * @param add whether to add them
     * @return new options
     */
    public TextOptions withAddSpecialTokens(boolean add) {
        return new TextOptions(add, padding, truncation, maxLength, paddingSide);
    }

    /**
     * Returns these options with another padding.
     *
     * @param newPadding how to pad
     * @return new options
     */
    public TextOptions withPadding(Padding newPadding) {
        return new TextOptions(addSpecialTokens, newPadding, truncation, maxLength, paddingSide);
    }

    /**
     * Returns these options with another rule for cutting.
     *
     * @param newTruncation when to cut
     * @return new options
     */
    public TextOptions withTruncation(Truncation newTruncation) {
        return new TextOptions(addSpecialTokens, padding, newTruncation, maxLength, paddingSide);
    }

    /**
     * Returns these options with a maximal length.
     *
     * @param tokens tokens of a row, 1 or more, image tokens included
     * @return new options
     * @throws IllegalArgumentException when it is below 1
     */
    public TextOptions withMaxLength(int tokens) {
        return new TextOptions(addSpecialTokens, padding, truncation, OptionalInt.of(tokens), paddingSide);
    }

    /**
     * Returns these options with a side to pad on.
     *
     * @param side where rows are filled up
     * @return new options
     */
    public TextOptions withPaddingSide(Side side) {
        return new TextOptions(addSpecialTokens, padding, truncation, maxLength, Optional.of(side));
    }
}
