/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** What a server sends; a read that gets nothing for a while ends, as Java's client itself waits for ever. */
final class Content extends FilterInputStream {
    private static final ScheduledThreadPoolExecutor WATCH = watch();

    private final long start;
    private final ScheduledFuture<?> watch;
    private final Duration stall;
    private volatile long reading;
    private volatile boolean stalled;

    /**
     * @param in    the body
     * @param start which byte of the file it begins with
     * @param stall how long a read may take
     */
    Content(InputStream in, long start, Duration stall) {
        super(in);
        this.start = start;
        this.stall = stall;
        this.watch = WATCH.scheduleWithFixedDelay(this::look, 250, 250, TimeUnit.MILLISECONDS);
    }

    /** Its thread ends when nothing is read. */
    private static ScheduledThreadPoolExecutor watch() {
        ScheduledThreadPoolExecutor executor = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "blip2-hub-watch");
            thread.setDaemon(true);
            return thread;
        });
        executor.setRemoveOnCancelPolicy(true);
        executor.setKeepAliveTime(10, TimeUnit.SECONDS);
        executor.allowCoreThreadTimeOut(true);
        return executor;
    }

    long start() {
        return start;
    }

    private void look() {
        long since = reading;
        if (since != 0 && System.nanoTime() - since > stall.toNanos()) {
            stalled = true;
            watch.cancel(false);
            try {
                in.close();
            } catch (IOException e) {
                // the reader learns of it
            }
        }
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        reading = System.nanoTime() | 1;
        try {
            int count = in.read(bytes, offset, length);
            if (stalled) {
                throw new IOException("closed");
            }
            return count;
        } catch (IOException e) {
            throw stalled ? new IOException("no byte for " + stall.toSeconds() + " s", e) : e;
        } finally {
            reading = 0;
        }
    }

    @Override
    public void close() throws IOException {
        watch.cancel(false);
        in.close();
    }
}
