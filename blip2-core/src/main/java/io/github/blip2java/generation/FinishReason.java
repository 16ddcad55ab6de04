/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

/** Why a sequence ended. */
public enum FinishReason {
    /** The model wrote one of its end tokens. */
    EOS,
    /** The length limit was reached first, or the model has no more positions; the text may be cut off. */
    LENGTH,
    /** One of the texts that were to end it was written. */
    STOP_STRING,
    /** The time was over ({@code max_time}); the text may be cut off. */
    TIME,
    /** A criterion of the caller's held. */
    STOPPED,
    /** The caller cancelled; the text is the beginning of what it would have become. */
    CANCELLED
}
