/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.Graphics2D;
import java.awt.color.ColorSpace;
import java.awt.color.ICC_ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.IndexColorModel;
import java.awt.image.WritableRaster;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageReaderTest {

    private static final int WIDTH = 7;
    private static final int HEIGHT = 5;

    /** A colour for each pixel; multiples of 17, which a palette and 8 bits hold exactly. */
    private static int color(int x, int y) {
        return 17 * (2 * x) << 16 | 17 * (3 * y) << 8 | 17 * ((x + y) % 16);
    }

    private static byte[] colors() {
        byte[] rgb = new byte[3 * WIDTH * HEIGHT];
        for (int i = 0; i < WIDTH * HEIGHT; i++) {
            int color = color(i % WIDTH, i / WIDTH);
            rgb[3 * i] = (byte) (color >> 16);
            rgb[3 * i + 1] = (byte) (color >> 8);
            rgb[3 * i + 2] = (byte) color;
        }
        return rgb;
    }

    private static void paint(BufferedImage image, int alpha) {
        for (int y = 0; y < HEIGHT; y++) {
            for (int x = 0; x < WIDTH; x++) {
                image.setRGB(x, y, alpha << 24 | color(x, y));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                BufferedImage.TYPE_INT_RGB,
                BufferedImage.TYPE_INT_BGR,
                BufferedImage.TYPE_3BYTE_BGR,
                BufferedImage.TYPE_INT_ARGB,
                BufferedImage.TYPE_INT_ARGB_PRE,
                BufferedImage.TYPE_4BYTE_ABGR,
                BufferedImage.TYPE_4BYTE_ABGR_PRE
            })
    void typesOfEightBitsKeepEveryValue(int type) {
        BufferedImage image = new BufferedImage(WIDTH, HEIGHT, type);
        paint(image, 255);
        assertThat(ImageReader.read(image)).isEqualTo(Image.ofRgb(WIDTH, HEIGHT, colors()));
    }

    @ParameterizedTest
    @ValueSource(ints = {BufferedImage.TYPE_INT_ARGB, BufferedImage.TYPE_4BYTE_ABGR})
    void alphaIsDroppedNotBlended(int type) {
        BufferedImage image = new BufferedImage(WIDTH, HEIGHT, type);
        paint(image, 3);
        assertThat(ImageReader.read(image).rgb()).isEqualTo(colors());
    }

    @Test
    void premultipliedColorsAreDividedByAlpha() {
        BufferedImage image = new BufferedImage(1, 1, BufferedImage.TYPE_INT_ARGB_PRE);
        image.getRaster().setPixel(0, 0, new int[] {64, 32, 128, 128});
        assertThat(ImageReader.read(image).rgb()).containsExactly(128, 64, 255);
    }

    @ParameterizedTest
    @ValueSource(ints = {BufferedImage.TYPE_USHORT_565_RGB, BufferedImage.TYPE_USHORT_555_RGB})
    void packedTypesGiveWhatJavaGives(int type) {
        BufferedImage image = new BufferedImage(WIDTH, HEIGHT, type);
        paint(image, 255);
        byte[] rgb = ImageReader.read(image).rgb();
        for (int i = 0; i < WIDTH * HEIGHT; i++) {
            int color = image.getRGB(i % WIDTH, i / WIDTH);
            assertThat(rgb[3 * i]).isEqualTo((byte) (color >> 16));
            assertThat(rgb[3 * i + 1]).isEqualTo((byte) (color >> 8));
            assertThat(rgb[3 * i + 2]).isEqualTo((byte) color);
        }
    }

    @Test
    void grayIsNotBrightened() {
        BufferedImage image = new BufferedImage(256, 1, BufferedImage.TYPE_BYTE_GRAY);
        BufferedImage deep = new BufferedImage(256, 1, BufferedImage.TYPE_USHORT_GRAY);
        byte[] expected = new byte[3 * 256];
        for (int x = 0; x < 256; x++) {
            image.getRaster().setSample(x, 0, 0, x);
            deep.getRaster().setSample(x, 0, 0, 256 * x + 255 - x);
            for (int channel = 0; channel < 3; channel++) {
                expected[3 * x + channel] = (byte) x;
            }
        }
        assertThat(ImageReader.read(image).rgb()).isEqualTo(expected);
        assertThat(ImageReader.read(deep).rgb()).isEqualTo(expected);
        // The trap: getRGB takes gray for linear light.
        assertThat(image.getRGB(64, 0) & 0xff).isGreaterThan(100);
    }

    @Test
    void palettesAreLookedUp() {
        byte[] ramp = {0, 50, 100, (byte) 200};
        for (int bits : new int[] {1, 2, 4, 8}) {
            int size = Math.min(4, 1 << bits);
            // Index 0 is transparent: its colour counts all the same.
            IndexColorModel palette = new IndexColorModel(bits, size, ramp, new byte[] {9, 8, 7, 6}, ramp, 0);
            int type = bits == 8 ? BufferedImage.TYPE_BYTE_INDEXED : BufferedImage.TYPE_BYTE_BINARY;
            BufferedImage image = new BufferedImage(2, 1, type, palette);
            image.getRaster().setSample(1, 0, 0, 1);
            assertThat(ImageReader.read(image).rgb()).containsExactly(0, 9, 0, 50, 8, 50);
        }
    }

    @Test
    void sixteenBitColorsKeepTheHighByte() {
        ColorSpace srgb = ColorSpace.getInstance(ColorSpace.CS_sRGB);
        ComponentColorModel colors = new ComponentColorModel(srgb, true, false, 3, DataBuffer.TYPE_USHORT);
        WritableRaster raster = colors.createCompatibleWritableRaster(1, 1);
        raster.setPixel(0, 0, new int[] {0x12ff, 0x34ff, 0xabff, 0x0001});
        BufferedImage image = new BufferedImage(colors, raster, false, null);
        assertThat(ImageReader.read(image).rgb()).containsExactly(0x12, 0x34, 0xab);
    }

    @Test
    void colorProfilesAreIgnored() {
        ColorSpace linear = ColorSpace.getInstance(ColorSpace.CS_LINEAR_RGB);
        assertThat(linear).isInstanceOf(ICC_ColorSpace.class);
        ComponentColorModel colors = new ComponentColorModel(linear, false, false, 1, DataBuffer.TYPE_BYTE);
        WritableRaster raster = colors.createCompatibleWritableRaster(1, 1);
        raster.setPixel(0, 0, new int[] {10, 20, 30});
        BufferedImage image = new BufferedImage(colors, raster, false, null);
        assertThat(ImageReader.read(image).rgb()).containsExactly(10, 20, 30);
    }

    @Test
    void aPartOfAPictureIsReadAlone() {
        BufferedImage image = new BufferedImage(WIDTH, HEIGHT, BufferedImage.TYPE_3BYTE_BGR);
        paint(image, 255);
        int[] corner = new int[] {color(2, 1) >> 16, color(2, 1) >> 8, color(2, 1)};
        assertThat(ImageReader.read(image.getSubimage(2, 1, 3, 2)).rgb())
                .hasSize(18)
                .startsWith(corner[0], corner[1] & 0xff, corner[2] & 0xff);
    }

    @Test
    void bytesStreamsAndFilesAreTheSame(@TempDir Path folder) throws IOException {
        byte[] png = png(WIDTH, HEIGHT);
        // The name says nothing, the content decides.
        Path file = Files.write(folder.resolve("picture.jpg"), png);
        Image image = ImageReader.read(png);
        assertThat(image).isEqualTo(ImageReader.read(file));
        try (InputStream stream = new ByteArrayInputStream(png)) {
            assertThat(ImageReader.read(stream)).isEqualTo(image);
        }
        assertThat(image.width()).isEqualTo(WIDTH);
        assertThat(image.height()).isEqualTo(HEIGHT);
        assertThat(image).hasToString("Image[7x5]");
    }

    @Test
    void missingFilesAndFoldersAreNamed(@TempDir Path folder) {
        Path missing = folder.resolve("no.png");
        assertThatThrownBy(() -> ImageReader.read(missing))
                .isInstanceOf(IOException.class)
                .hasMessage(missing + ": no such file; check the path");
        assertThatThrownBy(() -> ImageReader.read(folder))
                .isInstanceOf(IOException.class)
                .hasMessage(folder + ": expected a picture file, got a directory");
    }

    @Test
    void linksToNothingAndPointersOfGitLfsAreNamed(@TempDir Path folder) throws IOException {
        Path link = Files.createSymbolicLink(folder.resolve("link.jpg"), Path.of("gone.jpg"));
        assertThatThrownBy(() -> ImageReader.read(link))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessage(link + ": expected a file, got a link to gone.jpg, where nothing is; download it again,"
                        + " or copy the folder with the targets of its links (cp -rL)");
        Path pointer = Files.writeString(
                folder.resolve("pointer.jpg"),
                "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0".repeat(64) + "\nsize 123456\n");
        assertThatThrownBy(() -> ImageReader.read(pointer))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith(pointer + ": expected a JPEG, PNG")
                .hasMessageEndingWith("got a Git LFS pointer in place of the picture; run git lfs pull");
    }

    @Test
    void pixelLimitsAreChecked() throws IOException {
        byte[] png = png(20, 10);
        assertThat(ImageReader.read(png, ReadOptions.defaults().withMaxPixels(200)))
                .isNotNull();
        assertThatThrownBy(() -> ImageReader.read(png, ReadOptions.defaults().withMaxPixels(199)))
                .isInstanceOf(IOException.class)
                .hasMessage(
                        "picture from bytes: expected at most 199 pixels, got 20x10 = 200; scale the picture down, or"
                                + " raise ReadOptions.maxPixels if you trust it");
        assertThatThrownBy(() -> ReadOptions.defaults().withMaxPixels(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("maxPixels: expected 1 to 715827882, got 0");
    }

    @Test
    void otherBytesAreShown() {
        assertThatThrownBy(() -> ImageReader.read(new byte[] {1, 2, (byte) 0xab}))
                .isInstanceOf(IOException.class)
                .hasMessage(
                        "picture from bytes: expected a JPEG, PNG, GIF, BMP, TIFF, WebP, ICO, PBM, PGM or PPM file, got 3 bytes that begin"
                                + " with 01 02 ab; convert it to one of these");
        assertThatThrownBy(() -> ImageReader.read(new ByteArrayInputStream(new byte[0])))
                .isInstanceOf(IOException.class)
                .hasMessage(
                        "picture from a stream: expected a JPEG, PNG, GIF, BMP, TIFF, WebP, ICO, PBM, PGM or PPM file, got an empty file");
    }

    @Test
    void imagesCheckTheirSize() {
        assertThatThrownBy(() -> Image.ofRgb(2, 2, new byte[11]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("image: expected width and height of at least 1 and 3 bytes a pixel, got 2x2 and 11 bytes");
        assertThatThrownBy(() -> Image.ofRgb(0, 2, new byte[0])).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void imagesCannotBeChanged() {
        byte[] rgb = {1, 2, 3};
        Image image = Image.ofRgb(1, 1, rgb);
        rgb[0] = 9;
        image.rgb()[1] = 9;
        assertThat(image.rgb()).containsExactly(1, 2, 3);
        assertThat(image)
                .isEqualTo(Image.ofRgb(1, 1, new byte[] {1, 2, 3}))
                .hasSameHashCodeAs(Image.ofRgb(1, 1, new byte[] {1, 2, 3}));
        assertThat(image).isNotEqualTo(Image.ofRgb(1, 1, rgb));
    }

    private static byte[] png(int width, int height) throws IOException {
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = image.createGraphics();
        graphics.fillRect(1, 1, 3, 3);
        graphics.dispose();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ImageIO.write(image, "png", out);
        return out.toByteArray();
    }
}
