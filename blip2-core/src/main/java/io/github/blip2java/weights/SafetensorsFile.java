/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.weights;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.concurrent.CancellationException;

/**
 * An open safetensors file. Safe for many threads.
 *
 * <p>Each tensor is mapped on its own, so files of any size can be read; nothing is copied to the heap.
 */
public final class SafetensorsFile implements AutoCloseable {
    private final Path path;
    private final FileChannel channel;
    private final SafetensorsHeader header;

    private SafetensorsFile(Path path, FileChannel channel, SafetensorsHeader header) {
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
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
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

    /**
     * Maps a tensor into memory, until nothing refers to it any more and the garbage collector finds that.
     *
     * @param name one of the names in {@link #tensors()}
     * @return its bytes, read-only and little-endian; valid even after this file is closed
     * @throws IllegalArgumentException if there is no such tensor
     * @throws IllegalStateException if the file was closed
     * @throws UnsupportedModelException if the tensor is larger than 2 GiB
     */
    public ByteBuffer map(String name) {
        return map(
                name,
                (file, from, bytes) ->
                        file.map(FileChannel.MapMode.READ_ONLY, from, bytes).order(ByteOrder.LITTLE_ENDIAN));
    }

    /** Maps a tensor until the given memory is closed. */
    ByteBuffer map(String name, WeightMemory memory) {
        return map(name, memory::map);
    }

    /** Maps a part of a file. */
    @FunctionalInterface
    private interface Mapper {
        ByteBuffer map(FileChannel file, long from, long bytes) throws IOException;
    }

    private ByteBuffer map(String name, Mapper mapper) {
        TensorInfo info = info(name);
        if (info.bytes() > Integer.MAX_VALUE) {
            throw new UnsupportedModelException(path.getFileName() + ": tensor \"" + name + "\": expected at most "
                    + Integer.MAX_VALUE + " bytes, got " + info.bytes() + "; store it with 16 bits");
        }
        try {
            return mapper.map(channel, info.begin(), info.bytes());
        } catch (ClosedByInterruptException e) {
            throw interrupted();
        } catch (ClosedChannelException e) {
            throw closed(e);
        } catch (IOException e) {
            throw new UncheckedIOException(path + ": cannot map tensor \"" + name + "\": " + e.getMessage(), e);
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
        TensorInfo info = info(name);
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
