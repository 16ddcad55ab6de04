/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import io.github.blip2java.checkpoint.WeightMemory;

/** A matrix whose memory may be freed by somebody else: each use keeps it there meanwhile, or is refused. */
record OwnedMatrix(WeightMatrix matrix, WeightMemory memory) implements WeightMatrix {

    @Override
    public int outFeatures() {
        return matrix.outFeatures();
    }

    @Override
    public int inFeatures() {
        return matrix.inFeatures();
    }

    @Override
    public void multiply(float[] x, int rows, float[] y, Epilogue then) {
        memory.enter();
        try {
            matrix.multiply(x, rows, y, then);
        } finally {
            memory.leave();
        }
    }

    @Override
    public void copyRow(int row, float[] to, int from) {
        memory.enter();
        try {
            matrix.copyRow(row, to, from);
        } finally {
            memory.leave();
        }
    }
}
