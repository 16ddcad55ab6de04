/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.weights.WeightFormat;

/**
 * How to load a checkpoint.
 *
 * @param dtype       how matrices are kept in memory; {@code AUTO} keeps them as stored.
 * @param memoryCheck whether a model that needs more memory than there is is refused ({@link InsufficientMemoryException})
 *                    rather than loaded, only to be killed by the system; checked on Linux alone
 * @param progress    hears how far loading has come
 */
public record LoadOptions(WeightFormat dtype, boolean memoryCheck, ProgressListener progress) {

    /**
     * Gives the defaults: as stored, memory checked, nobody listening.
     *
     * @return the options
     */
    public static LoadOptions defaults() {
        return new LoadOptions(WeightFormat.AUTO, true, ProgressListener.NONE);
    }

    /**
     * Changes how matrices are kept.
     *
     * @param value the format
     * @return new options
     */
    public LoadOptions withDtype(WeightFormat value) {
        return new LoadOptions(value, memoryCheck, progress);
    }

    /**
     * Changes whether memory is checked first.
     *
     * @param value false to load a model however little memory there is
     * @return new options
     */
    public LoadOptions withMemoryCheck(boolean value) {
        return new LoadOptions(dtype, value, progress);
    }

    /**
     * Changes who hears of progress.
     *
     * @param listener the listener
     * @return new options
     */
    public LoadOptions withProgress(ProgressListener listener) {
        return new LoadOptions(dtype, memoryCheck, listener);
    }
}
