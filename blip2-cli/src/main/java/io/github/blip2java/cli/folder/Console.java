/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli.folder;

/** Whoever runs the program and waits. */
public interface Console {
    /**
     * Tells of something wrong, in a line that stays.
     *
     * @param problem what
     */
    void error(Throwable problem);

    /**
     * Tells something else in a line that stays.
     *
     * @param message what
     */
    void note(String message);

    /**
     * Shows how far the work is, in a line that the next takes the place of.
     *
     * @param status how far
     */
    void show(String status);
}
