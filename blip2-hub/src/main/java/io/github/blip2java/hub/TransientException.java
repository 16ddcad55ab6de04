/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import java.io.IOException;
import java.time.Duration;

/** An error that may be gone at the next try. */
final class TransientException extends IOException {
    private static final long serialVersionUID = 1;

    /** How long the server asks to wait; null if it does not. */
    private final transient Duration retryAfter;

    private final HubException.Reason reason;

    TransientException(HubException.Reason reason, String message, Duration retryAfter, Throwable cause) {
        super(message, cause);
        this.reason = reason;
        this.retryAfter = retryAfter;
    }

    Duration retryAfter() {
        return retryAfter;
    }

    boolean isUnreachable() {
        return reason == HubException.Reason.UNREACHABLE;
    }

    /** The error that it is when there is no next try. */
    HubException lasting(String advice) {
        return new HubException(reason, getMessage() + "; " + advice, getCause());
    }
}
