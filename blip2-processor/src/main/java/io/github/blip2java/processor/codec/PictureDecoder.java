/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.codec;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.imageio.ImageReader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decodes a picture file in memory.
 *
 * <p>A class for each format takes the file apart, and hands to the JDK's reader only what pixels depend on.
 */
public final class PictureDecoder {

    private static final Logger LOG = LoggerFactory.getLogger(PictureDecoder.class);

    /** Reference: Pillow warns above this many pixels, and refuses above twice as many. */
    private static final long WARN_PIXELS = 89_478_485;

    private static final String FORMATS = "a JPEG, PNG, GIF, BMP, TIFF, WebP, ICO, PBM, PGM or PPM file";

    /** Part of libjpeg's warning about what stands between the last pixel and the next marker. */
    private static final Pattern BEHIND = Pattern.compile("([0-9]{1,9}) extraneous bytes before marker");

    private final String name;
    private final boolean applyOrientation;
    private final long maxPixels;

    private PictureDecoder(String name, boolean applyOrientation, long maxPixels) {
        this.name = name;
        this.applyOrientation = applyOrientation;
        this.maxPixels = maxPixels;
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
     * Decodes a file's first picture; an icon's largest.
     *
     * @param file the whole file: JPEG, PNG, GIF, BMP, TIFF, WebP, ICO, PBM, PGM or PPM
     * @param name what error messages call the file
     * @param applyOrientation whether to turn the picture upright as its metadata asks
     * @param maxPixels width times height up to which a picture is decoded
     * @return the pixels
     * @throws IOException when the bytes are no picture of these formats, are damaged or cut short, hold more pixels
     *     than allowed or than there is memory for, or Java cannot load what decodes them
     */
    public static Pixels decode(byte[] file, String name, boolean applyOrientation, long maxPixels) throws IOException {
        checkFormat(file, file.length, name);
        PictureFormat format = PictureFormat.of(file);
        try {
            return new PictureDecoder(name, applyOrientation, maxPixels).decode(format, file);
        } catch (PictureException e) {
            throw new IOException(name + ": " + e.getMessage());
        } catch (IOException | RuntimeException e) {
            // The JDK's readers also throw unchecked exceptions on damaged files.
            throw new IOException(
                    name + ": cannot be decoded as " + format + " (" + PictureErrors.reason(e)
                            + "); the file is damaged or of a rare kind, save it again as JPEG or PNG",
                    e);
        } catch (Error e) {
            throw PictureErrors.of(e, name);
        }
    }

    private Pixels decode(PictureFormat format, byte[] file) throws IOException {
        return switch (format) {
            case JPEG -> jpeg(JpegFile.parse(file));
            case PNG -> png(PngFile.parse(file));
            case GIF -> gif(GifFile.parse(file));
            case BMP -> bmp(BmpFile.parse(file));
            case TIFF -> tiff(TiffFile.parse(file));
            case WEBP -> webp(WebpFile.parse(file));
            case ICO -> {
                byte[] largest = IcoFile.largest(file);
                yield PictureFormat.of(largest) == PictureFormat.PNG
                        ? png(PngFile.parse(largest))
                        : bmp(BmpFile.ofIcon(largest));
            }
            case PNM -> {
                PnmFile pnm = PnmFile.parse(file);
                checkSize(pnm.width(), pnm.height());
                yield pnm.pixels();
            }
        };
    }

    private Pixels jpeg(JpegFile jpeg) throws IOException {
        checkSize(jpeg.width(), jpeg.height());
        JpegFile.ColorModel model = jpeg.colorModel();
        ImageReader reader = PictureReaders.open(PictureFormat.JPEG, jpeg.parts());
        List<String> warnings = new ArrayList<>();
        reader.addIIOReadWarningListener((source, warning) -> warnings.add(warning));
        try {
            Raster raster = reader.readRaster(0, null);
            if (!jpeg.ended() && !complete(jpeg, warnings)) {
                throw jpeg.cutShort();
            }
            return upright(JpegPixels.toRgb(raster, model), jpeg.orientation());
        } finally {
            reader.dispose();
        }
    }

    /**
     * Whether all rows of a JPEG without end marker are there. libjpeg warns when it meets the end before the last pixel,
     * or makes something of what is no picture; so all is there if it met other data behind the last pixel, and nothing
     * else.
     */
    private static boolean complete(JpegFile jpeg, List<String> warnings) {
        int behind = 0;
        for (String warning : warnings) {
            Matcher bytes = BEHIND.matcher(warning);
            if (!bytes.find()) {
                return false;
            }
            behind = Integer.parseInt(bytes.group(1));
        }
        return (behind > 0 || jpeg.otherBehind()) && !jpeg.otherWithin(behind);
    }

    private Pixels png(PngFile png) throws IOException {
        checkSize(png.width(), png.height());
        BufferedImage image = read(PictureFormat.PNG, png.parts());
        // Pillow cuts 16-bit gray at 255, but keeps the high byte where alpha is stored beside it.
        Pixels stored =
                BufferedImages.toRgb(image, png.grayAlpha() ? BufferedImages.Depth.JAVA : BufferedImages.Depth.PILLOW);
        return upright(stored, png.orientation());
    }

    private Pixels gif(GifFile gif) throws IOException {
        checkSize(gif.width(), gif.height());
        return gif.place(BufferedImages.toRgb(read(PictureFormat.GIF, gif.parts())));
    }

    private Pixels bmp(BmpFile bmp) throws IOException {
        checkSize(bmp.width(), bmp.height());
        return BufferedImages.toRgb(read(PictureFormat.BMP, bmp.parts()), BufferedImages.Depth.PILLOW);
    }

    private Pixels tiff(TiffFile tiff) throws IOException {
        checkSize(tiff.width(), tiff.height());
        BufferedImage image = read(PictureFormat.TIFF, tiff.parts());
        Pixels stored = switch (tiff.samples()) {
            case INTEGER_32, FLOAT_32 -> RowConverter.convert(image.getRaster(), tiff.fourBytes());
            case PREMULTIPLIED ->
                RowConverter.convert(
                        image.getRaster(), tiff.premultiplied(image.getRaster().getNumBands()));
            case SIGNED_16 -> RowConverter.convert(image.getRaster(), RowConverter::signedGray);
            case UNSIGNED -> {
                long[] map = image.getColorModel() instanceof IndexColorModel ? tiff.colorMap() : new long[0];
                yield map.length > 0
                        ? BufferedImages.indexed(image.getRaster(), highBytes(map))
                        : BufferedImages.toRgb(image, BufferedImages.Depth.PILLOW);
            }
        };
        // Reference: Pillow turns a TIFF upright while loading it, asked or not.
        return Orientation.upright(stored, tiff.orientation());
    }

    private Pixels webp(WebpFile webp) throws IOException {
        if (webp.animated()) {
            checkSize(webp.width(), webp.height());
        }
        Pixels frame = BufferedImages.toRgb(read(PictureFormat.WEBP, webp.parts()), BufferedImages.Depth.PILLOW);
        return upright(webp.place(frame), webp.orientation());
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
            if (format != PictureFormat.WEBP) {
                throw e;
            }
            // What libwebp reports for damaged alpha, too.
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
        if (pixels > WARN_PIXELS) {
            LOG.warn("{}: {}x{} pixels is unusually large for a picture", name, width, height);
        }
    }
}
