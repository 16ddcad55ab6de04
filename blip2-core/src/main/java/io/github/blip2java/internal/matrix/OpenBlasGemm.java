/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import static org.bytedeco.openblas.global.openblas_nolapack.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasRowMajor;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.blas_set_num_threads;
import static org.bytedeco.openblas.global.openblas_nolapack.cblas_sgemm;

import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.internal.kernel.Parallel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The OpenBLAS that ND4J brings: float32 only. */
final class OpenBlasGemm implements GemmProvider {
    private static final Logger LOG = LoggerFactory.getLogger(OpenBlasGemm.class);

    @Override
    public boolean isAvailable() {
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

    @Override
    public String description() {
        return "OpenBLAS";
    }

    @Override
    public boolean supports(DType weights) {
        return weights == DType.F32;
    }

    @Override
    public void multiply(FloatBuffer x, int rows, ByteBuffer weights, DType dtype, int out, int in, FloatBuffer y) {
        FloatBuffer w = weights.duplicate().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, out, in, 1f, x, in, w, in, 0f, y, out);
    }
}
