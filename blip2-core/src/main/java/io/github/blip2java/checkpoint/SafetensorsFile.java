/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An open safetensors file. Safe for many threads.
 *
 * <p>Each tensor is mapped on its own, so files of any size can be read; nothing is copied to the heap.
 */
public final class SafetensorsFile implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SafetensorsFile.class);

    private final Path path;
    private final FileChannel channel;
    private final SafetensorsHeader header;
    private final Object key;
    private final long length;
    private final AtomicBoolean unmappable = new AtomicBoolean();

    private SafetensorsFile(Path path, FileChannel channel, SafetensorsHeader header) throws IOException {
        this.length = channel.size();
        this.key = Files.readAttributes(path, BasicFileAttributes.class).fileKey();
        this.path = path;
        this.channel = channel;
        this.header = header;
    }

    /**
     * Opens a file and checks its header.
     *
     * @param path a {@code .safetensors} file
     * @return the open file
     * @throws IOException if it is missing or unreadable
     * @throws MalformedCheckpointException if its header is wrong
     */
    public static SafetensorsFile open(Path path) throws IOException {
        FileChannel channel;
        try {
            channel = FileChannel.open(path, StandardOpenOption.READ);
        } catch (IOException e) {
            throw Unreadable.explain(e, path, "expected a safetensors file, found nothing there; download it again");
        }
        return of(path, channel);
    }

    /** Takes an open file over. */
    static SafetensorsFile of(Path path, FileChannel channel) throws IOException {
        try {
            return new SafetensorsFile(path, channel, SafetensorsHeader.read(path, channel));
        } catch (Throwable e) {
            Failures.close(e, channel);
            throw e;
        }
    }

    /**
     * Gives the path.
     *
     * @return where the file is
     */
    public Path path() {
        return path;
    }

    /**
     * Gives the tensors.
     *
     * @return entries by name
     */
    public Map<String, TensorInfo> tensors() {
        return header.tensors();
    }

    /** The free-form texts of the header, possibly none. */
    Map<String, String> metadata() {
        return header.metadata();
    }

    /**
     * Maps a tensor into memory, until nothing refers to it any more and the garbage collector finds that. Where the file system
     * cannot map, the bytes are a copy.
     *
     * @param name one of the names in {@link #tensors()}
     * @return its bytes, read-only and little-endian; valid even after this file is closed
     * @throws IllegalArgumentException if there is no such tensor
     * @throws IllegalStateException if the file was closed
     * @throws UnsupportedModelException if the tensor is larger than 2 GiB
     */
    public ByteBuffer map(String name) {
        return map(
                info(name),
                (file, from, bytes) ->
                        file.map(FileChannel.MapMode.READ_ONLY, from, bytes).order(ByteOrder.LITTLE_ENDIAN),
                bytes -> ByteBuffer.allocate(Math.toIntExact(bytes)));
    }

    /** Maps one of this file's tensors, under any name, until the given memory is closed. */
    ByteBuffer map(TensorInfo info, WeightMemory memory) {
        return map(info, memory::map, memory::allocate);
    }

    /** Maps a part of a file. */
    @FunctionalInterface
    private interface Mapper {
        ByteBuffer map(FileChannel file, long from, long bytes) throws IOException;
    }

    private ByteBuffer map(TensorInfo info, Mapper mapper, LongFunction<ByteBuffer> memory) {
        if (info.bytes() > Integer.MAX_VALUE) {
            throw new UnsupportedModelException(path.getFileName() + ": tensor \"" + info.name()
                    + "\": expected at most " + Integer.MAX_VALUE + " bytes, got " + info.bytes()
                    + "; store it with 16 bits");
        }
        try {
            return mapper.map(channel, info.begin(), info.bytes());
        } catch (ClosedByInterruptException e) {
            throw interrupted();
        } catch (ClosedChannelException e) {
            throw closed(e);
        } catch (IOException | UnsupportedOperationException e) {
            if (!unmappable.getAndSet(true)) {
                LOG.warn(
                        "{}: cannot be mapped into memory ({}), so that a copy of it is kept there",
                        path,
                        e.toString());
            }
            ByteBuffer copy = memory.apply(info.bytes());
            read(info, 0, copy.duplicate());
            return copy.asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
        }
    }

    /**
     * Reads a part of a tensor without mapping it.
     *
     * @param name   one of the names in {@link #tensors()}
     * @param offset first byte wanted, from the tensor's start
     * @param target receives bytes until it is full
     * @throws IllegalArgumentException if there is no such tensor, or it ends before the target is full
     * @throws IllegalStateException if the file was closed
     */
    public void read(String name, long offset, ByteBuffer target) {
        read(info(name), offset, target);
    }

    /** Reads a part of one of this file's tensors, under any name. */
    void read(TensorInfo info, long offset, ByteBuffer target) {
        String name = info.name();
        if (offset < 0 || offset + target.remaining() > info.bytes()) {
            throw new IllegalArgumentException(name + ": expected a range within " + info.bytes() + " bytes, got "
                    + offset + " to " + (offset + target.remaining()));
        }
        long position = info.begin() + offset;
        try {
            while (target.hasRemaining()) {
                int count = channel.read(target, position);
                if (count < 0) {
                    throw new MalformedCheckpointException(
                            path,
                            name,
                            position,
                            path.getFileName() + ": it became shorter while it was read; load it again");
                }
                position += count;
            }
        } catch (ClosedByInterruptException e) {
            throw interrupted();
        } catch (ClosedChannelException e) {
            throw closed(e);
        } catch (IOException e) {
            throw new UncheckedIOException(path + ": cannot read tensor \"" + name + "\": " + e.getMessage(), e);
        }
    }

    /** Not by the channel, which closes when it is asked by an interrupted thread. */
    void checkLength() {
        long now;
        try {
            BasicFileAttributes file = Files.readAttributes(path, BasicFileAttributes.class);
            now = key != null && key.equals(file.fileKey()) ? file.size() : length;
        } catch (IOException | RuntimeException e) {
            return; // what was deleted is still there for who has it open
        }
        if (now < length) {
            throw new MalformedCheckpointException(
                    path,
                    path + ": expected the " + length + " bytes that it had when it was loaded, got " + now
                            + "; put the file back and load the model again, and replace files of models in use by moving"
                            + " others to their place, not by writing over them");
        }
    }

    private TensorInfo info(String name) {
        TensorInfo info = header.tensors().get(name);
        if (info == null) {
            throw new IllegalArgumentException(
                    path.getFileName() + ": expected one of its tensors, got \"" + name + '"');
        }
        return info;
    }

    private CancellationException interrupted() {
        return new CancellationException(path.getFileName()
                + ": the thread that reads it was interrupted, which closed the file; load it again");
    }

    private IllegalStateException closed(Exception cause) {
        return new IllegalStateException(
                path.getFileName() + ": expected an open file, got one that was closed", cause);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
