/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.vision;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.kernel.Kernels;
import io.github.blip2java.internal.kernel.Parallel;
import io.github.blip2java.internal.nn.PatchEmbedding;
import io.github.blip2java.internal.tensor.Tensor;

/**
 * [class embedding ; patch embeddings] + position embeddings.
 *
 * <p>Pixels {@code [batch, 3, height, width]} → {@code [batch, patches + 1, hidden]}. Keys: {@code class_embedding}
 * {@code [1, 1, hidden]}, {@code patch_embedding.*}, {@code position_embedding} {@code [1, positions, hidden]}.
 * Reference: {@code Blip2VisionEmbeddings}.
 */
final class Blip2VisionEmbeddings {
    private static final Kernels KERNELS = Kernels.get();

    private final Blip2VisionConfig config;
    private final float[] classEmbedding;
    private final PatchEmbedding patchEmbedding;
    private final PositionTable positionEmbedding;

    Blip2VisionEmbeddings(Blip2VisionConfig config, WeightScope weights) {
        int hidden = config.hiddenSize();
        int side = config.imageSize() / config.patchSize();
        this.config = config;
        this.classEmbedding = weights.floats("class_embedding", 1, 1, hidden);
        this.patchEmbedding = new PatchEmbedding(3, config.patchSize(), hidden, weights.at("patch_embedding"));
        this.positionEmbedding =
                new PositionTable(weights.floats("position_embedding", 1, side * side + 1, hidden), side, hidden);
    }

    Tensor forward(Tensor pixels, boolean interpolatePosEncoding) {
        check(pixels, interpolatePosEncoding);
        Tensor patches = patchEmbedding.forward(pixels); // [batch, patches, hidden]
        int batch = patches.dim(0);
        int count = patches.dim(1) + 1;
        int hidden = patches.dim(2);
        float[] positions =
                positionEmbedding.forGrid(pixels.dim(2) / config.patchSize(), pixels.dim(3) / config.patchSize());
        Tensor embeddings = Tensor.zeros(batch, count, hidden);
        Parallel.forRange(batch * count, row -> {
            int position = row % count;
            if (position == 0) {
                System.arraycopy(classEmbedding, 0, embeddings.data(), row * hidden, hidden);
            } else {
                int patch = row / count * (count - 1) + position - 1;
                System.arraycopy(patches.data(), patch * hidden, embeddings.data(), row * hidden, hidden);
            }
            KERNELS.add(positions, position * hidden, embeddings.data(), row * hidden, hidden);
        });
        return embeddings; // [batch, patches + 1, hidden]
    }

    void check(Tensor pixels, boolean interpolatePosEncoding) {
        int size = config.imageSize();
        String got = ", got " + Tensor.text(pixels.shape());
        if (pixels.rank() != 4 || pixels.dim(0) < 1 || pixels.dim(1) != 3) {
            throw new IllegalArgumentException("pixelValues: expected [batch, 3, " + size + ", " + size + "]" + got
                    + "; Blip2ImageProcessor makes this shape");
        }
        // Reference: smaller pictures would silently get the wrong positions there; here they are refused.
        if (!interpolatePosEncoding && (pixels.dim(2) != size || pixels.dim(3) != size)) {
            throw new IllegalArgumentException("pixelValues: expected [batch, 3, " + size + ", " + size + "]" + got
                    + "; Blip2ImageProcessor makes this shape, or pass interpolatePosEncoding");
        }
        if (pixels.dim(2) < config.patchSize() || pixels.dim(3) < config.patchSize()) {
            throw new IllegalArgumentException("pixelValues: expected at least one patch of " + config.patchSize()
                    + " pixels in each direction" + got + "; use a larger picture");
        }
        for (int i = 0; i < pixels.data().length; i++) {
            if (!Float.isFinite(pixels.data()[i])) {
                int row = pixels.dim(2) * pixels.dim(3);
                int[] at = {i / (3 * row), i / row % 3, i % row / pixels.dim(3), i % pixels.dim(3)};
                throw new IllegalArgumentException("pixelValues: expected finite numbers, got " + pixels.data()[i]
                        + " at " + Tensor.text(at) + "; Blip2ImageProcessor makes numbers of about -2 to 3");
            }
        }
    }
}
