/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import java.io.IOException;

/** A model that could not be had from the Hub or its cache; the message says why and what to do, in one line. */
public final class HubException extends IOException {
    private static final long serialVersionUID = 1;

    /** What went wrong, for programs. */
    public enum Reason {
        /** Nothing of that name is in the cache, or not all of it, and downloading was not allowed. */
        NOT_CACHED,
        /** {@code HF_HUB_OFFLINE} is set, and the cache has not all that is needed. */
        OFFLINE,
        /** Whoever was asked did not want the download. */
        DECLINED,
        /** There is no such repository, or it is private and the token does not open it. */
        NO_SUCH_REPOSITORY,
        /** The repository has no such branch, tag or commit. */
        NO_SUCH_REVISION,
        /** The repository's conditions have to be accepted first. */
        GATED,
        /** The token is refused, or is none. */
        BAD_TOKEN,
        /** The repository has no weights that can be read, or is no BLIP-2. */
        UNSUITABLE,
        /** The endpoint could not be reached. */
        UNREACHABLE,
        /** The endpoint answered with an error, too often, or with something else than the Hub does. */
        BAD_ANSWER,
        /** What came is not what the Hub says the file holds; it was not kept. */
        HASH_MISMATCH,
        /** The disk is full, or would be. */
        DISK_FULL,
        /** The cache's folder may not be written to. */
        CACHE_NOT_WRITABLE
    }

    /** What went wrong. */
    private final Reason reason;

    HubException(Reason reason, String message) {
        this(reason, message, null);
    }

    HubException(Reason reason, String message, Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    /** {@return what kind of error it is} */
    public Reason reason() {
        return reason;
    }
}
