/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

import java.io.IOException;

/** Somebody else writes the index; it can still be searched, as it was committed last. */
public final class IndexLockedException extends IOException {
    private static final long serialVersionUID = 1;

    IndexLockedException(String message, Throwable cause) {
        super(message, cause);
    }
}
