/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** What can be seen without a reference; the conformance tests compare with Pillow. */
class BicubicResamplerTest {

    @Test
    void anUnchangedSizeIsNoWork() {
        Image image = Image.ofRgb(2, 1, new byte[] {1, 2, 3, 4, 5, 6});
        assertThat(BicubicResampler.resize(image, 2, 1)).isSameAs(image);
    }

    @Test
    void aPlainPictureStaysPlain() {
        byte[] plain = new byte[3 * 13 * 9];
        Arrays.fill(plain, (byte) 201);
        for (int size : new int[] {1, 2, 5, 9, 13, 40, 224}) {
            assertThat(BicubicResampler.resize(Image.ofRgb(13, 9, plain), size, size)
                            .rgb())
                    .containsOnly(201);
        }
    }

    @Test
    void channelsDoNotMix() {
        byte[] green = new byte[3 * 8 * 8];
        for (int i = 1; i < green.length; i += 3) {
            green[i] = (byte) (i * 7);
        }
        byte[] resized =
                BicubicResampler.resize(Image.ofRgb(8, 8, green), 5, 11).rgb();
        for (int i = 0; i < resized.length; i += 3) {
            assertThat(resized[i]).isZero();
            assertThat(resized[i + 2]).isZero();
        }
    }

    @Test
    void overshootIsCut() {
        // An edge makes the filter leave 0..255 on both sides of it.
        byte[] edge = new byte[3 * 8];
        Arrays.fill(edge, 12, 24, (byte) 255);
        byte[] wide = BicubicResampler.resize(Image.ofRgb(8, 1, edge), 64, 1).rgb();
        assertThat(wide).startsWith(0, 0, 0).endsWith(255, 255, 255);
        for (int x = 1; x < 64; x++) {
            assertThat(wide[3 * x] & 0xff).isGreaterThanOrEqualTo(wide[3 * x - 3] & 0xff);
        }
    }

    @Test
    void impossibleSizesAreRefused() {
        Image image = Image.ofRgb(1, 1, new byte[3]);
        assertThatThrownBy(() -> BicubicResampler.resize(image, 0, 5))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("size: expected width and height of at least 1, got 0x5");
        assertThatThrownBy(() -> BicubicResampler.resize(image, 50_000, 50_000))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("size: expected less than 2 GiB of pixels, got 50000x50000; scale the picture down first");
    }
}
