/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import java.io.IOException;

/** A picture that is refused, with a message that lacks nothing but the file's name. */
final class PictureException extends IOException {
    private static final long serialVersionUID = 1;

    PictureException(String message) {
        super(message);
    }
}
