/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

import java.util.concurrent.CancellationException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * The way into Java's heap for pictures that are decoded: as many at once as fit into half of it, and one that needs more than that
 * alone. The others wait, in the order they came, so that small ones do not keep a large one waiting for ever.
 *
 * <p>The other half is the model's, as its own admission has it.
 */
final class PictureAdmission {
    /** Half of a heap of some terabytes, in KiB, is still an {@code int}. */
    private static final int KIB = 1 << 10;

    /** How long to wait for the next picture that a caller is done with. */
    private static final long PATIENCE_MILLIS = 10_000;

    private static final class OfProcess {
        static final PictureAdmission ONE =
                new PictureAdmission(Runtime.getRuntime().maxMemory());
    }

    private final long heap;
    private final int whole;
    private final Semaphore room;
    private final LentPictures lent = new LentPictures(PATIENCE_MILLIS);

    /**
     * Opens the way.
     *
     * @param heap bytes that Java may use
     */
    PictureAdmission(long heap) {
        this.heap = heap;
        this.whole = (int) Math.max(1, Math.min(Integer.MAX_VALUE, heap / 2 / KIB));
        this.room = new Semaphore(whole, true);
    }

    /** The one of this process, as all its pictures share a heap. */
    static PictureAdmission ofProcess() {
        return OfProcess.ONE;
    }

    /** Bytes that Java may use. */
    long heap() {
        return heap;
    }

    /** Whether a picture that needs so many bytes has to be alone. */
    boolean needsAll(long bytes) {
        return share(bytes) == whole;
    }

    private int share(long bytes) {
        return (int) Math.min(whole, Math.max(1, (bytes + KIB - 1) / KIB));
    }

    /**
     * Waits for room.
     *
     * @param bytes what is needed; all room there is where it is more than that
     * @throws CancellationException if this thread is interrupted; it stays marked as interrupted
     */
    Place enter(long bytes) {
        int share = share(bytes);
        try {
            room.acquire(share);
        } catch (InterruptedException e) {
            throw interrupted();
        }
        return new Place(share);
    }

    /** Room that is held until it is closed. */
    final class Place implements AutoCloseable {
        private int share;

        private Place(int share) {
            this.share = share;
        }

        /** Takes more, if it is there and nobody waits; who waits with a place in hand could wait for ever. */
        boolean grow(long bytes) {
            int more = share(bytes) - share;
            try {
                if (more > 0
                        && !room.tryAcquire(more, 0, TimeUnit.SECONDS)) { // unlike tryAcquire(more) it does not push in
                    return false;
                }
            } catch (InterruptedException e) {
                throw interrupted();
            }
            share += Math.max(0, more);
            return true;
        }

        @Override
        public void close() {
            room.release(share);
        }
    }

    /** Pictures that callers hold. */
    LentPictures lent() {
        return lent;
    }

    /**
     * Waits until pictures that callers hold take no more than a quarter of the heap, or half of the heap is free: with those that are
     * decoded they are to leave a quarter of it to everything else.
     */
    void awaitCallers() {
        if (!callersLeaveRoom()) {
            lent.await(this::callersLeaveRoom);
        }
    }

    private boolean callersLeaveRoom() {
        Runtime java = Runtime.getRuntime();
        return lent.bytes() <= heap / 4 || java.totalMemory() - java.freeMemory() <= heap / 2;
    }

    static CancellationException interrupted() {
        Thread.currentThread().interrupt();
        return new CancellationException(
                "interrupted: the thread that waits for room for a picture was interrupted, so it was" + " given up");
    }
}
