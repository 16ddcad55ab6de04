/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import java.util.Objects;
import java.util.function.Predicate;

/**
 * Whether a model that is not in the cache may be downloaded. There is no default: models have gigabytes, and a library that opens
 * connections by itself is none for servers.
 */
public final class Download {
    /** Only what is there already: no connection is opened. */
    public static final Download NEVER = new Download(null);

    /** Without asking. */
    public static final Download ALWAYS = new Download(plan -> true);

    private final Predicate<DownloadPlan> consent;

    private Download(Predicate<DownloadPlan> consent) {
        this.consent = consent;
    }

    /**
     * Asks first. The Hub is asked for the list of files and their sizes before.
     *
     * @param consent is given what would be downloaded and says whether it may be; called once, by the thread that resolves
     * @return a policy
     */
    public static Download ask(Predicate<DownloadPlan> consent) {
        return new Download(Objects.requireNonNull(consent, "consent"));
    }

    boolean mayConnect() {
        return consent != null;
    }

    boolean mayLoad(DownloadPlan plan) {
        return consent.test(plan);
    }
}
