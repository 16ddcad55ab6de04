/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Netpbm's formats: PBM, PGM and PPM, as text (P1 to P3) and as bytes (P4 to P6).
 *
 * <p>Reference: Pillow's {@code PpmImageFile}. Gray of more than eight bits is cut at 255 like any other 16-bit gray,
 * after its largest value became 65535.
 */
final class PnmFile {

    private static final int LARGEST_TOKEN = 10;

    private final boolean truncated;
    private byte[] file;
    private final int kind;
    private final int width;
    private final int height;
    private final int largest;
    private int at = 2;

    private PnmFile(byte[] file, boolean truncated) throws PictureException {
        this.file = file;
        this.truncated = truncated;
        kind = file[1] - '0';
        width = number();
        height = number();
        largest = bitmap() ? 1 : number();
        if (largest < 1 || largest > 65535) {
            throw new PictureException("expected a largest value of 1 to 65535 in a PNM's header, got " + largest
                    + "; the file is damaged");
        }
    }

    /**
     * Reads the header.
     *
     * @param truncated whether bytes of pixels may be missing at the end
     * @throws PictureException when it is cut short, or its numbers are none
     */
    static PnmFile parse(byte[] file, boolean truncated) throws PictureException {
        return new PnmFile(file, truncated);
    }

    int width() {
        return width;
    }

    int height() {
        return height;
    }

    private boolean bitmap() {
        return kind == 1 || kind == 4;
    }

    private boolean gray() {
        return kind == 2 || kind == 5;
    }

    /** The next number of the header, or of a file that is text. */
    private int number() throws PictureException {
        skipBlanks();
        int start = at;
        while (at < file.length && !isBlank(file[at]) && file[at] != '#') {
            at++;
        }
        String token = new String(file, start, Math.min(at - start, LARGEST_TOKEN + 1), StandardCharsets.ISO_8859_1);
        at += at < file.length && isBlank(file[at]) ? 1 : 0; // one alone, as pixels may follow
        try {
            int number = token.length() > LARGEST_TOKEN ? -1 : Integer.parseInt(token);
            if (number >= 0) {
                return number;
            }
        } catch (NumberFormatException e) {
            // told below
        }
        throw start >= file.length
                ? cutShort()
                : new PictureException(
                        "expected a number at byte " + start + " of a PNM, got \"" + token + "\"; the file is damaged");
    }

    private void skipBlanks() {
        while (at < file.length && (isBlank(file[at]) || file[at] == '#')) {
            if (file[at] == '#') {
                while (at < file.length && file[at] != '\n' && file[at] != '\r') {
                    at++;
                }
            } else {
                at++;
            }
        }
    }

    private static boolean isBlank(byte value) {
        return value == ' ' || (value >= '\t' && value <= '\r');
    }

    private PictureException cutShort() {
        return new PictureException(
                "expected " + width + "x" + height + " pixels in a PNM, got the end of the file after " + file.length
                        + " bytes; the file is cut short, get a complete copy");
    }

    /**
     * The pixels. May be called once.
     *
     * @throws PictureException when some are missing, or out of range
     */
    Pixels pixels() throws PictureException {
        int channels = gray() || bitmap() ? 1 : 3;
        int bytes = largest > 255 ? 2 : 1;
        long needed = switch (kind) {
            case 1, 2, 3 -> (long) width * height * channels; // a character each at least
            case 4 -> (width + 7L) / 8 * height;
            default -> (long) width * height * channels * bytes;
        };
        if (needed > file.length - at) {
            if (!truncated || kind < 4 || at >= file.length) {
                throw cutShort();
            }
            complete((int) (needed / height), (int) needed);
        }
        Pixels pixels = Pixels.allocate(width, height);
        byte[] rgb = pixels.rgb();
        for (int y = 0, target = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                for (int channel = 0; channel < channels; channel++) {
                    rgb[target++] = sample(x, y, bytes);
                }
                for (int channel = channels; channel < 3; channel++, target++) {
                    rgb[target] = rgb[target - 1];
                }
            }
        }
        return pixels;
    }

    /** Black in place of rows that are missing, in whole or in part. */
    private void complete(int rowBytes, int needed) {
        int known = (file.length - at) / rowBytes * rowBytes;
        byte[] all = Arrays.copyOfRange(file, at, at + needed);
        Arrays.fill(all, known, needed, (byte) (kind == 4 ? 0xff : 0)); // a bit that is set is black
        file = all;
        at = 0;
    }

    private byte sample(int x, int y, int bytes) throws PictureException {
        if (kind == 4) {
            int bits = file[at + y * ((width + 7) / 8) + x / 8];
            return (byte) ((bits >> (7 - x % 8) & 1) == 0 ? 255 : 0);
        }
        if (kind == 1) {
            skipBlanks();
            if (at >= file.length) {
                throw cutShort();
            }
            int digit = file[at++] - '0';
            if (digit != 0 && digit != 1) {
                throw new PictureException("expected a 0 or 1 at byte " + (at - 1) + " of a PBM; the file is damaged");
            }
            return (byte) (digit == 0 ? 255 : 0);
        }
        int value;
        if (kind < 4) {
            value = number();
            if (value > largest) {
                throw new PictureException(
                        "expected at most " + largest + " as a value of a PNM, got " + value + "; the file is damaged");
            }
        } else {
            value = file[at++] & 0xff;
            if (bytes == 2) {
                value = value << 8 | file[at++] & 0xff;
            }
        }
        boolean wideGray = gray() && largest > 255;
        int full = wideGray ? 65535 : 255;
        // Rounded to even, as Python does.
        return (byte) Math.min(255, Math.min(full, (int) Math.rint((double) value / largest * full)));
    }
}
