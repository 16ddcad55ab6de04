/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline;

/**
 * Hears of a text while it is written. Its pieces joined are the text exactly; none holds a part of a character, a special token, or the
 * beginning of a stop string. In a beam search a piece comes once all beams that may still win agree on it.
 *
 * <p>Called on the thread that generates, between two steps of the model. What it throws ends the call.
 */
@FunctionalInterface
public interface TextListener {

    /**
     * A piece is settled.
     *
     * @param sequence which text: those of a prompt one after the other, prompt by prompt, counted from 0
     * @param piece what follows the pieces before; never empty
     */
    void onText(int sequence, String piece);
}
