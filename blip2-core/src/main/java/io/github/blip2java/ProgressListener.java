/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

/** Hears how far long work has come. Called on the thread that does the work. */
@FunctionalInterface
public interface ProgressListener {

    /** Ignores progress. */
    ProgressListener NONE = (task, done, total) -> {};

    /**
     * Reports progress.
     *
     * @param task  what is being done, for example {@code loading vision_model}
     * @param done  steps finished
     * @param total steps in all
     */
    void progress(String task, long done, long total);
}
