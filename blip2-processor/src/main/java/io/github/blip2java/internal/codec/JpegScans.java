/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Which bits of which coefficients a JPEG's scans have brought so far.
 *
 * <p>Source: ITU-T T.81, annex B.2.3 (scan header) and G.1.1 (progressive scans).
 */
final class JpegScans {

    private static final int COEFFICIENTS = 64;
    private static final int MISSING = 99;

    private final int[] components;
    private final boolean progressive;
    /** For each component and coefficient, the number of low bits that have not come yet. */
    private final int[][] missingBits;

    JpegScans(int[] components, boolean progressive) {
        this.components = components;
        this.progressive = progressive;
        missingBits = new int[components.length][COEFFICIENTS];
        for (int[] bits : missingBits) {
            Arrays.fill(bits, MISSING);
        }
    }

    /** Counts a scan by its header, without marker and length; false when it cannot be one of this picture. */
    boolean add(ByteBuffer header) {
        int count = header.limit() == 0 ? 0 : header.get(0);
        if (count < 1 || count > 4 || header.limit() != 4 + 2 * count) {
            return false;
        }
        int first = progressive ? header.get(1 + 2 * count) & 0xff : 0;
        int last = progressive ? header.get(2 + 2 * count) & 0xff : COEFFICIENTS - 1;
        int low = progressive ? header.get(3 + 2 * count) & 0x0f : 0;
        if (first > last || last >= COEFFICIENTS) {
            return false;
        }
        for (int i = 0; i < count; i++) {
            int component = indexOf(header.get(1 + 2 * i) & 0xff);
            if (component < 0) {
                return false;
            }
            Arrays.fill(missingBits[component], first, last + 1, low);
        }
        return true;
    }

    private int indexOf(int identifier) {
        for (int i = 0; i < components.length; i++) {
            if (components[i] == identifier) {
                return i;
            }
        }
        return -1;
    }

    /** Whether all scans are there, so that nothing that follows can change the picture. */
    boolean complete() {
        return Arrays.stream(missingBits).allMatch(bits -> Arrays.stream(bits).allMatch(missing -> missing == 0));
    }
}
