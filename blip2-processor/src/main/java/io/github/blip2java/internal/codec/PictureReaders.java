/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import com.luciad.imageio.webp.WebPImageReaderSpi;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageReader;
import javax.imageio.spi.IIORegistry;
import javax.imageio.spi.ImageReaderSpi;

/**
 * The readers that decode: the JDK's own and libwebp's, whatever else is on the class path.
 *
 * <p>The JDK's are found once, as the registry is slow to search and not made for many threads. libwebp's is made, as
 * the registry knows only what was visible to the class loader that first used it.
 */
final class PictureReaders {

    private static final Map<PictureFormat, String> JDK = Map.of(
            PictureFormat.JPEG, "com.sun.imageio.plugins.jpeg.JPEGImageReaderSpi",
            PictureFormat.PNG, "com.sun.imageio.plugins.png.PNGImageReaderSpi",
            PictureFormat.GIF, "com.sun.imageio.plugins.gif.GIFImageReaderSpi",
            PictureFormat.BMP, "com.sun.imageio.plugins.bmp.BMPImageReaderSpi",
            PictureFormat.TIFF, "com.sun.imageio.plugins.tiff.TIFFImageReaderSpi");

    private PictureReaders() {}

    private static final class Found {

        static final Map<String, ImageReaderSpi> BY_CLASS = new HashMap<>();

        static {
            Iterator<ImageReaderSpi> all =
                    IIORegistry.getDefaultInstance().getServiceProviders(ImageReaderSpi.class, true);
            all.forEachRemaining(reader -> BY_CLASS.put(reader.getClass().getName(), reader));
        }
    }

    /** A reader of a file that is put together of parts; the caller disposes of it. */
    static ImageReader open(PictureFormat format, List<ByteBuffer> parts) throws IOException {
        ImageReaderSpi provider =
                format == PictureFormat.WEBP ? new WebPImageReaderSpi() : Found.BY_CLASS.get(JDK.get(format));
        if (provider == null) {
            throw new IOException("Java's reader " + JDK.get(format) + " was removed from ImageIO's registry");
        }
        ImageReader reader = provider.createReaderInstance();
        reader.setInput(new MemoryImageInputStream(parts), true, true);
        return reader;
    }
}
