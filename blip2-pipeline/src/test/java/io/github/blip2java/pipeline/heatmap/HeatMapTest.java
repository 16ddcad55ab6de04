/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline.heatmap;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.AttentionMap;
import io.github.blip2java.processor.Image;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HeatMapTest {
    private static Image plain(int width, int height, int grey) {
        byte[] rgb = new byte[3 * width * height];
        Arrays.fill(rgb, (byte) grey);
        return Image.ofRgb(width, height, rgb);
    }

    /** Heat in one patch alone. */
    private static AttentionMap one(int rows, int columns, int row, int column) {
        float[][][] values = new float[2][rows][columns];
        values[0][row][column] = 3;
        values[1][row][column] = 1;
        return new AttentionMap(values);
    }

    private static BufferedImage read(HeatMap map) throws IOException {
        return ImageIO.read(new ByteArrayInputStream(map.png()));
    }

    private static int light(int rgb) {
        return (rgb >> 16 & 0xff) + (rgb >> 8 & 0xff) + (rgb & 0xff);
    }

    private static int light(Image image, int x, int y) {
        int at = 3 * (y * image.width() + x);
        return (image.rgb()[at] & 0xff) + (image.rgb()[at + 1] & 0xff) + (image.rgb()[at + 2] & 0xff);
    }

    /** Rows and columns differ, so that neither is taken for the other. */
    @ParameterizedTest
    @CsvSource({"0, 0", "1, 2", "0, 4", "1, 0"})
    void theHottestPatchGlowsMostAndFarOnesAreThePicture(int row, int column) {
        Image overlay = HeatMap.of(plain(200, 80, 40), one(2, 5, row, column)).overlay();
        assertThat(overlay.width()).isEqualTo(200);
        assertThat(overlay.height()).isEqualTo(80);
        int hottest = 0;
        int at = 0;
        for (int i = 0; i < 200 * 80; i++) {
            int light = light(overlay, i % 200, i / 200);
            if (light > hottest) {
                hottest = light;
                at = i;
            }
        }
        assertThat(at % 200 / 40).isEqualTo(column);
        assertThat(at / 200 / 40).isEqualTo(row);
        // Yellow, over what is left of the dark picture.
        assertThat(hottest).isGreaterThan(400);
        int far = column < 2 ? 199 : 0;
        assertThat(light(overlay, far, 40)).isEqualTo(3 * Math.round(0.65f * 40));
    }

    @Test
    void heatIsSmooth() {
        float[] heat = HeatMap.normalised(Cubic.B_SPLINE.spread(new float[][] {{0, 1, 0}, {0, 0, 1}}, 300, 200));
        float most = 0;
        float steepest = 0;
        for (int y = 0; y < 200; y++) {
            for (int x = 1; x < 300; x++) {
                steepest = Math.max(steepest, Math.abs(heat[y * 300 + x] - heat[y * 300 + x - 1]));
            }
        }
        for (float value : heat) {
            assertThat(value).isBetween(0f, 1f);
            most = Math.max(most, value);
        }
        assertThat(most).isEqualTo(1);
        // A patch is 100 pixels wide: no step, and not flat either.
        assertThat(steepest).isBetween(0.005f, 0.03f);
    }

    @Test
    void whereAllIsAlikeThereIsNoHeat() {
        for (float level : new float[] {0, 0.3f}) {
            float[][] flat = new float[4][6];
            Arrays.stream(flat).forEach(row -> Arrays.fill(row, level));
            assertThat(HeatMap.normalised(Cubic.B_SPLINE.spread(flat, 50, 30))).containsOnly(0f);
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 512, 512", "64, 40, 512, 320", "40, 400, 512, 512", "1000, 700, 1000, 700", "2000, 30, 2000, 30"
    })
    void theLegendStandsBelowAPictureLargeEnoughToRead(int width, int height, int across, int shown)
            throws IOException {
        AttentionMap map = one(4, 4, 1, 2);
        BufferedImage bare = read(HeatMap.of(plain(width, height, 90), map));
        BufferedImage drawn = read(HeatMap.of(plain(width, height, 90), map).withCaption("a red apple"));
        assertThat(bare.getWidth()).isEqualTo(across);
        assertThat(drawn.getWidth()).isEqualTo(across);
        // Three lines of letters and one more for the caption, which are as large as the picture is wide.
        double letter = Math.max(18, across / 28.0);
        assertThat(bare.getHeight()).isBetween(shown + (int) (2.9 * letter), shown + (int) (3.1 * letter) + 2);
        assertThat(drawn.getHeight() - bare.getHeight()).isBetween((int) letter, (int) (1.5 * letter));
        assertThat(ink(drawn, shown, shown + (int) (1.6 * letter))).isGreaterThan(100);
        assertThat(light(drawn.getRGB(0, shown + 1))).isEqualTo(3 * 255);
    }

    /** Dark pixels between two heights. */
    private static int ink(BufferedImage image, int from, int to) {
        int dark = 0;
        for (int y = from; y < to; y++) {
            for (int x = 0; x < image.getWidth(); x++) {
                dark += light(image.getRGB(x, y)) < 3 * 100 ? 1 : 0;
            }
        }
        return dark;
    }

    @Test
    void theBarGoesFromNoHeatToTheMost() throws IOException {
        BufferedImage drawn = read(HeatMap.of(plain(600, 100, 255), one(2, 2, 0, 0)));
        int y = 100 + (int) Math.round(1.4 * 600 / 28);
        int[] red = new int[600];
        int[] blue = new int[600];
        for (int x = 0; x < 600; x++) {
            red[x] = drawn.getRGB(x, y) >> 16 & 0xff;
            blue[x] = drawn.getRGB(x, y) & 0xff;
        }
        // Grey at its left end, yellow at its right.
        assertThat(red[200]).isCloseTo(blue[200], Offset.offset(25));
        assertThat(red[420] - blue[420]).isGreaterThan(70);
    }

    @Test
    void everyCaptionFits() throws IOException {
        Image picture = plain(512, 64, 200);
        AttentionMap map = one(2, 8, 1, 1);
        int one = read(HeatMap.of(picture, map).withCaption("apple")).getHeight();
        int most = 0;
        for (String caption : List.of(
                "a very long caption that does not fit into one line of the legend and goes on in the next",
                "word".repeat(200),
                "漢字 and 😀, which have no outlines, are boxes",
                "Ünïcödé, Ελληνικά, Кириллица – “quoted”…",
                "a\tb\nc")) {
            BufferedImage drawn = read(HeatMap.of(picture, map).withCaption(caption));
            assertThat(drawn.getWidth()).isEqualTo(512);
            assertThat(ink(drawn, 64, drawn.getHeight())).as(caption).isGreaterThan(100);
            // Nothing touches the edges.
            for (int y = 64; y < drawn.getHeight(); y++) {
                assertThat(light(drawn.getRGB(511, y))).isEqualTo(3 * 255);
                assertThat(light(drawn.getRGB(0, y))).isEqualTo(3 * 255);
            }
            most = Math.max(most, drawn.getHeight());
        }
        assertThat(most).isBetween(one + 70, one + 80); // three lines more
        assertThat(read(HeatMap.of(picture, map).withCaption(null)).getHeight()).isLessThan(one);
        assertThat(read(HeatMap.of(picture, map).withCaption(" \n ")).getHeight())
                .isLessThan(one);
    }

    @Test
    void linesBreakBetweenWords() {
        double width = Lettering.width("a red apple", 20);
        assertThat(Lettering.wrap("a red apple", 20, width + 1, 3)).containsExactly("a red apple");
        assertThat(Lettering.wrap("a red apple", 20, width - 1, 3)).containsExactly("a red", "apple");
        assertThat(Lettering.wrap("a red apple and a pear", 20, width + 1, 2))
                .containsExactly("a red apple", "and a pear");
        List<String> cut = Lettering.wrap("a red apple and a pear and more", 20, width + 1, 2);
        assertThat(cut).hasSize(2);
        assertThat(cut.get(1)).endsWith("…");
        assertThat(Lettering.width(cut.get(1), 20)).isLessThanOrEqualTo(width + 1);
        assertThat(String.join("", Lettering.wrap("abcdefghij".repeat(9), 20, width, 99)))
                .isEqualTo("abcdefghij".repeat(9));
    }
}
