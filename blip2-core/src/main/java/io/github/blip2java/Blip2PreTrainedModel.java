/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import java.util.function.Supplier;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What all models have in common: a configuration, threads, turns, and an end. Reference: {@code Blip2PreTrainedModel}.
 *
 * <p>Immutable and safe for many threads. After {@link #close} every call but {@link #config} is an
 * {@link IllegalStateException}. Whatever can be wrong with a call's arguments is refused before the work begins.
 *
 * <p>Calls take turns as {@link LoadOptions#maxWaiting} says. Interrupting a thread ends its call soon, waiting or not, with a
 * {@link java.util.concurrent.CancellationException}; the thread stays marked as interrupted.
 */
public abstract sealed class Blip2PreTrainedModel implements AutoCloseable
        permits Blip2WithLanguageModel,
                Blip2ForImageTextRetrieval,
                Blip2TextModelWithProjection,
                Blip2VisionModelWithProjection {
    private final OpenModel open;

    Blip2PreTrainedModel(OpenModel open) {
        this.open = open;
    }

    /** {@return the configuration the checkpoint came with} */
    public Blip2Config config() {
        return open.config;
    }

    /**
     * The threads that this model computes with, for work beside it.
     *
     * @return the model's own, ended with it unless other models share them
     */
    public ComputeThreads threads() {
        return new ComputeThreads(open.pool());
    }

    void checkOpen() {
        open.checkOpen();
    }

    /** Does a call's work when its turn has come; see {@link Admission#call}. */
    <T> T admitted(long bytes, Supplier<T> work) {
        return open.admitted(bytes, work);
    }

    /** Pictures of the configured size that take as much memory, for an estimate: what is wrong with them is told later. */
    final long pictures(INDArray pixels) {
        return pixels == null ? 0 : pictures(pixels.length());
    }

    /** Pictures of the size that the model was trained on with as many values, rounded up. */
    final long pictures(long values) {
        long side = config().visionConfig().imageSize();
        return 1 + values / (3 * side * side + 1);
    }

    /** Columns of ids, for an estimate: what is wrong with them is told later. */
    static long columns(long[][] ids) {
        return ids == null || ids.length == 0 || ids[0] == null ? 0 : ids[0].length;
    }

    /**
     * Frees the weights and closes their files. Calls after this are refused; one in flight ends soon, with an
     * {@link IllegalStateException}, and the memory that it uses is freed then. Components, such as {@code visionModel()}, are
     * closed with the model.
     */
    @Override
    public void close() {
        open.close();
    }
}
