/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

/** Ends a generation between two tokens, from any thread, for good. What is settled by then is the result. */
public final class Cancellation {
    private volatile boolean cancelled;

    /** Not cancelled yet. */
    public Cancellation() {}

    /** Asks for the end. */
    public void cancel() {
        cancelled = true;
    }

    /** {@return whether the end was asked for} */
    public boolean isCancelled() {
        return cancelled;
    }
}
