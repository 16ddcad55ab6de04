/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.matrix;

import static org.bytedeco.openblas.global.openblas_nolapack.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasRowMajor;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.blas_set_num_threads;
import static org.bytedeco.openblas.global.openblas_nolapack.cblas_sgemm;

import io.github.blip2java.kernel.Parallel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Products with many rows by the OpenBLAS that ND4J brings: float32 weights as they lie, others widened block by block. */
final class BlasGemm {
    private static final Logger LOG = LoggerFactory.getLogger(BlasGemm.class);

    /** Floats of a widened block: small enough for the last-level cache, large enough to keep all threads busy. */
    private static final int BLOCK_FLOATS = 1 << 21;

    private static final int WEIGHTS = 0;
    private static final int INPUT = 1;
    private static final int OUTPUT = 2;

    private static final boolean AVAILABLE = probe();

    private BlasGemm() {}

    private static boolean probe() {
        try {
            blas_set_num_threads(Parallel.threads());
            return true;
        } catch (LinkageError | RuntimeException e) {
            LOG.warn(
                    "OpenBLAS could not be loaded, products of many rows will be slow; add org.bytedeco:openblas with the"
                            + " classifier of this platform to the class path: {}",
                    e.toString());
            return false;
        }
    }

    static boolean isAvailable() {
        return AVAILABLE;
    }

    /**
     * Computes Y = X · Wᵀ.
     *
     * @param weights the matrix
     * @param plain   its bytes if they are float32, else null
     * @param x       {@code [rows, in]}
     * @param rows    rows of x and y
     * @param y       {@code [rows, out]}, overwritten
     */
    static void multiply(WeightMatrix weights, ByteBuffer plain, float[] x, int rows, float[] y) {
        int in = weights.inFeatures();
        int out = weights.outFeatures();
        FloatBuffer input =
                Scratch.direct(INPUT, rows * in).put(x, 0, rows * in).flip();
        int block = plain != null ? out : Math.min(out, Math.max(64, BLOCK_FLOATS / in));
        FloatBuffer output = Scratch.direct(OUTPUT, rows * block);
        FloatBuffer widened = plain != null ? null : Scratch.direct(WEIGHTS, block * in);
        for (int from = 0; from < out; from += block) {
            int count = Math.min(block, out - from);
            FloatBuffer w = plain != null
                    ? plain.duplicate().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
                    : widen(weights, from, count, widened);
            cblas_sgemm(
                    CblasRowMajor, CblasNoTrans, CblasTrans, rows, count, in, 1f, input, in, w, in, 0f, output, count);
            for (int row = 0; row < rows; row++) {
                output.get(row * count, y, row * out + from, count);
            }
        }
    }

    private static FloatBuffer widen(WeightMatrix weights, int from, int count, FloatBuffer target) {
        int in = weights.inFeatures();
        Parallel.forRange(count, row -> {
            float[] values = Scratch.floats(in);
            weights.copyRow(from + row, values, 0);
            target.put(row * in, values, 0, in);
        });
        return target;
    }
}
