/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

/** What to do when something fails half-way: an {@link OutOfMemoryError} while loading must leave nothing open either. */
public final class Failures {
    private Failures() {}

    /**
     * Closes what will not be used, so that the failure stays the one to be told.
     *
     * @param failure  what happened; gets the failure to close as a suppressed one
     * @param resource what was opened before, or null
     */
    public static void close(Throwable failure, AutoCloseable resource) {
        if (resource == null) {
            return;
        }
        try {
            resource.close();
        } catch (Exception | Error e) {
            failure.addSuppressed(e);
        }
    }
}
