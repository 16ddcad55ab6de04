/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.ProgressListener;
import java.io.PrintWriter;
import java.util.Locale;

/** One line on the terminal that says what is going on and is gone afterwards; silent where nobody watches. */
final class Progress implements ProgressListener, AutoCloseable {
    private static final String CLEAR = "\r\033[K";

    private final PrintWriter err;
    private final boolean terminal;

    Progress(PrintWriter err) {
        this.err = err;
        this.terminal = Boolean.getBoolean("blip2.terminal");
    }

    @Override
    public void progress(String task, long done, long total) {
        show(task + " (" + done + "/" + total + ")");
    }

    boolean isTerminal() {
        return terminal;
    }

    /**
     * How fast something goes, and how long it will take: empty before anything can be said.
     *
     * @param nanos since the beginning
     */
    static String pace(long done, long total, long nanos) {
        if (done == 0 || nanos <= 0) {
            return "";
        }
        double rate = done / (nanos / 1e9);
        long left = (long) Math.ceil((total - done) / rate);
        String time = left < 120 ? left + " s" : left < 7200 ? left / 60 + " min" : left / 3600 + " h";
        return String.format(Locale.ROOT, rate < 10 ? ", %.1f a second" : ", %.0f a second", rate)
                + (done < total ? ", " + time + " left" : "");
    }

    void show(String text) {
        if (terminal) {
            err.print(CLEAR + text);
            err.flush();
        }
    }

    /** Shows that a line is expected from whoever sits there. */
    void prompt(String text) {
        if (terminal) {
            err.print(text);
            err.flush();
        }
    }

    /** Takes the line away, so that something else can be printed. */
    void clear() {
        show("");
    }

    @Override
    public void close() {
        clear();
    }
}
