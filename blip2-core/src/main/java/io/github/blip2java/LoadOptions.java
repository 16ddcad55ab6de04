/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.weights.WeightFormat;

/**
 * How to load a checkpoint.
 *
 * @param dtype    how matrices are kept in memory; {@code AUTO} keeps them as stored
 * @param progress hears how far loading has come
 */
public record LoadOptions(WeightFormat dtype, ProgressListener progress) {

    /**
     * Gives the defaults: as stored, nobody listening.
     *
     * @return the options
     */
    public static LoadOptions defaults() {
        return new LoadOptions(WeightFormat.AUTO, ProgressListener.NONE);
    }

    /**
     * Changes how matrices are kept.
     *
     * @param value the format
     * @return new options
     */
    public LoadOptions withDtype(WeightFormat value) {
        return new LoadOptions(value, progress);
    }

    /**
     * Changes who hears of progress.
     *
     * @param listener the listener
     * @return new options
     */
    public LoadOptions withProgress(ProgressListener listener) {
        return new LoadOptions(dtype, listener);
    }
}
