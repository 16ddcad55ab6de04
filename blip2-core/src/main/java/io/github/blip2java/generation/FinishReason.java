/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

/** Why a sequence ended. */
public enum FinishReason {
    /** The model wrote one of its end tokens. */
    EOS,
    /** The length limit was reached first; the text may be cut off. */
    LENGTH
}
