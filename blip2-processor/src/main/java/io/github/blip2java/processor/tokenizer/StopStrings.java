/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntUnaryOperator;

/**
 * Finds texts that end a text, in the tokens that spell it: a token may hold more than the end of such a text, and its beginning may stand
 * in the middle of another token, or in the prompt. Reference: {@code StopStringCriteria}.
 *
 * <p>Safe for many threads at once.
 */
public final class StopStrings {
    private final Tokenizer tokenizer;
    private final List<String> texts;
    private final byte[][] stops;
    private final int longest;

    /**
     * Where a stop string begins.
     *
     * @param position the position of its first token
     * @param bytes how many bytes of that token stand before it
     */
    public record Begin(int position, int bytes) {}

    /**
     * Looks for texts.
     *
     * @param tokenizer knows how tokens are spelt
     * @param texts texts that are not empty; none to find nothing
     * @throws IllegalArgumentException when a text is empty
     */
    public StopStrings(Tokenizer tokenizer, List<String> texts) {
        if (texts.contains("")) {
            throw new IllegalArgumentException("stop_strings: expected texts, got \"\"; every text ends with nothing");
        }
        this.tokenizer = tokenizer;
        this.texts = List.copyOf(texts);
        this.stops = texts.stream()
                .map(text -> text.getBytes(StandardCharsets.UTF_8))
                .toArray(byte[][]::new);
        this.longest = Arrays.stream(stops).mapToInt(stop -> stop.length).max().orElse(0);
    }

    /** {@return the texts} */
    public List<String> texts() {
        return texts;
    }

    /**
     * Looks for a stop string that ends in the last token.
     *
     * @param ids the id at each position, those of the prompt included
     * @param length how many there are
     * @return where the one begins that begins first; null where none ends there
     */
    public Begin ended(IntUnaryOperator ids, int length) {
        return find(ids, length, true);
    }

    /**
     * Looks for the beginning of a stop string at the end of the text.
     *
     * @param ids the id at each position, those of the prompt included
     * @param length how many there are
     * @return where the longest beginning begins; null where there is none
     */
    public Begin begun(IntUnaryOperator ids, int length) {
        return find(ids, length, false);
    }

    private Begin find(IntUnaryOperator ids, int length, boolean whole) {
        byte[] last = length == 0 || longest == 0 ? null : tokenizer.bytes(ids.applyAsInt(length - 1));
        if (last == null) {
            return null;
        }
        // The end of the text, with as many bytes before the last token as a stop string may have there.
        byte[] tail = last;
        int first = length - 1;
        while (first > 0 && tail.length - last.length < longest - 1) {
            byte[] before = tokenizer.bytes(ids.applyAsInt(first - 1));
            if (before == null) {
                break;
            }
            tail = joined(before, tail);
            first--;
        }
        for (int from = 0; from < tail.length; from++) {
            for (byte[] stop : stops) {
                boolean found = whole
                        ? from + stop.length > tail.length - last.length && begins(tail, from, stop, stop.length)
                        : tail.length - from < stop.length && begins(tail, from, stop, tail.length - from);
                if (found) {
                    return begin(ids, first, from);
                }
            }
        }
        return null;
    }

    private static byte[] joined(byte[] left, byte[] right) {
        byte[] both = Arrays.copyOf(left, left.length + right.length);
        System.arraycopy(right, 0, both, left.length, right.length);
        return both;
    }

    private static boolean begins(byte[] tail, int from, byte[] stop, int length) {
        return from + length <= tail.length && Arrays.equals(tail, from, from + length, stop, 0, length);
    }

    private Begin begin(IntUnaryOperator ids, int first, int byteOfTail) {
        int position = first;
        int bytes = byteOfTail;
        for (int size = size(ids, position); bytes >= size; size = size(ids, position)) {
            bytes -= size;
            position++;
        }
        return new Begin(position, bytes);
    }

    private int size(IntUnaryOperator ids, int position) {
        return tokenizer.bytes(ids.applyAsInt(position)).length;
    }
}
