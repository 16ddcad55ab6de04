/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.qformer.AttentionGradient;

/**
 * Where a score comes from: attention that raises it. Source: Selvaraju et al., Grad-CAM, 2017, as {@code compute_gradcam} of LAVIS applies
 * it to cross-attention.
 */
final class GradCam {
    private GradCam() {}

    /**
     * Computes the map of a layer.
     *
     * @param look how the queries looked, and derivatives of the score
     * @param rows patches from top to bottom
     * @return for each head and patch the mean over the queries of probability · max(derivative, 0); the class token is left out
     */
    static AttentionMap map(AttentionGradient look, int rows) {
        Tensor probabilities = look.probabilities();
        float[] by = look.gradient().data();
        int heads = probabilities.dim(0);
        int queries = probabilities.dim(1);
        int columns = (probabilities.dim(2) - 1) / rows;
        float[][][] map = new float[heads][rows][columns];
        for (int line = 0; line < heads * queries; line++) {
            int first = line * probabilities.dim(2) + 1; // behind the class token
            for (int patch = 0; patch < rows * columns; patch++) {
                float raises = probabilities.data()[first + patch] * Math.max(by[first + patch], 0);
                map[line / queries][patch / columns][patch % columns] += raises / queries;
            }
        }
        return new AttentionMap(map);
    }
}
