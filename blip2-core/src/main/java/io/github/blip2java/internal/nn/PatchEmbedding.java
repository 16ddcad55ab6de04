/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.nn;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.kernel.Parallel;
import io.github.blip2java.internal.matrix.WeightMatrix;
import io.github.blip2java.internal.tensor.Tensor;

/**
 * A convolution whose stride is its kernel: every patch of the picture becomes one vector.
 *
 * <p>Pixels {@code [batch, channels, height, width]} → {@code [batch, (height/patch)·(width/patch), hidden]}, patches in
 * row-major order; pixels beyond the last whole patch are not read. Keys: {@code weight}
 * {@code [hidden, channels, patch, patch]}, {@code bias} {@code [hidden]}. Reference: {@code torch.nn.Conv2d}.
 */
public final class PatchEmbedding {
    private final int channels;
    private final int patch;
    private final Linear projection;

    /**
     * Loads the convolution.
     *
     * @param channels channels of the picture
     * @param patch    side of a patch in pixels
     * @param hidden   length of the vectors
     * @param weights  the scope that holds {@code weight} and {@code bias}
     */
    public PatchEmbedding(int channels, int patch, int hidden, WeightScope weights) {
        this.channels = channels;
        this.patch = patch;
        float[] kernel = weights.floats("weight", hidden, channels, patch, patch);
        this.projection = new Linear(
                WeightMatrix.of(weights.memory(), kernel, hidden, channels * patch * patch),
                weights.floats("bias", hidden));
    }

    /**
     * Embeds every patch.
     *
     * @param pixels {@code [batch, channels, height, width]}, at least one patch high and wide
     * @return {@code [batch, patches, hidden]}
     */
    public Tensor forward(Tensor pixels) {
        int batch = pixels.dim(0);
        int height = pixels.dim(2);
        int width = pixels.dim(3);
        int down = height / patch;
        int across = width / patch;
        int features = channels * patch * patch;
        float[] patches = new float[Math.multiplyExact(batch * down * across, features)];
        Parallel.forRange(batch * down, stripe -> {
            int image = stripe / down;
            int top = (stripe % down) * patch;
            int to = stripe * across * features;
            for (int p = 0; p < across; p++) {
                for (int c = 0; c < channels; c++) {
                    for (int y = 0; y < patch; y++, to += patch) {
                        int from = ((image * channels + c) * height + top + y) * width + p * patch;
                        System.arraycopy(pixels.data(), from, patches, to, patch);
                    }
                }
            }
        });
        return projection.forward(Tensor.of(patches, batch, down * across, features)); // [batch, patches, hidden]
    }
}
