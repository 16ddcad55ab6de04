/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

/**
 * How to search.
 *
 * @param top how many pictures come out, at least 1
 * @param rerank how many of the best by cosine the matching head looks at again, 0 for none; each picture among them is read and
 *     encoded again, as what the head needs is a hundred times as large as embeddings. Texts only
 * @param exact whether every picture is compared, and not only those that the graph of embeddings leads to
 */
public record SearchOptions(int top, int rerank, boolean exact) {
    /** How many are looked at again unless told otherwise: a few seconds with a large model on a small computer. */
    public static final int DEFAULT_RERANK = 16;

    /**
     * Checks the values.
     *
     * @param top at least 1
     * @param rerank 0 or more
     * @param exact either
     * @throws IllegalArgumentException when {@code top} is below 1 or {@code rerank} below 0
     */
    public SearchOptions {
        if (top < 1) {
            throw new IllegalArgumentException(
                    "top: expected 1 or more, got " + top + "; it is how many pictures come out");
        }
        if (rerank < 0) {
            throw new IllegalArgumentException("rerank: expected 0 or more, got " + rerank + "; 0 looks at none again");
        }
    }

    /** {@return the ten best, after the matching head looked at the 16 best by cosine} */
    public static SearchOptions defaults() {
        return new SearchOptions(10, DEFAULT_RERANK, false);
    }

    /**
     * Chooses how many come out.
     *
     * @param pictures at least 1
     * @return new options
     * @throws IllegalArgumentException when it is below 1
     */
    public SearchOptions withTop(int pictures) {
        return new SearchOptions(pictures, rerank, exact);
    }

    /**
     * Chooses how many are looked at again.
     *
     * @param pictures 0 or more
     * @return new options
     * @throws IllegalArgumentException when it is below 0
     */
    public SearchOptions withRerank(int pictures) {
        return new SearchOptions(top, pictures, exact);
    }

    /**
     * Chooses whether every picture is compared.
     *
     * @param every whether so
     * @return new options
     */
    public SearchOptions withExact(boolean every) {
        return new SearchOptions(top, rerank, every);
    }
}
