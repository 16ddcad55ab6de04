/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps two threads or processes from loading one file at once. That is all that locks are for: a file is right without them too, as
 * it is written by position, checked as a whole and moved into place. So it does no harm that Python locks the same file in another
 * way on most systems ({@code flock}), which Java does not see.
 */
final class FileLocks {
    private static final Logger LOG = LoggerFactory.getLogger(FileLocks.class);
    private static final long LOOK_AGAIN = 100;
    private static final Set<Path> HELD = new HashSet<>();

    /** A lock; closing gives it back. */
    interface Held extends AutoCloseable {
        @Override
        void close() throws IOException;
    }

    private FileLocks() {}

    static Held acquire(Path given) throws IOException, InterruptedException {
        Path file = given.toAbsolutePath().normalize();
        Files.createDirectories(file.getParent());
        synchronized (HELD) {
            while (!HELD.add(file)) {
                HELD.wait();
            }
        }
        boolean locked = false;
        FileChannel channel = null;
        try {
            channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            lock(channel, file);
            locked = true;
            FileChannel open = channel;
            return () -> release(file, open);
        } finally {
            if (!locked) {
                release(file, channel);
            }
        }
    }

    private static void lock(FileChannel channel, Path file) throws InterruptedException {
        boolean told = false;
        while (true) {
            try {
                FileLock lock = channel.tryLock();
                if (lock != null) {
                    return;
                }
            } catch (OverlappingFileLockException e) {
                // another class loader of this process holds it
            } catch (IOException e) {
                LOG.debug("{}: no locks on this file system", file, e);
                return;
            }
            if (!told) {
                LOG.info("{}: another process loads this file; waiting for it", file);
                told = true;
            }
            Thread.sleep(LOOK_AGAIN);
        }
    }

    private static void release(Path file, FileChannel channel) throws IOException {
        try {
            if (channel != null) {
                channel.close();
            }
        } finally {
            synchronized (HELD) {
                HELD.remove(file);
                HELD.notifyAll();
            }
        }
    }
}
