/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

import io.github.blip2java.checkpoint.Unreadable;
import io.github.blip2java.internal.codec.BufferedImages;
import io.github.blip2java.internal.codec.PictureBytes;
import io.github.blip2java.internal.codec.PictureErrors;
import io.github.blip2java.internal.codec.Pixels;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Reads pictures, with the bytes that Pillow 12.3's {@code Image.open(file).convert("RGB")} gives.
 *
 * <p>Formats: JPEG (also gray, progressive, CMYK), PNG (all colour types and depths), GIF, WebP (their first frames),
 * BMP, TIFF, BigTIFF (their first pictures), ICO (its largest), PBM, PGM and PPM, told apart by content, not by name.
 * Alpha is dropped, unless {@link ReadOptions#background} says what is below. Embedded colour profiles are ignored, and so is all else that no
 * pixel depends on, be it damaged or not. A picture that stops half-way is an error, unless {@link ReadOptions#allowTruncated}. Files of more than
 * {@link ReadOptions#maxPixels} pixels are refused before they are decoded, files that are no pictures before they are
 * read.
 *
 * <p>16-bit gray in a file is cut at 255, as Pillow does, which turns most of it white. Where a file uses the full
 * range, read it with {@code javax.imageio.ImageIO} and pass the {@link BufferedImage}: there the high byte counts.
 *
 * <p>Known to differ from Pillow by a few levels: JPEGs with 4:4:0 chroma on JDKs that bundle libjpeg 6b. Not read:
 * arithmetic-coded JPEG on those JDKs; TIFF of 12 bits, of more than 16 bits other than plain 32-bit gray, and of
 * CIE Lab; HEIC, AVIF, JPEG 2000 and others, whose message names a converter.
 *
 * <p>Safe for many threads at once.
 */
public final class ImageReader {

    private static final String MISSING = "no such file; check the path";

    private ImageReader() {}

    /**
     * Reads a picture file with the default options.
     *
     * @param file the file
     * @return the picture
     * @throws IOException when the file is missing, unreadable, not a picture, damaged or too large
     */
    public static Image read(Path file) throws IOException {
        return read(file, ReadOptions.defaults());
    }

    /**
     * Reads a picture file.
     *
     * @param file the file
     * @param options orientation, limits and background
     * @return the picture
     * @throws IOException when the file is missing, unreadable, not a picture, damaged or too large
     */
    public static Image read(Path file, ReadOptions options) throws IOException {
        return loader(file, options).load();
    }

    /** What loads a picture file, once it is known to be there. */
    static PictureLoader loader(Path file, ReadOptions options) throws IOException {
        if (!Files.exists(file)) {
            throw Unreadable.missing(file, MISSING);
        }
        if (Files.isDirectory(file)) {
            throw new IOException(file + ": expected a picture file, got a directory");
        }
        PictureLoader.Source source = new OfPath(file);
        if (!Files.isRegularFile(file)) { // a pipe or a device, whose bytes come once
            source = new OfBytes(file.toString(), source.read());
        }
        return new PictureLoader(PictureAdmission.ofProcess(), source, options);
    }

    private record OfPath(Path file) implements PictureLoader.Source {
        @Override
        public String name() {
            return file.toString();
        }

        @Override
        public long size() throws IOException {
            return Files.size(file);
        }

        @Override
        public byte[] start(int bytes) throws IOException {
            try (InputStream stream = Files.newInputStream(file)) {
                return stream.readNBytes(bytes);
            }
        }

        @Override
        public byte[] read() throws IOException {
            try (InputStream stream = Files.newInputStream(file)) {
                return PictureBytes.read(stream, size(), name());
            } catch (FileSystemException e) {
                throw Unreadable.explain(e, file, MISSING);
            }
        }
    }

    private record OfBytes(String name, byte[] read) implements PictureLoader.Source {
        @Override
        public byte[] start(int bytes) {
            return Arrays.copyOf(read, Math.min(bytes, read.length));
        }

        @Override
        public long size() {
            return 0;
        }
    }

    /**
     * Reads a picture from a stream with the default options.
     *
     * @param stream a picture file's bytes; read to its end, not closed
     * @return the picture
     * @throws IOException when reading fails, or the bytes are not a picture, damaged or too large
     */
    public static Image read(InputStream stream) throws IOException {
        return read(stream, ReadOptions.defaults());
    }

    /**
     * Reads a picture from a stream.
     *
     * @param stream a picture file's bytes; read to its end, not closed
     * @param options orientation, limits and background
     * @return the picture
     * @throws IOException when reading fails, or the bytes are not a picture, damaged or too large
     */
    public static Image read(InputStream stream, ReadOptions options) throws IOException {
        String name = "picture from a stream";
        try {
            return decode(PictureBytes.read(stream, PictureBytes.UNKNOWN, name), name, options);
        } catch (OutOfMemoryError e) {
            throw PictureErrors.of(e, name);
        }
    }

    /**
     * Reads a picture from bytes with the default options.
     *
     * @param file a picture file's bytes
     * @return the picture
     * @throws IOException when the bytes are not a picture, damaged or too large
     */
    public static Image read(byte[] file) throws IOException {
        return read(file, ReadOptions.defaults());
    }

    /**
     * Reads a picture from bytes.
     *
     * @param file a picture file's bytes
     * @param options orientation, limits and background
     * @return the picture
     * @throws IOException when the bytes are not a picture, damaged or too large
     */
    public static Image read(byte[] file, ReadOptions options) throws IOException {
        return decode(file, "picture from bytes", options);
    }

    /**
     * Copies a picture that is already decoded, of any type. Gray stays as it is stored (where {@code getRGB} would
     * brighten it), 16-bit channels keep their high byte, alpha is dropped.
     *
     * @param image the picture; it is only read
     * @return the picture
     */
    public static Image read(BufferedImage image) {
        return read(image, ReadOptions.defaults());
    }

    /**
     * Copies a picture that is already decoded.
     *
     * @param image as for {@link #read(BufferedImage)}
     * @param options of which the background counts
     * @return the picture
     */
    public static Image read(BufferedImage image, ReadOptions options) {
        return image(BufferedImages.toRgb(image, options.background()));
    }

    private static Image decode(byte[] file, String name, ReadOptions options) throws IOException {
        return new PictureLoader(PictureAdmission.ofProcess(), new OfBytes(name, file), options).load();
    }

    private static Image image(Pixels pixels) {
        return Image.wrap(pixels.width(), pixels.height(), pixels.rgb());
    }
}
