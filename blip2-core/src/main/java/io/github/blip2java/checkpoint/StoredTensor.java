/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ShortBuffer;
import java.util.Arrays;

/** A tensor in a checkpoint: where it is, and ways to its bytes. */
public final class StoredTensor {
    /** Elements read at a time. */
    private static final int CHUNK_ELEMENTS = 1 << 14;

    private static final int COMPARED_BYTES = 1 << 18;

    private final SafetensorsFile file;
    private final TensorInfo info;
    private final WeightMemory memory;

    StoredTensor(SafetensorsFile file, TensorInfo info, WeightMemory memory) {
        this.file = file;
        this.info = info;
        this.memory = memory;
    }

    /** The same bytes under another name. */
    StoredTensor renamed(String name) {
        return new StoredTensor(
                file, new TensorInfo(name, info.dtype(), info.shape(), info.begin(), info.end()), memory);
    }

    /**
     * Compares types, shapes and bytes, up to the first difference.
     *
     * @param parts how many parts of 256 KiB to look at, evenly spread, where there are more
     */
    boolean isEqualTo(StoredTensor other, long parts) {
        if (info.dtype() != other.info.dtype() || !Arrays.equals(info.shape(), other.info.shape())) {
            return false;
        }
        ByteBuffer mine = ByteBuffer.allocate((int) Math.min(COMPARED_BYTES, info.bytes()));
        ByteBuffer theirs = ByteBuffer.allocate(mine.capacity());
        long step = COMPARED_BYTES * Math.max(1, info.bytes() / COMPARED_BYTES / parts);
        for (long from = 0; from < info.bytes(); from += step) {
            int count = (int) Math.min(COMPARED_BYTES, info.bytes() - from);
            read(from, mine.clear().limit(count));
            other.read(from, theirs.clear().limit(count));
            if (!mine.flip().equals(theirs.flip())) {
                return false;
            }
        }
        return true;
    }

    /**
     * Gives the tensor's entry in its file.
     *
     * @return name (that which it goes by in its checkpoint, where the file has it under another of its tied names), type, shape and offsets
     */
    public TensorInfo info() {
        return info;
    }

    /**
     * Gives the element type.
     *
     * @return the type as stored
     */
    public DType dtype() {
        return info.dtype();
    }

    /**
     * Gives the file.
     *
     * @return the file that holds the tensor
     */
    public SafetensorsFile file() {
        return file;
    }

    /**
     * Maps the tensor into memory, for as long as the memory of its checkpoint lives.
     *
     * @return its bytes, read-only and little-endian; to be read between {@link WeightMemory#enter} and {@link WeightMemory#leave}
     * @throws IllegalStateException if the checkpoint was closed
     */
    public ByteBuffer map() {
        return file.map(info, memory);
    }

    /**
     * The memory that matrices made of this tensor lie in.
     *
     * @return that of its checkpoint
     */
    public WeightMemory memory() {
        return memory;
    }

    /**
     * Reads a part of the tensor without mapping it.
     *
     * @param offset first byte wanted
     * @param target receives bytes until it is full
     * @throws IllegalStateException if the checkpoint was closed
     */
    public void read(long offset, ByteBuffer target) {
        file.read(info, offset, target);
    }

    /**
     * Copies the tensor to the heap; meant for small ones.
     *
     * @return its elements, widened to float32 if they are F16 or BF16
     * @throws UnsupportedModelException if it holds no floats
     * @throws IllegalStateException if the checkpoint was closed
     */
    public float[] toFloats() {
        if (!info.dtype().isWeight()) {
            throw new UnsupportedModelException(file.path().getFileName() + ": tensor \"" + info.name()
                    + "\": expected F32, F16 or BF16, got " + info.dtype());
        }
        float[] floats = new float[Math.toIntExact(info.elements())];
        int width = dtype().bytes();
        ByteBuffer chunk = ByteBuffer.allocate(Math.min(CHUNK_ELEMENTS, Math.max(1, floats.length)) * width)
                .order(ByteOrder.LITTLE_ENDIAN);
        for (int from = 0; from < floats.length; from += CHUNK_ELEMENTS) {
            int count = Math.min(CHUNK_ELEMENTS, floats.length - from);
            chunk.clear().limit(count * width);
            read((long) from * width, chunk);
            widen(chunk.flip(), dtype(), floats, from, count);
        }
        return floats;
    }

    /**
     * Reads elements, widened to float32.
     *
     * @param bytes little-endian; read from its position on, which moves
     * @param dtype F32, F16 or BF16
     * @param to    receives them
     * @param from  where they go in {@code to}
     * @param count number of elements
     */
    public static void widen(ByteBuffer bytes, DType dtype, float[] to, int from, int count) {
        int end = bytes.position() + count * dtype.bytes();
        switch (dtype) {
            case F16 -> {
                ShortBuffer halves = bytes.asShortBuffer();
                for (int i = 0; i < count; i++) {
                    to[from + i] = halfToFloat(halves.get(i));
                }
            }
            case BF16 -> {
                ShortBuffer values = bytes.asShortBuffer();
                for (int i = 0; i < count; i++) {
                    to[from + i] = Float.intBitsToFloat(values.get(i) << 16);
                }
            }
            default -> bytes.asFloatBuffer().get(to, from, count);
        }
        bytes.position(end);
    }

    /**
     * Widens an IEEE half, subnormals, infinities and NaN included.
     *
     * @param half its 16 bits
     * @return the same number as a float
     */
    public static float halfToFloat(short half) {
        int sign = (half & 0x8000) << 16;
        int rest = half & 0x7fff;
        if (rest >= 0x7c00) {
            return Float.intBitsToFloat(sign | 0x7f800000 | (rest & 0x3ff) << 13);
        }
        // Scaling by 2^112 moves the exponent's bias from 15 to 127 and makes subnormals right as well.
        float magnitude = Float.intBitsToFloat(rest << 13) * 0x1p112f;
        return Float.intBitsToFloat(sign | Float.floatToRawIntBits(magnitude));
    }
}
