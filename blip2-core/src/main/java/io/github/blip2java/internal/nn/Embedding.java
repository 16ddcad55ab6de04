/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.nn;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.matrix.WeightMatrix;
import io.github.blip2java.internal.tensor.Tensor;

/**
 * A table of vectors, looked up by index.
 *
 * <p>Table {@code [entries, width]}. Key: {@code weight}. Kept at 16 bit or more whatever the other matrices are
 * stored as. Reference: {@code torch.nn.Embedding}.
 */
public final class Embedding {
    private final WeightMatrix weight;

    /**
     * Loads the table.
     *
     * @param entries number of vectors
     * @param width   length of each
     * @param weights the scope that holds {@code weight}
     */
    public Embedding(int entries, int width, WeightScope weights) {
        this.weight = WeightMatrix.loadTable(weights, "weight", entries, width);
    }

    /**
     * Gives the table itself, for a head that is tied to it.
     *
     * @return the matrix {@code [entries, width]}
     */
    public WeightMatrix weight() {
        return weight;
    }

    /**
     * Looks vectors up.
     *
     * @param indices 0 to entries - 1 each
     * @return {@code [indices.length, width]}
     * @throws IllegalArgumentException if an index is outside the table
     */
    public Tensor forward(int... indices) {
        int width = weight.inFeatures();
        float[] out = new float[Math.multiplyExact(indices.length, width)];
        for (int i = 0; i < indices.length; i++) {
            if (indices[i] < 0 || indices[i] >= weight.outFeatures()) {
                throw new IllegalArgumentException("token id: expected 0 to " + (weight.outFeatures() - 1) + ", got "
                        + indices[i] + "; the tokenizer and the checkpoint do not belong together");
            }
            weight.copyRow(indices[i], out, i * width);
        }
        return Tensor.of(out, indices.length, width);
    }
}
