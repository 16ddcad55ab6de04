/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli.folder;

import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** How fast pictures are done, and how long the others take. */
final class Rate {
    private final long start = System.nanoTime();

    /** {@return for a person, such as {@code 52 pictures a minute}} */
    String of(long pictures) {
        double minutes = seconds() / 60;
        double rate = minutes == 0 ? 0 : pictures / minutes;
        return String.format(Locale.ROOT, rate < 10 ? "%.1f pictures a minute" : "%.0f pictures a minute", rate);
    }

    /** {@return the time so far, such as {@code 1:05:09} or {@code 0:12}} */
    String elapsed() {
        return clock(seconds());
    }

    /** {@return the time that some more take} */
    String left(long done, long more) {
        return clock(done == 0 ? 0 : seconds() / done * more);
    }

    private double seconds() {
        return (double) (System.nanoTime() - start) / TimeUnit.SECONDS.toNanos(1);
    }

    static String clock(double seconds) {
        long whole = Math.round(seconds);
        return whole < 3600
                ? String.format(Locale.ROOT, "%d:%02d", whole / 60, whole % 60)
                : String.format(Locale.ROOT, "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
    }
}
