/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.codec;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.Map;
import javax.imageio.ImageReader;
import javax.imageio.spi.IIORegistry;
import javax.imageio.spi.ImageReaderSpi;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Decodes a picture file in memory. */
public final class PictureDecoder {

    private static final Logger LOG = LoggerFactory.getLogger(PictureDecoder.class);

    /** Reference: Pillow warns above this many pixels, and refuses above twice as many. */
    private static final long WARN_PIXELS = 89_478_485;

    /** Where a PNG's header says what its samples are, and the value for gray with alpha. */
    private static final int PNG_COLOR_TYPE = 25;

    private static final int PNG_GRAY_ALPHA = 4;

    private PictureDecoder() {}

    /** The readers, found once: the registry is slow to search and not made for many threads. */
    private static final class Readers {

        static final Map<PictureFormat, ImageReaderSpi> BY_FORMAT = new EnumMap<>(PictureFormat.class);

        static {
            Iterator<ImageReaderSpi> all =
                    IIORegistry.getDefaultInstance().getServiceProviders(ImageReaderSpi.class, true);
            while (all.hasNext()) {
                ImageReaderSpi reader = all.next();
                for (PictureFormat format : PictureFormat.values()) {
                    if (reader.getClass().getName().equals(format.reader)) {
                        BY_FORMAT.put(format, reader);
                    }
                }
            }
        }
    }

    /**
     * Decodes a file's first picture.
     *
     * @param file the whole file: JPEG, PNG, GIF, BMP, TIFF or WebP
     * @param name what error messages call the file
     * @param applyOrientation whether to turn the picture upright as its metadata asks
     * @param maxPixels width times height up to which a picture is decoded
     * @return the pixels
     * @throws IOException when the bytes are no picture of these formats, are damaged or cut short, or hold more
     *     pixels than allowed
     */
    public static Pixels decode(byte[] file, String name, boolean applyOrientation, long maxPixels) throws IOException {
        PictureFormat format = PictureFormat.of(file);
        try {
            if (format == null) {
                throw new PictureException("expected a JPEG, PNG, GIF, BMP, TIFF or WebP file, got " + describe(file));
            }
            return format == PictureFormat.JPEG
                    ? jpeg(file, name, applyOrientation, maxPixels)
                    : other(format, file, name, applyOrientation, maxPixels);
        } catch (PictureException e) {
            throw new IOException(name + ": " + e.getMessage());
        } catch (IOException | RuntimeException e) {
            // The JDK's readers also throw unchecked exceptions on damaged files.
            throw new IOException(
                    name + ": cannot be decoded as " + format + " (" + reason(e)
                            + "); the file is damaged or of a rare kind, save it again as JPEG or PNG",
                    e);
        } catch (OutOfMemoryError e) {
            // What failed is one large array; everything else goes on.
            throw new IOException(
                    name + ": expected room for all its pixels in Java's heap, got "
                            + (Runtime.getRuntime().maxMemory() >> 20)
                            + " MiB in all; scale the picture down, or start Java with a larger heap (-Xmx; for bin/blip2"
                            + " in BLIP2_JAVA_OPTS)",
                    e);
        }
    }

    private static Pixels jpeg(byte[] file, String name, boolean applyOrientation, long maxPixels) throws IOException {
        JpegFile jpeg = JpegFile.parse(file);
        checkSize(name, jpeg.width(), jpeg.height(), maxPixels);
        JpegFile.ColorModel model = jpeg.colorModel();
        ImageReader reader = open(PictureFormat.JPEG, file);
        try {
            Pixels stored = JpegPixels.toRgb(reader.readRaster(0, null), model);
            return applyOrientation ? Orientation.upright(stored, jpeg.orientation()) : stored;
        } finally {
            reader.dispose();
        }
    }

    private static Pixels other(
            PictureFormat format, byte[] file, String name, boolean applyOrientation, long maxPixels)
            throws IOException {
        ImageReader reader = open(format, file);
        try {
            checkSize(name, reader.getWidth(0), reader.getHeight(0), maxPixels);
            BufferedImage image = read(format, reader);
            Pixels stored = pixels(format, file, image);
            if (format == PictureFormat.GIF) {
                GifCanvas canvas = GifCanvas.of(file);
                checkSize(name, canvas.width(), canvas.height(), maxPixels);
                stored = canvas.place(stored, (IndexColorModel) image.getColorModel());
            }
            // Reference: Pillow turns a TIFF upright while loading it, asked or not.
            boolean turn = applyOrientation || format == PictureFormat.TIFF;
            return turn ? Orientation.upright(stored, Metadata.orientation(format, file)) : stored;
        } finally {
            reader.dispose();
        }
    }

    private static BufferedImage read(PictureFormat format, ImageReader reader) throws IOException {
        try {
            return reader.read(0);
        } catch (OutOfMemoryError e) {
            if (format != PictureFormat.WEBP) {
                throw e;
            }
            // What libwebp reports for damaged alpha, too.
            throw new IOException("libwebp ran out of memory", e);
        }
    }

    private static Pixels pixels(PictureFormat format, byte[] file, BufferedImage image) {
        if (format == PictureFormat.TIFF && image.getColorModel() instanceof IndexColorModel) {
            int[] map = TiffDirectory.numbers(ByteBuffer.wrap(file), TiffDirectory.COLOR_MAP);
            if (map.length > 0) {
                return BufferedImages.indexed(image.getRaster(), highBytes(map));
            }
        }
        // Pillow cuts 16-bit gray at 255, but keeps the high byte where alpha is stored beside it.
        boolean grayAlpha = format == PictureFormat.PNG && file[PNG_COLOR_TYPE] == PNG_GRAY_ALPHA;
        return BufferedImages.toRgb(image, grayAlpha ? BufferedImages.Depth.JAVA : BufferedImages.Depth.PILLOW);
    }

    /** TIFF's table of 16-bit colours: all reds, all greens, all blues. The JDK would round where Pillow cuts. */
    private static byte[][] highBytes(int[] map) {
        byte[][] palette = new byte[3][map.length / 3];
        for (int i = 0; i < 3 * palette[0].length; i++) {
            palette[i / palette[0].length][i % palette[0].length] = (byte) (map[i] >> 8);
        }
        return palette;
    }

    private static ImageReader open(PictureFormat format, byte[] file) throws IOException {
        ImageReaderSpi provider = Readers.BY_FORMAT.get(format);
        if (provider == null) {
            throw new IOException("the reader " + format.reader + " is not registered with ImageIO");
        }
        ImageReader reader = provider.createReaderInstance();
        reader.setInput(new MemoryImageInputStream(file), true, true);
        return reader;
    }

    private static void checkSize(String name, int width, int height, long maxPixels) throws PictureException {
        long pixels = (long) width * height;
        if (pixels > maxPixels) {
            throw new PictureException("expected at most " + maxPixels + " pixels, got " + width + "x" + height + " = "
                    + pixels + "; scale the picture down, or raise ReadOptions.maxPixels if you trust it");
        }
        if (pixels > WARN_PIXELS) {
            LOG.warn("{}: {}x{} pixels is unusually large for a picture", name, width, height);
        }
    }

    private static String reason(Exception e) {
        String message = e.getMessage();
        return message == null || message.isBlank() ? e.getClass().getSimpleName() : message;
    }

    /** What a file that is no picture looks like, for the error message. */
    private static String describe(byte[] file) {
        if (file.length == 0) {
            return "an empty file";
        }
        String head = new String(file, 0, Math.min(file.length, 16), StandardCharsets.ISO_8859_1);
        if (head.startsWith("ftyp", 4)) {
            return "an ISO media file ("
                    + head.substring(8, Math.min(12, head.length())).trim()
                    + ", such as HEIC or AVIF); convert it to JPEG or PNG";
        }
        StringBuilder bytes = new StringBuilder(file.length + " bytes that begin with");
        for (int i = 0; i < Math.min(file.length, 8); i++) {
            bytes.append(String.format(" %02x", file[i]));
        }
        return bytes.append("; convert it to one of these").toString();
    }
}
