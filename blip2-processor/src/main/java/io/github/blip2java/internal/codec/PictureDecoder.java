/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import javax.imageio.ImageReader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A picture file in memory that was taken apart, and can be decoded.
 *
 * <p>A class for each format takes the file apart, and hands to the JDK's reader only what pixels depend on.
 */
public final class PictureDecoder {

    private static final Logger LOG = LoggerFactory.getLogger(PictureDecoder.class);

    /** Reference: Pillow warns above this many pixels, and refuses above twice as many. */
    private static final long WARN_PIXELS = 89_478_485;

    private static final String FORMATS = "a JPEG, PNG, GIF, BMP, TIFF, WebP, ICO, PBM, PGM or PPM file";

    private final String name;
    private final PictureFormat format;
    private final boolean applyOrientation;
    private final long maxPixels;
    private final Ground ground;
    private final boolean truncated;
    private final Plan plan;

    private PictureDecoder(
            byte[] file, String name, boolean applyOrientation, long maxPixels, Ground ground, boolean truncated)
            throws IOException {
        this.name = name;
        this.format = PictureFormat.of(file);
        this.applyOrientation = applyOrientation;
        this.maxPixels = maxPixels;
        this.ground = ground;
        this.truncated = truncated;
        this.plan = guarded(() -> plan(file));
    }

    /**
     * Refuses what is no picture, by its first bytes.
     *
     * @param head the first 64 bytes of a file, or all where it is shorter
     * @param size bytes of the whole file, negative when they are not known
     * @param name what error messages call the file
     * @throws IOException when they begin none of the formats that {@link #decode} reads
     */
    public static void checkFormat(byte[] head, long size, String name) throws IOException {
        if (PictureFormat.of(head) == null) {
            throw new IOException(name + ": expected " + FORMATS + ", got " + ForeignFile.describe(head, size));
        }
    }

    /**
     * Takes a file apart.
     *
     * @param file the whole file: JPEG, PNG, GIF, BMP, TIFF, WebP, ICO, PBM, PGM or PPM
     * @param name what error messages call the file
     * @param applyOrientation whether to turn the picture upright as its metadata asks
     * @param maxPixels width times height up to which a picture is decoded
     * @param ground the colour under what is transparent; null to drop alpha
     * @param truncated whether pixels may be missing at the end
     * @return what decodes it
     * @throws IOException when the bytes are no picture of these formats, are damaged or cut short, or hold more pixels
     *     than allowed
     */
    public static PictureDecoder open(
            byte[] file, String name, boolean applyOrientation, long maxPixels, Color ground, boolean truncated)
            throws IOException {
        checkFormat(file, file.length, name);
        return new PictureDecoder(file, name, applyOrientation, maxPixels, Ground.of(ground), truncated);
    }

    /**
     * Tells what {@link #decode} takes of Java's heap, which depends on the size in pixels and on what decodes them.
     *
     * @return bytes, beside those of the file
     */
    public long heapBytes() {
        return plan.bytes();
    }

    /**
     * Decodes the file's first picture; an icon's largest. May be called once.
     *
     * @return the pixels
     * @throws IOException when the file is damaged or cut short, or Java cannot load what decodes it
     * @throws OutOfMemoryError when the heap has too little room
     */
    public Pixels decode() throws IOException {
        Pixels pixels = guarded(plan.decoding());
        if ((long) pixels.width() * pixels.height() > WARN_PIXELS) {
            LOG.warn("{}: {}x{} pixels is unusually large for a picture", name, pixels.width(), pixels.height());
        }
        return pixels;
    }

    private interface Step<T> {
        T take() throws IOException;
    }

    private record Plan(long bytes, Step<Pixels> decoding) {}

    private <T> T guarded(Step<T> step) throws IOException {
        try {
            return step.take();
        } catch (PictureException e) {
            throw new IOException(name + ": " + e.getMessage());
        } catch (IOException | RuntimeException e) {
            // The JDK's readers also throw unchecked exceptions on damaged files; the one of PNG hides errors in its
            // own.
            if (e.getCause() instanceof OutOfMemoryError error && PictureErrors.isHeapFull(error)) {
                throw error;
            }
            throw new IOException(
                    name + ": cannot be decoded as " + format + " (" + PictureErrors.reason(e)
                            + "); the file is damaged or of a rare kind, save it again as JPEG or PNG",
                    e);
        } catch (OutOfMemoryError e) {
            throw e;
        } catch (Error e) {
            throw PictureErrors.of(e, name);
        }
    }

    private Plan plan(byte[] file) throws IOException {
        switch (format) {
            case JPEG:
                JpegFile jpeg = JpegFile.parse(file, truncated);
                return plan(jpeg.width(), jpeg.height(), jpeg.heapBytes(), jpeg.orientation(), () -> decode(jpeg));
            case PNG:
                return png(PngFile.parse(file, truncated));
            case GIF:
                GifFile gif = GifFile.parse(file, truncated);
                return plan(gif.width(), gif.height(), gif.heapBytes(), Orientation.UPRIGHT, () -> decode(gif));
            case BMP:
                return bmp(BmpFile.parse(file, truncated));
            case TIFF:
                TiffFile tiff = TiffFile.parse(file);
                return plan(tiff.width(), tiff.height(), tiff.heapBytes(), tiff.orientation(), () -> decode(tiff));
            case WEBP:
                WebpFile webp = WebpFile.parse(file);
                return plan(webp.width(), webp.height(), webp.heapBytes(), webp.orientation(), () -> decode(webp));
            case ICO:
                byte[] largest = IcoFile.largest(file);
                return PictureFormat.of(largest) == PictureFormat.PNG
                        ? png(PngFile.parse(largest, truncated))
                        : bmp(BmpFile.ofIcon(largest));
            default:
                PnmFile pnm = PnmFile.parse(file, truncated);
                return plan(
                        pnm.width(),
                        pnm.height(),
                        (truncated ? 9L : 3L) * pnm.width() * pnm.height(), // of two bytes each, once more
                        Orientation.UPRIGHT,
                        pnm::pixels);
        }
    }

    private Plan png(PngFile png) throws IOException {
        return plan(png.width(), png.height(), png.heapBytes(), png.orientation(), () -> decode(png));
    }

    private Plan bmp(BmpFile bmp) throws IOException {
        return plan(bmp.width(), bmp.height(), bmp.heapBytes(), Orientation.UPRIGHT, () -> decode(bmp));
    }

    private Plan plan(int width, int height, long bytes, int orientation, Step<Pixels> decoding) throws IOException {
        checkSize(width, height);
        boolean turned = orientation != Orientation.UPRIGHT && (applyOrientation || format == PictureFormat.TIFF);
        // Turning a picture takes a second one.
        return new Plan(bytes + (turned ? 3L * width * height : 0), decoding);
    }

    private Pixels decode(JpegFile jpeg) throws IOException {
        JpegFile.ColorModel model = jpeg.colorModel();
        ImageReader reader = PictureReaders.open(PictureFormat.JPEG, jpeg.parts());
        try {
            Raster raster = reader.readRaster(0, null);
            return upright(JpegPixels.toRgb(raster, model), jpeg.orientation());
        } finally {
            reader.dispose();
        }
    }

    private Pixels decode(PngFile png) throws IOException {
        if (ground != null) {
            png.lay(ground);
        }
        BufferedImage image = read(PictureFormat.PNG, png.parts());
        // Pillow cuts 16-bit gray at 255, but keeps the high byte where alpha is stored beside it.
        Pixels stored = BufferedImages.take(
                image,
                png.grayAlpha() ? BufferedImages.Depth.JAVA : BufferedImages.Depth.PILLOW,
                png.alpha() ? ground : null);
        if (ground != null && png.transparentColor() != null) {
            ground.inPlaceOf(png.transparentColor(), stored.rgb());
        }
        return upright(stored, png.orientation());
    }

    private Pixels decode(GifFile gif) throws IOException {
        if (ground != null) {
            gif.lay(ground);
        }
        return gif.place(BufferedImages.take(read(PictureFormat.GIF, gif.parts()), BufferedImages.Depth.JAVA, null));
    }

    private Pixels decode(BmpFile bmp) throws IOException {
        Pixels pixels = BufferedImages.take(read(PictureFormat.BMP, bmp.parts()), BufferedImages.Depth.PILLOW, null);
        if (ground != null && bmp.alpha()) {
            for (int y = 0, at = 0; y < pixels.height(); y++) {
                for (int x = 0; x < pixels.width(); x++, at += 3) {
                    ground.under(pixels.rgb(), at, bmp.alpha(x, y));
                }
            }
        }
        return pixels;
    }

    private Pixels decode(TiffFile tiff) throws IOException {
        BufferedImage image = read(PictureFormat.TIFF, tiff.parts());
        Ground under = tiff.alpha() ? ground : null;
        Pixels stored = switch (tiff.samples()) {
            case INTEGER_32, FLOAT_32 -> RowConverter.convert(image.getRaster(), tiff.fourBytes());
            case PREMULTIPLIED ->
                RowConverter.convert(
                        image.getRaster(), tiff.premultiplied(image.getRaster().getNumBands(), under));
            case SIGNED_16 -> RowConverter.convert(image.getRaster(), RowConverter::signedGray);
            case UNSIGNED -> {
                long[] map = image.getColorModel() instanceof IndexColorModel ? tiff.colorMap() : new long[0];
                yield map.length > 0
                        ? BufferedImages.indexed(image.getRaster(), highBytes(map))
                        : BufferedImages.take(image, BufferedImages.Depth.PILLOW, under);
            }
        };
        // Reference: Pillow turns a TIFF upright while loading it, asked or not.
        return Orientation.upright(stored, tiff.orientation());
    }

    private Pixels decode(WebpFile webp) throws IOException {
        Pixels frame = BufferedImages.take(read(PictureFormat.WEBP, webp.parts()), BufferedImages.Depth.PILLOW, ground);
        return upright(webp.place(frame, ground), webp.orientation());
    }

    private Pixels upright(Pixels stored, int orientation) {
        return applyOrientation ? Orientation.upright(stored, orientation) : stored;
    }

    private BufferedImage read(PictureFormat format, List<ByteBuffer> parts) throws IOException {
        ImageReader reader = PictureReaders.open(format, parts);
        try {
            checkSize(reader.getWidth(0), reader.getHeight(0));
            return reader.read(0);
        } catch (OutOfMemoryError e) {
            if (format != PictureFormat.WEBP || PictureErrors.isHeapFull(e)) {
                throw e;
            }
            // What libwebp reports for damaged alpha.
            throw new IOException("libwebp ran out of memory", e);
        } finally {
            reader.dispose();
        }
    }

    /** TIFF's table of 16-bit colours: all reds, all greens, all blues. The JDK would round where Pillow cuts. */
    private static byte[][] highBytes(long[] map) {
        byte[][] palette = new byte[3][map.length / 3];
        for (int i = 0; i < 3 * palette[0].length; i++) {
            palette[i / palette[0].length][i % palette[0].length] = (byte) (map[i] >> 8);
        }
        return palette;
    }

    private void checkSize(int width, int height) throws PictureException {
        long pixels = (long) width * height;
        if (width < 1 || height < 1) {
            throw new PictureException(
                    "expected a width and height of at least 1, got " + width + "x" + height + "; the file is damaged");
        }
        if (pixels > maxPixels) {
            throw new PictureException("expected at most " + maxPixels + " pixels, got " + width + "x" + height + " = "
                    + pixels + "; scale the picture down, or raise ReadOptions.maxPixels if you trust it");
        }
    }
}
