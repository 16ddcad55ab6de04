/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import io.github.blip2java.hub.HubException.Reason;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Locale;

/**
 * Loads one file into the cache's blobs: into a partial file beside them, which a later run goes on with, and which is moved into
 * place when size and hash are right.
 */
final class FileDownload {
    private static final int CHUNK = 1 << 18;

    private final HubClient client;
    private final CachedRepository repository;
    private final String commit;
    private final RepositoryFile file;
    private final Transfer transfer;
    private final byte[] chunk = new byte[CHUNK];
    private MessageDigest digest;
    private long position;
    private volatile boolean cancelled;
    private volatile Content open;

    FileDownload(HubClient client, CachedRepository repository, String commit, RepositoryFile file, Transfer transfer) {
        this.client = client;
        this.repository = repository;
        this.commit = commit;
        this.file = file;
        this.transfer = transfer;
    }

    /**
     * Loads the file, unless it is there.
     *
     * @return whether this call made the blob
     */
    boolean run() throws IOException, InterruptedException {
        try (FileLocks.Held lock = FileLocks.acquire(repository.lock(file))) {
            if (repository.has(commit, file)) {
                transfer.found(file.size());
                return false;
            }
            Path partial = repository.partial(file);
            Files.createDirectories(partial.getParent());
            boolean resumed = fetch(partial);
            if (!isRight() && resumed) {
                // What an earlier run left may be what is wrong, as after a power cut.
                discard(partial);
                fetch(partial);
            }
            if (!isRight()) {
                discard(partial);
                throw new HubException(
                        Reason.HASH_MISMATCH,
                        file.path() + ": expected " + hash(file.etag()) + ", got content with " + hash(hex(digest))
                                + "; it was not kept; run it again, and if it stays so, check proxies and HF_ENDPOINT");
            }
            AtomicFiles.move(partial, repository.blob(file));
            return true;
        }
    }

    /** Ends it from another thread: the JDK's streams of answers do not heed interrupts. */
    void cancel() throws IOException {
        cancelled = true;
        Content content = open;
        if (content != null) {
            content.close();
        }
    }

    private void discard(Path partial) throws IOException {
        Files.deleteIfExists(partial);
        transfer.found(-position);
    }

    private String hash(String value) {
        return (file.sha256() != null ? "SHA-256 " : "Git hash ") + value;
    }

    private static String hex(MessageDigest digest) {
        try {
            return HexFormat.of().formatHex(((MessageDigest) digest.clone()).digest());
        } catch (CloneNotSupportedException e) {
            throw new IllegalStateException("the JDK's digests can be cloned", e);
        }
    }

    private boolean isRight() {
        return !file.hasHash() || hex(digest).equals(file.etag());
    }

    /** Brings the partial file to its full size; returns whether it began with bytes of an earlier run. */
    private boolean fetch(Path partial) throws IOException {
        try (FileChannel channel = FileChannel.open(
                partial, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            readBack(channel);
            boolean resumed = position > 0;
            Backoff backoff = client.backoff();
            while (position < file.size()) {
                backoff.run(() -> pull(channel, backoff));
            }
            try {
                channel.force(true);
            } catch (IOException e) {
                throw disk(e);
            }
            return resumed;
        }
    }

    /** Feeds what is there to the hash. */
    private void readBack(FileChannel channel) throws IOException {
        digest = file.digest();
        position = 0;
        if (channel.size() > file.size()) {
            channel.truncate(0);
        }
        long size = channel.size();
        while (position < size) {
            int count =
                    channel.read(ByteBuffer.wrap(chunk, 0, (int) Math.min(chunk.length, size - position)), position);
            if (count < 0) {
                break;
            }
            digest.update(chunk, 0, count);
            position += count;
        }
        transfer.found(position);
    }

    /** One answer of the server, as far as it goes. */
    private Void pull(FileChannel channel, Backoff backoff) throws IOException, InterruptedException {
        try (Content content = client.open(commit, file, position)) {
            open = content;
            if (content.start() != position) {
                transfer.found(-position);
                digest = file.digest();
                position = 0;
            }
            while (position < file.size()) {
                int count = read(content);
                digest.update(chunk, 0, count);
                write(channel, count);
                position += count;
                transfer.received(count);
                backoff.reset();
            }
            return null;
        }
    }

    private int read(Content content) throws IOException {
        int wanted = (int) Math.min(chunk.length, file.size() - position);
        String got;
        IOException cause = null;
        try {
            if (cancelled) {
                throw Backoff.interrupted();
            }
            int count = content.read(chunk, 0, wanted);
            if (count > 0) {
                return count;
            }
            got = "its end";
        } catch (IOException e) {
            if (cancelled) {
                throw Backoff.interrupted();
            }
            got = '"' + Http.reason(e) + '"';
            cause = e;
        }
        throw new TransientException(
                Reason.UNREACHABLE,
                file.path() + ": expected " + file.size() + " bytes, got " + position + " and then " + got,
                null,
                cause);
    }

    private void write(FileChannel channel, int count) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(chunk, 0, count);
        try {
            while (buffer.hasRemaining()) {
                channel.write(buffer, position + buffer.position());
            }
        } catch (IOException e) {
            throw disk(e);
        }
    }

    private IOException disk(IOException e) {
        String said = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
        boolean full = said.contains("space") || said.contains("quota");
        return full
                ? new HubException(
                        Reason.DISK_FULL,
                        repository.blob(file).getParent() + ": expected room for " + Bytes.shown(file.size() - position)
                                + " more of " + file.path() + ", got \"" + e.getMessage()
                                + "\"; make room, or set HF_HUB_CACHE to a folder on another disk; what is here is kept",
                        e)
                : e;
    }
}
