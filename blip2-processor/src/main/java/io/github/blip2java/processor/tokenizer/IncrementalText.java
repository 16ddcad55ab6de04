/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.tokenizer;

import java.lang.Character.UnicodeBlock;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * Turns tokens into text as they come: what is returned is never taken back, holds no part of a character, and joined it is what
 * {@link Tokenizer#decode} makes of all tokens without the special ones, up to a stop string where one ends it.
 *
 * <p>With whole words, a piece ends behind a space, a line break or a Chinese character, as in {@code TextStreamer} of
 * {@code transformers}; else it ends wherever what follows cannot change it. Belongs to one text and thread.
 */
public final class IncrementalText {
    private static final char BROKEN = '\ufffd';

    /** Tokens that are decoded at a time, so that a long text does not take quadratic time. */
    private static final int WINDOW = 64;

    private static final Set<UnicodeBlock> CHINESE = Set.of(
            UnicodeBlock.CJK_UNIFIED_IDEOGRAPHS,
            UnicodeBlock.CJK_UNIFIED_IDEOGRAPHS_EXTENSION_A,
            UnicodeBlock.CJK_UNIFIED_IDEOGRAPHS_EXTENSION_B,
            UnicodeBlock.CJK_UNIFIED_IDEOGRAPHS_EXTENSION_C,
            UnicodeBlock.CJK_UNIFIED_IDEOGRAPHS_EXTENSION_D,
            UnicodeBlock.CJK_UNIFIED_IDEOGRAPHS_EXTENSION_E,
            UnicodeBlock.CJK_COMPATIBILITY_IDEOGRAPHS,
            UnicodeBlock.CJK_COMPATIBILITY_IDEOGRAPHS_SUPPLEMENT);

    private final Tokenizer tokenizer;
    private final boolean wholeWords;
    private final StopStrings stops;
    private final int promptLength;
    private final CleanUp cleanUp;
    private final StringBuilder words = new StringBuilder();

    /** The ids of the prompt and of the text. */
    private long[] ids;

    private int length;
    /** The first id that is decoded. */
    private int from;
    /** Characters of what is decoded that are passed on. */
    private int passed;

    private boolean ended;

    /**
     * Starts a text without stop strings.
     *
     * @param tokenizer decodes
     * @param wholeWords whether pieces are whole words
     */
    public IncrementalText(Tokenizer tokenizer, boolean wholeWords) {
        this(tokenizer, wholeWords, new StopStrings(tokenizer, List.of()), new long[0]);
    }

    /**
     * Starts a text that stop strings may end.
     *
     * @param tokenizer decodes
     * @param wholeWords whether pieces are whole words
     * @param stops what ends the text
     * @param prompt ids before the text, in which a stop string may begin
     */
    public IncrementalText(Tokenizer tokenizer, boolean wholeWords, StopStrings stops, long[] prompt) {
        this.tokenizer = tokenizer;
        this.wholeWords = wholeWords;
        this.stops = stops;
        this.promptLength = prompt.length;
        this.cleanUp = tokenizer.cleansUp() ? new CleanUp() : null;
        this.ids = Arrays.copyOf(prompt, prompt.length + WINDOW);
        this.length = prompt.length;
        this.from = prompt.length;
    }

    /**
     * Takes tokens.
     *
     * @param tokens those that follow the ones before
     * @return what they settle of the text; may be empty
     */
    public String add(long... tokens) {
        if (stops.texts().isEmpty()) {
            return ended || tokens.length == 0 ? "" : settle(tokens);
        }
        StringBuilder pieces = new StringBuilder();
        for (int i = 0; i < tokens.length && !ended; i++) {
            pieces.append(settle(tokens[i]));
        }
        return pieces.toString();
    }

    /**
     * Ends the text.
     *
     * @return what was not settled before
     */
    public String finish() {
        String rest = ended ? "" : decoded(length).substring(passed);
        ended = true;
        passed += rest.length();
        String text = words.append(cleaned(rest, true)).toString();
        words.setLength(0);
        return text;
    }

    private String settle(long... tokens) {
        if (length + tokens.length > ids.length) {
            ids = Arrays.copyOf(ids, length + length / 2 + tokens.length);
        }
        System.arraycopy(tokens, 0, ids, length, tokens.length);
        length += tokens.length;
        String text = decoded(length);
        StopStrings.Begin stop = stops.ended(i -> (int) ids[i], length);
        ended = stop != null;
        int settled;
        if (ended) {
            settled = place(stop);
        } else {
            StopStrings.Begin begun = stops.begun(i -> (int) ids[i], length);
            settled = withoutBroken(text);
            settled = begun == null ? settled : Math.min(settled, place(begun));
        }
        String piece = settled > passed ? text.substring(passed, settled) : "";
        passed += piece.length();
        if (passed == text.length() && length - from > WINDOW) {
            restart();
        }
        return inWords(cleaned(piece, false));
    }

    private String decoded(int to) {
        return tokenizer.joined(Arrays.copyOfRange(ids, from, to), true);
    }

    /** Bytes that are no character yet are decoded to a mark, which the next token may make a character of. */
    private static int withoutBroken(String text) {
        int end = text.length();
        while (end > 0 && text.charAt(end - 1) == BROKEN) {
            end--;
        }
        return end;
    }

    /** The place of a stop string in what is decoded. */
    private int place(StopStrings.Begin stop) {
        if (stop.position() < from) {
            return 0;
        }
        byte[] spelt = tokenizer.bytes((int) ids[stop.position()]);
        int behind = new String(spelt, stop.bytes(), spelt.length - stop.bytes(), StandardCharsets.UTF_8).length();
        // A special token is not decoded, and the first one may have lost the space before it.
        return Math.max(
                decoded(stop.position()).length(), decoded(stop.position() + 1).length() - behind);
    }

    /** Decodes from the last token on: a decoder may only change the beginning of what it gets, which is passed on already. */
    private void restart() {
        String last = tokenizer.joined(new long[] {ids[length - 1]}, true);
        if (!last.isEmpty()) {
            from = length - 1;
            passed = last.length();
        }
    }

    private String cleaned(String piece, boolean last) {
        return cleanUp == null ? piece : cleanUp.add(piece, last);
    }

    private String inWords(String piece) {
        if (!wholeWords) {
            return piece;
        }
        words.append(piece);
        int end = words.length();
        if (end > 0 && words.charAt(end - 1) != '\n' && !isChinese(words.codePointBefore(end))) {
            end = words.lastIndexOf(" ") + 1;
        }
        String whole = words.substring(0, end);
        words.delete(0, end);
        return whole;
    }

    private static boolean isChinese(int letter) {
        UnicodeBlock block = UnicodeBlock.of(letter);
        return block != null && CHINESE.contains(block);
    }
}
