/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline;

import io.github.blip2java.processor.tokenizer.IncrementalText;
import java.util.Arrays;

/** Tells a listener of one text as it is written, without the spaces around it. */
final class TextStream {
    private final int sequence;
    private final IncrementalText text;
    private final TextListener listener;
    private int tokens;
    private boolean begun;
    /** White space that is told only when a letter follows. */
    private String space = "";

    TextStream(int sequence, IncrementalText text, TextListener listener) {
        this.sequence = sequence;
        this.text = text;
        this.listener = listener;
    }

    void add(long[] more) {
        tokens += more.length;
        tell(text.add(more));
    }

    /** Ends the text; tells what is left of it. */
    void finish(long[] all) {
        tell(text.add(Arrays.copyOfRange(all, tokens, all.length)) + text.finish());
    }

    private void tell(String piece) {
        String settled = space + piece;
        String told = begun ? settled.stripTrailing() : settled.strip();
        space = begun || !told.isEmpty()
                ? settled.substring(settled.stripTrailing().length())
                : "";
        if (!told.isEmpty()) {
            begun = true;
            listener.onText(sequence, told);
        }
    }
}
