/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

/**
 * How well a picture and a text belong together, by both measures of a retrieval model.
 *
 * @param cosine           between the text and that of the picture's query embeddings which is nearest to it, −1 to 1 (ITC, paper
 *                         section 3.1); fast, as both sides are embedded apart, and good for ranking
 * @param matchProbability that they belong together, 0 to 1 (ITM): softmax of the two logits; slower and better, as the model looks
 *                         at both at once
 * @param noMatchLogit     the first logit of the matching head
 * @param matchLogit       the second
 */
public record ImageTextMatch(float cosine, float matchProbability, float noMatchLogit, float matchLogit) {

    /**
     * Turns logits into a probability.
     *
     * @param cosine       as above
     * @param noMatchLogit as above
     * @param matchLogit   as above
     * @return the match
     */
    static ImageTextMatch of(float cosine, float noMatchLogit, float matchLogit) {
        double probability = 1 / (1 + Math.exp((double) noMatchLogit - matchLogit));
        return new ImageTextMatch(cosine, (float) probability, noMatchLogit, matchLogit);
    }

    /**
     * What pictures and texts are ranked by: the logit of the match plus the cosine. Reference: {@code compute_sim_matrix} of LAVIS.
     *
     * @return a number that only means something beside others
     */
    public float rankingScore() {
        return matchLogit + cosine;
    }
}
