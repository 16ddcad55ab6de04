/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

/** Is told how far a download is. */
@FunctionalInterface
public interface DownloadListener {
    /**
     * Called at the start, then up to five times a second, and at the end; by one thread at a time, not always the same.
     *
     * @param progress how far it is
     */
    void progress(DownloadProgress progress);
}
