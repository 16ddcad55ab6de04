/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.internal.kernel.Parallel;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Where the time of one thread's calls goes, from {@link #start} to {@link #close}: into loops that threads share, by kind of work,
 * and into what one thread does alone, which no number of cores makes faster.
 *
 * <p>One at a time in a process. What other threads compute meanwhile is not counted.
 */
public final class ComputeProfile implements AutoCloseable {
    /** The kind of what comes after the last loop. */
    public static final String REST = "rest";

    private final Thread thread = Thread.currentThread();
    private final Map<String, Work> byKind = new LinkedHashMap<>();
    private final long start = System.nanoTime();
    private long idleSince = start;
    private boolean inside;

    /**
     * Work of one kind.
     *
     * @param kind         the class that does it, such as {@code LayerNorm}
     * @param loops        loops that threads shared
     * @param sharedNanos  time that these took
     * @param singles      the same for a single row or piece, which one thread did
     * @param aloneNanos   time that one thread took for these, and since the loop before for what prepares a loop
     */
    public record Work(String kind, int loops, long sharedNanos, int singles, long aloneNanos) {
        private Work plus(Work other) {
            return new Work(
                    kind,
                    loops + other.loops,
                    sharedNanos + other.sharedNanos,
                    singles + other.singles,
                    aloneNanos + other.aloneNanos);
        }
    }

    private ComputeProfile() {}

    /**
     * Begins to measure calls of this thread.
     *
     * @return to be closed
     */
    public static ComputeProfile start() {
        ComputeProfile profile = new ComputeProfile();
        Parallel.listen(profile::loop);
        return profile;
    }

    private void loop(int n, Object body, Runnable loop) {
        if (inside || Thread.currentThread() != thread) {
            loop.run(); // a part of a loop that is counted
            return;
        }
        long begin = System.nanoTime();
        inside = true;
        try {
            loop.run();
        } finally {
            inside = false;
            long end = System.nanoTime();
            String kind = kind(body);
            boolean shared = n > 1 && Parallel.threads() > 1;
            add(new Work(
                    kind,
                    shared ? 1 : 0,
                    shared ? end - begin : 0,
                    shared ? 0 : 1,
                    (shared ? begin : end) - idleSince));
            idleSince = end;
        }
    }

    private void add(Work work) {
        byKind.merge(work.kind, work, Work::plus);
    }

    /** The class in whose source the loop stands: a lambda's own is named after it. */
    private static String kind(Object body) {
        String name = body.getClass().getName();
        int lambda = name.indexOf("$$Lambda");
        String host = lambda < 0 ? name : name.substring(0, lambda);
        return host.substring(host.lastIndexOf('.') + 1);
    }

    /** {@return nanoseconds since the start} */
    public long nanos() {
        return System.nanoTime() - start;
    }

    /** {@return what was measured so far, what took longest first; the time since the last loop is of the kind {@link #REST}} */
    public List<Work> work() {
        long now = System.nanoTime();
        add(new Work(REST, 0, 0, 0, now - idleSince));
        idleSince = now;
        return byKind.values().stream()
                .sorted(Comparator.comparingLong(work -> -work.sharedNanos - work.aloneNanos))
                .toList();
    }

    @Override
    public void close() {
        Parallel.listen(null);
    }
}
