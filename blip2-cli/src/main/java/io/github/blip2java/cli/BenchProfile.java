/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import com.sun.management.ThreadMXBean;
import io.github.blip2java.ComputeProfile;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Where the time of a stage goes.
 *
 * @param millis       of the whole stage
 * @param aloneMillis  of these, on one thread
 * @param loops        loops that threads shared
 * @param allocatedMib memory that all threads took from Java's heap
 * @param work         by kind, what took longest first
 */
record BenchProfile(double millis, double aloneMillis, int loops, double allocatedMib, List<Work> work) {
    private static final double NANOS_PER_MILLI = 1e6;
    private static final double BYTES_PER_MIB = 1 << 20;

    /** Work of one kind, in milliseconds. */
    record Work(String kind, double loops, double sharedMillis, double singles, double aloneMillis) {}

    /** Measures a stage. */
    static BenchProfile of(Runnable stage) {
        long before = allocated();
        try (ComputeProfile profile = ComputeProfile.start()) {
            stage.run();
            List<Work> work = profile.work().stream()
                    .map(each -> new Work(
                            each.kind(),
                            each.loops(),
                            each.sharedNanos() / NANOS_PER_MILLI,
                            each.singles(),
                            each.aloneNanos() / NANOS_PER_MILLI))
                    .toList();
            return of(profile.nanos() / NANOS_PER_MILLI, (allocated() - before) / BYTES_PER_MIB, work);
        }
    }

    private static BenchProfile of(double millis, double allocatedMib, List<Work> work) {
        double alone = work.stream().mapToDouble(Work::aloneMillis).sum();
        int loops = (int) Math.round(work.stream().mapToDouble(Work::loops).sum());
        return new BenchProfile(millis, alone, loops, allocatedMib, work);
    }

    private static long allocated() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        return Arrays.stream(threads.getThreadAllocatedBytes(threads.getAllThreadIds()))
                .filter(bytes -> bytes > 0)
                .sum();
    }

    /** What is left of this one without another, shared out among so many steps. */
    BenchProfile without(BenchProfile other, int steps) {
        Map<String, Work> left = new LinkedHashMap<>();
        work.forEach(each -> left.put(each.kind, each));
        other.work.forEach(each -> left.computeIfPresent(each.kind, (kind, all) -> minus(all, each)));
        List<Work> each = left.values().stream()
                .filter(all -> all.loops + all.singles > 0 || all.kind.equals(ComputeProfile.REST))
                .map(all -> divided(all, steps))
                .sorted(Comparator.comparingDouble(all -> -all.sharedMillis - all.aloneMillis))
                .toList();
        return of((millis - other.millis) / steps, (allocatedMib - other.allocatedMib) / steps, each);
    }

    private static Work minus(Work a, Work b) {
        return new Work(
                a.kind,
                a.loops - b.loops,
                a.sharedMillis - b.sharedMillis,
                a.singles - b.singles,
                a.aloneMillis - b.aloneMillis);
    }

    private static Work divided(Work work, int by) {
        return new Work(work.kind, work.loops / by, work.sharedMillis / by, work.singles / by, work.aloneMillis / by);
    }

    /** A line for the stage and one for each kind of work. */
    String text() {
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                "%.1f ms, %.2f on one thread; %d shared loops; %.1f MiB allocated%n",
                millis,
                aloneMillis,
                loops,
                allocatedMib));
        for (Work each : work) {
            text.append(String.format(
                    Locale.ROOT,
                    "  %-28s %6.0f loops %9.2f ms, %6.0f alone %8.3f ms%n",
                    each.kind,
                    each.loops,
                    each.sharedMillis,
                    each.singles,
                    each.aloneMillis));
        }
        return text.toString().stripTrailing();
    }
}
