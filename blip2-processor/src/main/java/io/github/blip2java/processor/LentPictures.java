/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

import java.lang.ref.WeakReference;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * Large pictures that callers may still hold. Nobody tells when they are done with one, so the collector is asked: as for direct
 * buffers, whose memory it does not count either.
 */
final class LentPictures {
    /** Smaller ones do not fill a heap. */
    private static final int LARGE = 1 << 20;

    private static final long LONGEST_PAUSE_MILLIS = 200;

    private final long patienceNanos;
    private final Map<WeakReference<Image>, Integer> lent = new ConcurrentHashMap<>();
    /** One at a time waits and collects, in the order they came. */
    private final ReentrantLock waiting = new ReentrantLock(true);

    private volatile long lastReturn = System.nanoTime();
    /** Whether somebody has waited in vain, and nothing was returned since: a program may keep its pictures for good. */
    private volatile boolean hopeless;

    /**
     * Holds nothing yet.
     *
     * @param patienceMillis how long to wait for the next picture to be returned
     */
    LentPictures(long patienceMillis) {
        patienceNanos = patienceMillis * 1_000_000;
    }

    void lend(Image image) {
        if (image.sharedRgb().length >= LARGE) {
            lent.put(new WeakReference<>(image), image.sharedRgb().length);
        }
    }

    /** Bytes of pictures that the collector has not found to be returned. */
    long bytes() {
        if (lent.keySet().removeIf(image -> image.refersTo(null))) {
            lastReturn = System.nanoTime();
            hopeless = false;
        }
        return lent.values().stream().mapToLong(Integer::longValue).sum();
    }

    /**
     * Waits for callers to be done with pictures, as long as one now and then is.
     *
     * @param enough whether enough memory is free
     * @return whether it is; if not, no more is to be expected soon
     * @throws CancellationException if this thread is interrupted; it stays marked as interrupted
     */
    boolean await(BooleanSupplier enough) {
        try {
            waiting.lockInterruptibly();
            try {
                long start = System.nanoTime();
                for (long pause = 1; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MILLIS)) {
                    System.gc();
                    if (bytes() == 0 || enough.getAsBoolean()) {
                        return enough.getAsBoolean();
                    }
                    long quiet = Math.min(System.nanoTime() - start, System.nanoTime() - lastReturn);
                    hopeless |= quiet > patienceNanos;
                    if (hopeless) {
                        return false;
                    }
                    Thread.sleep(pause);
                }
            } finally {
                waiting.unlock();
            }
        } catch (InterruptedException e) {
            throw PictureAdmission.interrupted();
        }
    }
}
