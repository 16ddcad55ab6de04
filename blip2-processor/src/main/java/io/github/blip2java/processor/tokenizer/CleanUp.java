/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.tokenizer;

import java.util.List;

/**
 * Takes spaces before punctuation out of a text that comes in pieces. Reference:
 * {@code PreTrainedTokenizerBase.clean_up_tokenization}, which replaces one thing after the other in the whole text; here each replacement
 * reads what the one before it has settled.
 */
final class CleanUp {
    private final List<Replacement> steps = List.of(
            new Replacement(" .", "."),
            new Replacement(" ?", "?"),
            new Replacement(" !", "!"),
            new Replacement(" ,", ","),
            new Replacement(" ' ", "'"),
            new Replacement(" n't", "n't"),
            new Replacement(" 'm", "'m"),
            new Replacement(" 's", "'s"),
            new Replacement(" 've", "'ve"),
            new Replacement(" 're", "'re"));

    /** Cleans a whole text. */
    static String of(String text) {
        return new CleanUp().add(text, true);
    }

    /**
     * Takes a piece.
     *
     * @param piece what follows the pieces before
     * @param last whether nothing comes behind it
     * @return what is settled of the clean text, behind what was returned before
     */
    String add(String piece, boolean last) {
        String text = piece;
        for (Replacement step : steps) {
            text = step.add(text, last);
        }
        return text;
    }

    /** {@link String#replace(CharSequence, CharSequence)} for a text that comes in pieces. */
    private static final class Replacement {
        private final String from;
        private final String to;
        /** The beginning of what is to be replaced, at the end of the text so far; empty where it does not end so. */
        private String begun = "";

        Replacement(String from, String to) {
            this.from = from;
            this.to = to;
        }

        String add(String piece, boolean last) {
            String text = begun + piece;
            int behind = 0; // all that was found
            for (int at = text.indexOf(from); at >= 0; at = text.indexOf(from, behind)) {
                behind = at + from.length();
            }
            int end = last ? text.length() : text.length() - begins(text, behind);
            begun = text.substring(end);
            return text.substring(0, end).replace(from, to);
        }

        /** Characters at the end of a text, not before a place, that what is to be replaced begins with. */
        private int begins(String text, int notBefore) {
            for (int length = Math.min(from.length() - 1, text.length() - notBefore); length > 0; length--) {
                if (text.regionMatches(text.length() - length, from, 0, length)) {
                    return length;
                }
            }
            return 0;
        }
    }
}
