/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.memory;

/** A model that this machine, or this Java process, has too little memory for. */
public class InsufficientMemoryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Describes what is missing.
     *
     * @param message what · expected · got · what to do
     */
    public InsufficientMemoryException(String message) {
        super(message);
    }

    /**
     * Describes what was missing when it was asked for.
     *
     * @param message what · expected · got · what to do
     * @param cause   the failure to allocate
     */
    public InsufficientMemoryException(String message, Throwable cause) {
        super(message, cause);
    }
}
