/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

/** A valid checkpoint that this library cannot run. */
public class UnsupportedModelException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Describes what is not supported.
     *
     * @param message what · supported · got · what to do
     */
    public UnsupportedModelException(String message) {
        super(message);
    }
}
