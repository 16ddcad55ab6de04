/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * Follows the Huffman codes of a JPEG's scans without making pixels of them, to tell where the last one ends.
 *
 * <p>Other data behind a file that was cut short can be read as codes as well. So nothing counts that no encoder
 * writes: a code that the table lacks, coefficients behind the last one, beyond all samples or all alike, a scan that
 * does not end in like bits.
 *
 * <p>Source: ITU-T T.81, annex F.2 (sequential scans) and G (progressive scans).
 */
final class JpegCodes {

    private static final int DHT = 0xc4;
    private static final int RST0 = 0xd0;
    private static final int SOS = 0xda;
    private static final int DQT = 0xdb;
    private static final int DRI = 0xdd;
    private static final int BLOCK = 8;
    private static final int LAST = 63;
    private static final int ZEROS_16 = 15;
    private static final int AC_TABLES = 4;

    /** A quarter more than samples of eight bits come to: some encoders go beyond white. */
    private static final int MAX_COEFFICIENT = 1280;

    private static final int MAX_DC_BITS = 11;
    private static final int MAX_AC_BITS = 10;
    /** As many coefficients of a block are never equal and without gaps; zeros behind a file can be read as such. */
    private static final int ALIKE = 32;

    private static final class Component {
        int identifier;
        int across;
        int down;
        int quantiser;
        int blocksWide;
        int blocksHigh;
        int stride;
        /** For each block, which coefficients are not zero. */
        long[] nonZero;

        JpegBits.Table dc;
        JpegBits.Table ac;
        int prediction;
    }

    private final JpegBits.Table[] tables = new JpegBits.Table[2 * AC_TABLES];
    private final int[][] quantisers = new int[4][];
    private Component[] components;
    private boolean progressive;
    private int mcusWide;
    private int mcusHigh;
    private int restartInterval;

    private ByteBuffer part;
    private JpegBits bits;

    private int first;
    private int last;
    private int high;
    private int low;
    /** Blocks, this one included, in which nothing more comes. */
    private int endOfBand;

    private JpegCodes() {}

    /**
     * Follows all scans.
     *
     * @param parts segments, those of scans with what follows them up to the next marker; the last is a scan
     * @return where in the last part its codes end, or -1 where blocks are missing, or are none that an encoder wrote
     */
    static int end(List<ByteBuffer> parts) {
        JpegCodes codes = new JpegCodes();
        try {
            for (ByteBuffer part : parts) {
                codes.read(part);
            }
            return codes.bits.at();
        } catch (JpegBits.NoSuchCodes | IndexOutOfBoundsException e) { // the latter: a segment shorter than its content
            return -1;
        }
    }

    private void read(ByteBuffer segment) throws JpegBits.NoSuchCodes {
        part = segment;
        int marker = unsigned(1);
        switch (marker) {
            case DHT -> readTables();
            case DQT -> readQuantisers();
            case DRI -> restartInterval = part.getShort(4) & 0xffff;
            case SOS -> readScan();
            default -> {
                if (marker >= 0xc0 && marker <= 0xc2) {
                    progressive = marker == 0xc2;
                    readFrame();
                } else if (marker > 0xc2 && marker < RST0) {
                    throw new JpegBits.NoSuchCodes(); // arithmetic, lossless and hierarchical coding
                }
            }
        }
    }

    private int unsigned(int index) {
        return part.get(index) & 0xff;
    }

    private void readTables() throws JpegBits.NoSuchCodes {
        for (int start = 4; start < part.limit(); ) {
            int number = unsigned(start);
            int[] firsts = new int[17];
            int[] counts = new int[17];
            int[] offsets = new int[17];
            int code = 0;
            int total = 0;
            for (int length = 1; length <= 16; length++) {
                firsts[length] = code;
                counts[length] = unsigned(start + length);
                offsets[length] = total;
                total += counts[length];
                code = code + counts[length] << 1;
            }
            if ((number & 0xef) >= AC_TABLES) {
                throw new JpegBits.NoSuchCodes();
            }
            tables[(number >> 4) * AC_TABLES + (number & 15)] =
                    new JpegBits.Table(firsts, counts, offsets, part.slice(start + 17, total));
            start += 17 + total;
        }
    }

    private void readQuantisers() {
        for (int start = 4; start < part.limit(); ) {
            int wide = unsigned(start) >> 4;
            int[] steps = new int[LAST + 1];
            for (int k = 0; k <= LAST; k++) {
                int index = start + 1 + (k << wide);
                steps[k] = wide == 0 ? unsigned(index) : part.getShort(index) & 0xffff;
            }
            quantisers[unsigned(start) & 3] = steps;
            start += 1 + (LAST + 1 << wide);
        }
    }

    private void readFrame() throws JpegBits.NoSuchCodes {
        int height = part.getShort(5) & 0xffff;
        int width = part.getShort(7) & 0xffff;
        components = new Component[unsigned(9)];
        int across = 1;
        int down = 1;
        for (int i = 0; i < components.length; i++) {
            Component component = new Component();
            component.identifier = unsigned(10 + 3 * i);
            component.across = unsigned(11 + 3 * i) >> 4;
            component.down = unsigned(11 + 3 * i) & 15;
            component.quantiser = unsigned(12 + 3 * i) & 3;
            if (component.across == 0 || component.down == 0) {
                throw new JpegBits.NoSuchCodes();
            }
            across = Math.max(across, component.across);
            down = Math.max(down, component.down);
            components[i] = component;
        }
        mcusWide = upwards(width, BLOCK * across);
        mcusHigh = upwards(height, BLOCK * down);
        for (Component component : components) {
            component.blocksWide = upwards(upwards(width * component.across, across), BLOCK);
            component.blocksHigh = upwards(upwards(height * component.down, down), BLOCK);
            component.stride = mcusWide * component.across;
            component.nonZero = new long[progressive ? component.stride * mcusHigh * component.down : 0];
        }
    }

    private static int upwards(int size, int step) {
        return (size + step - 1) / step;
    }

    private void readScan() throws JpegBits.NoSuchCodes {
        int count = unsigned(4);
        Component[] scanned = new Component[count];
        for (int i = 0; i < count; i++) {
            Component component = null;
            for (Component candidate : components) {
                component = candidate.identifier == unsigned(5 + 2 * i) ? candidate : component;
            }
            int numbers = unsigned(6 + 2 * i);
            component.dc = tables[numbers >> 4 & 3];
            component.ac = tables[AC_TABLES + (numbers & 3)];
            scanned[i] = component;
        }
        first = progressive ? unsigned(5 + 2 * count) : 0;
        last = progressive ? unsigned(6 + 2 * count) : LAST;
        high = progressive ? unsigned(7 + 2 * count) >> 4 : 0;
        low = progressive ? unsigned(7 + 2 * count) & 15 : 0;
        bits = new JpegBits(part, 2 + (part.getShort(2) & 0xffff));
        begin();
        int wide = count == 1 ? scanned[0].blocksWide : mcusWide;
        int units = wide * (count == 1 ? scanned[0].blocksHigh : mcusHigh);
        for (int unit = 0; unit < units; unit++) {
            if (restartInterval > 0 && unit > 0 && unit % restartInterval == 0) {
                end();
                bits.restart(unit / restartInterval - 1 & 7);
                begin();
            }
            int x = unit % wide;
            int y = unit / wide;
            for (Component component : scanned) {
                int across = count == 1 ? 1 : component.across;
                int down = count == 1 ? 1 : component.down;
                for (int i = 0; i < across * down; i++) {
                    block(component, (y * down + i / across) * component.stride + x * across + i % across);
                }
            }
        }
        end();
    }

    private void begin() {
        endOfBand = 0;
        for (Component component : components) {
            component.prediction = 0;
        }
    }

    private void end() throws JpegBits.NoSuchCodes {
        bits.end();
        if (endOfBand > 0) {
            throw new JpegBits.NoSuchCodes();
        }
    }

    private void block(Component component, int index) throws JpegBits.NoSuchCodes {
        if (first == 0) {
            dc(component);
        }
        if (last == 0) {
            return;
        }
        long before = progressive ? component.nonZero[index] : 0;
        long added = high == 0 ? ac(component) : refine(component, before);
        if (progressive) {
            component.nonZero[index] = before | added;
        }
    }

    private void dc(Component component) throws JpegBits.NoSuchCodes {
        if (high > 0) {
            bits.bit();
            return;
        }
        int size = bits.code(component.dc);
        if (size > MAX_DC_BITS) {
            throw new JpegBits.NoSuchCodes();
        }
        component.prediction += bits.value(size);
        check(component, 0, component.prediction);
    }

    /** The first bits of coefficients; says which are not zero. */
    private long ac(Component component) throws JpegBits.NoSuchCodes {
        if (endOfBand > 0) {
            endOfBand--;
            return 0;
        }
        long added = 0;
        int alike = 0;
        int previous = 0;
        for (int k = Math.max(first, 1); k <= last; k++) {
            int code = bits.code(component.ac);
            int run = code >> 4;
            int size = code & 15;
            if (size == 0 && run < ZEROS_16) {
                endOfBand = band(run) - 1;
                break;
            }
            k += run;
            if (k > last || size > MAX_AC_BITS) {
                throw new JpegBits.NoSuchCodes();
            }
            if (size > 0) {
                int value = bits.value(size);
                check(component, k, value);
                alike = run == 0 && value == previous ? alike + 1 : 0;
                previous = value;
                if (alike == ALIKE) {
                    throw new JpegBits.NoSuchCodes();
                }
                added |= 1L << k;
            }
        }
        return added;
    }

    /** One more bit of coefficients; says which are no longer zero. */
    private long refine(Component component, long before) throws JpegBits.NoSuchCodes {
        long added = 0;
        int k = Math.max(first, 1);
        while (endOfBand == 0 && k <= last) {
            int code = bits.code(component.ac);
            int run = code >> 4;
            int size = code & 15;
            if (size > 1) {
                throw new JpegBits.NoSuchCodes();
            }
            if (size == 0 && run < ZEROS_16) {
                endOfBand = band(run);
                break;
            }
            if (size == 1) {
                bits.bit(); // the sign
            }
            for (; k <= last; k++) {
                if ((before >>> k & 1) != 0) {
                    bits.bit();
                } else if (run-- == 0) {
                    break;
                }
            }
            if (k > last) {
                throw new JpegBits.NoSuchCodes();
            }
            added |= (long) size << k++;
        }
        if (endOfBand > 0) {
            for (; k <= last; k++) {
                if ((before >>> k & 1) != 0) {
                    bits.bit();
                }
            }
            endOfBand--;
        }
        return added;
    }

    private int band(int size) throws JpegBits.NoSuchCodes {
        if (size > 0 && !progressive) {
            throw new JpegBits.NoSuchCodes();
        }
        return (1 << size) + bits.bits(size);
    }

    private void check(Component component, int k, int value) throws JpegBits.NoSuchCodes {
        int[] steps = quantisers[component.quantiser];
        int step = steps == null ? 1 : steps[k];
        if ((long) (Math.abs(value) << low) * step > MAX_COEFFICIENT + step) {
            throw new JpegBits.NoSuchCodes();
        }
    }
}
