/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

import io.github.blip2java.processor.TextOptions.Padding;
import io.github.blip2java.processor.TextOptions.Side;
import io.github.blip2java.processor.TextOptions.Truncation;
import io.github.blip2java.processor.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/**
 * Texts to rows of token ids: cut, padded, and with image tokens in front.
 *
 * <p>Reference: a text is tokenised, cut and padded on its own, then the image tokens come in front; so they are never
 * cut, and never stand behind padding.
 */
final class TextEncoder {

    /** Token ids and their masks, row by row. */
    record Rows(long[][] inputIds, long[][] attentionMask) {}

    private final Tokenizer tokenizer;
    private final int queries;
    private final Side defaultSide;
    private final OptionalInt padTokenId;

    TextEncoder(Tokenizer tokenizer, int queries, Side defaultSide, OptionalInt padTokenId) {
        this.tokenizer = tokenizer;
        this.queries = queries;
        this.defaultSide = defaultSide;
        this.padTokenId = padTokenId;
    }

    Rows encode(List<String> texts, boolean withImages, TextOptions options) {
        if (texts.isEmpty()) {
            throw new IllegalArgumentException("texts: expected at least one text, got none");
        }
        OptionalInt limit = limit(options);
        boolean cut = options.truncation() == Truncation.ON
                || (options.truncation() == Truncation.AUTO
                        && options.padding() == Padding.NONE
                        && options.maxLength().isPresent());
        long[][] ids = new long[texts.size()][];
        for (int row = 0; row < ids.length; row++) {
            checkNoImageToken(texts.get(row));
            ids[row] = tokenizer.encode(texts.get(row), options.addSpecialTokens());
            if (cut && limit.isPresent() && ids[row].length > limit.getAsInt()) {
                ids[row] = cut(texts.get(row), ids[row], limit.getAsInt());
            }
        }
        int length = paddedLength(ids, limit, options.padding());
        int images = withImages ? queries : 0;
        requireMemory(ids, images, length);
        Side side = options.paddingSide().orElse(defaultSide);
        long[][] mask = new long[ids.length][];
        for (int row = 0; row < ids.length; row++) {
            int tokens = ids[row].length;
            int padding = Math.max(length - tokens, 0);
            int begin = images + (side == Side.LEFT ? padding : 0);
            long[] padded = new long[images + padding + tokens];
            mask[row] = new long[padded.length];
            Arrays.fill(padded, padding > 0 ? padTokenId.getAsInt() : 0);
            Arrays.fill(padded, 0, images, tokenizer.imageTokenId());
            System.arraycopy(ids[row], 0, padded, begin, tokens);
            Arrays.fill(mask[row], 0, images, 1);
            Arrays.fill(mask[row], begin, begin + tokens, 1);
            ids[row] = padded;
        }
        return new Rows(ids, mask);
    }

    /** Tokens that a text may have. Reference: the image tokens count towards it even in calls without images. */
    private OptionalInt limit(TextOptions options) {
        if (options.maxLength().isEmpty()) {
            return tokenizer.modelMaxLength();
        }
        int room = options.maxLength().getAsInt() - queries;
        if (room < 0) {
            throw new IllegalArgumentException("maxLength: expected at least the " + queries + " image tokens, got "
                    + options.maxLength().getAsInt());
        }
        return OptionalInt.of(room);
    }

    private int paddedLength(long[][] ids, OptionalInt limit, Padding padding) {
        if (padding == Padding.NONE || (padding == Padding.MAX_LENGTH && limit.isEmpty())) {
            return 0;
        }
        int longest = Arrays.stream(ids).mapToInt(row -> row.length).max().orElse(0);
        int length = padding == Padding.LONGEST ? longest : limit.getAsInt();
        boolean needed = Arrays.stream(ids).anyMatch(row -> row.length < length);
        if (needed && padTokenId.isEmpty()) {
            throw new IllegalArgumentException(
                    "padding: expected a padding token, but neither tokenizer_config.json nor config.json names one; pass"
                            + " one text at a time");
        }
        return length;
    }

    /** Ids and masks of all rows, against a length that a caller or a file made too large. */
    private static void requireMemory(long[][] ids, int images, int length) {
        long needed = 0;
        for (long[] row : ids) {
            needed += 2L * Long.BYTES * (images + Math.max(length, row.length));
        }
        long heap = Runtime.getRuntime().maxMemory();
        if (needed > heap) {
            throw new IllegalArgumentException("maxLength: expected rows that fit into Java's heap of " + (heap >> 20)
                    + " MiB, got " + ids.length + " of " + length + " tokens, " + (needed >> 20)
                    + " MiB; take a smaller one");
        }
    }

    private void checkNoImageToken(String text) {
        if (text.contains(tokenizer.imageToken())) {
            throw new IllegalArgumentException("text: expected none with " + tokenizer.imageToken()
                    + ", which stands for a part of an image, got \"" + text
                    + "\"; leave it out, image tokens are added where they belong");
        }
    }

    /** Cuts the text's own tokens at their end; the special tokens around them stay. */
    private long[] cut(String text, long[] ids, int limit) {
        long[] own = tokenizer.encode(text, false);
        int special = ids.length - own.length;
        if (limit < special) {
            throw new IllegalArgumentException("maxLength: expected room for " + (queries + special)
                    + " image and special tokens, got " + (queries + limit));
        }
        int front = 0;
        while (front < special && !Arrays.equals(own, Arrays.copyOfRange(ids, front, front + own.length))) {
            front++;
        }
        long[] shorter = new long[limit];
        int behind = special - front;
        System.arraycopy(ids, 0, shorter, 0, limit - behind);
        System.arraycopy(ids, ids.length - behind, shorter, limit - behind, behind);
        return shorter;
    }
}
