/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.matrix;

/** Working memory that each thread keeps and reuses. What is in it is valid until the same thread asks again. */
final class Scratch {
    private static final ThreadLocal<Scratch> OWN = ThreadLocal.withInitial(Scratch::new);

    private byte[] bytes = new byte[0];
    private short[] shorts = new short[0];
    private float[] floats = new float[0];

    private Scratch() {}

    static byte[] bytes(int n) {
        Scratch own = OWN.get();
        if (own.bytes.length < n) {
            own.bytes = new byte[n];
        }
        return own.bytes;
    }

    static short[] shorts(int n) {
        Scratch own = OWN.get();
        if (own.shorts.length < n) {
            own.shorts = new short[n];
        }
        return own.shorts;
    }

    static float[] floats(int n) {
        Scratch own = OWN.get();
        if (own.floats.length < n) {
            own.floats = new float[n];
        }
        return own.floats;
    }
}
