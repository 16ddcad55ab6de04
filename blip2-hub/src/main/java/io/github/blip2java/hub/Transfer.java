/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/** Counts the bytes of a download, and tells a listener. Safe for several threads. */
final class Transfer {
    private static final long INTERVAL = Duration.ofMillis(200).toNanos();
    private static final long WINDOW = Duration.ofSeconds(10).toNanos();

    private record Sample(long time, long received) {}

    private final RepositoryId id;
    private final long total;
    private final DownloadListener listener;
    private final Deque<Sample> samples = new ArrayDeque<>();
    private long bytes;
    private long received;
    private long reported;

    Transfer(RepositoryId id, long total, DownloadListener listener) {
        this.id = id;
        this.total = total;
        this.listener = listener;
        samples.add(new Sample(System.nanoTime(), 0));
    }

    /** Bytes that were there already; negative for some that turned out to be of no use. */
    synchronized void found(long count) {
        bytes += count;
    }

    /** Bytes that came now. */
    synchronized void received(long count) {
        bytes += count;
        received += count;
        long now = System.nanoTime();
        if (now - reported >= INTERVAL) {
            report(now);
        }
    }

    /** Tells the listener now. */
    synchronized void report() {
        report(System.nanoTime());
    }

    private void report(long now) {
        reported = now;
        while (samples.size() > 1 && now - samples.peekFirst().time() > WINDOW) {
            samples.removeFirst();
        }
        Sample first = samples.peekFirst();
        samples.addLast(new Sample(now, received));
        double seconds = (now - first.time()) / 1e9;
        double rate = seconds > 0 ? (received - first.received()) / seconds : 0;
        Optional<Duration> left =
                rate > 0 ? Optional.of(Duration.ofSeconds(Math.round((total - bytes) / rate))) : Optional.empty();
        listener.progress(new DownloadProgress(id, bytes, total, rate, left));
    }
}
