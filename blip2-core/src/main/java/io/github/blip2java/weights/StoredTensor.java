/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.weights;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;

/** A tensor in a checkpoint: where it is, and ways to its bytes. */
public final class StoredTensor {
    private final SafetensorsFile file;
    private final TensorInfo info;

    StoredTensor(SafetensorsFile file, TensorInfo info) {
        this.file = file;
        this.info = info;
    }

    /**
     * Gives the tensor's entry in its file.
     *
     * @return name, type, shape and offsets
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
     * Maps the tensor into memory.
     *
     * @return its bytes, read-only and little-endian
     * @throws IllegalStateException if the checkpoint was closed
     */
    public ByteBuffer map() {
        return file.map(info.name());
    }

    /**
     * Reads a part of the tensor without mapping it.
     *
     * @param offset first byte wanted
     * @param target receives bytes until it is full
     * @throws IllegalStateException if the checkpoint was closed
     */
    public void read(long offset, ByteBuffer target) {
        file.read(info.name(), offset, target);
    }

    /**
     * Copies the tensor to the heap; meant for small ones.
     *
     * @return its elements, widened to float32 if they are F16 or BF16
     * @throws UnsupportedModelException if it holds no floats
     */
    public float[] toFloats() {
        float[] floats = new float[Math.toIntExact(info.elements())];
        ByteBuffer bytes = map();
        switch (info.dtype()) {
            case F32 -> {
                FloatBuffer values = bytes.asFloatBuffer();
                values.get(floats);
            }
            case F16 -> {
                ShortBuffer values = bytes.asShortBuffer();
                for (int i = 0; i < floats.length; i++) {
                    floats[i] = halfToFloat(values.get(i));
                }
            }
            case BF16 -> {
                ShortBuffer values = bytes.asShortBuffer();
                for (int i = 0; i < floats.length; i++) {
                    floats[i] = Float.intBitsToFloat(values.get(i) << 16);
                }
            }
            default ->
                throw new UnsupportedModelException(file.path().getFileName() + ": tensor \"" + info.name()
                        + "\": expected F32, F16 or BF16, got " + info.dtype());
        }
        return floats;
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
