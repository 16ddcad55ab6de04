/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ImageReader;
import io.github.blip2java.processor.ReadOptions;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;

/** Transparent pictures over a colour: {@code ground_reference.py} wrote files and what Pillow makes of them. */
class PictureGroundTest {
    private static final Path IMAGES = Resources.root().resolve("images");
    private static final Path FOLDER = IMAGES.resolve("ground");

    private static String hash(Path file, ReadOptions options) {
        try {
            byte[] rgb = ImageReader.read(file, options).rgb();
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(rgb));
        } catch (Exception e) {
            return e.toString();
        }
    }

    @Test
    void transparentPicturesOfAllFormatsLieOnTheGroundAsPillowPutsThem() throws Exception {
        JsonNode expected =
                new ObjectMapper().readTree(IMAGES.resolve("ground.json").toFile());
        try (Stream<Path> files = Files.list(FOLDER)) {
            assertThat(expected.get("pictures").findValuesAsText("file"))
                    .containsExactlyInAnyOrderElementsOf(
                            files.map(file -> file.getFileName().toString()).toList());
        }
        SoftAssertions all = new SoftAssertions();
        for (JsonNode picture : expected.get("pictures")) {
            Path file = FOLDER.resolve(picture.get("file").textValue());
            all.assertThat(hash(file, ReadOptions.defaults()))
                    .as(file.getFileName() + " without a ground")
                    .isEqualTo(picture.get("none").textValue());
            for (JsonNode ground : expected.get("grounds")) {
                String color = ground.textValue();
                all.assertThat(hash(file, ReadOptions.defaults().withBackground(color)))
                        .as(file.getFileName() + " on " + color)
                        .isEqualTo(picture.get(color).textValue());
            }
        }
        all.assertAll();
    }

    @Test
    void picturesThatAreDecodedAlreadyLieOnTheGroundToo() {
        for (int type : List.of(
                BufferedImage.TYPE_INT_ARGB,
                BufferedImage.TYPE_4BYTE_ABGR,
                BufferedImage.TYPE_INT_ARGB_PRE,
                BufferedImage.TYPE_4BYTE_ABGR_PRE)) {
            BufferedImage image = new BufferedImage(2, 1, type);
            image.setRGB(0, 0, 0xff0a141e);
            image.setRGB(1, 0, 0);
            Image read = ImageReader.read(image, ReadOptions.defaults().withBackground(Color.WHITE));
            assertThat(read.rgb()).as("type %d", type).containsExactly(10, 20, 30, 255, 255, 255);
            assertThat(image.getRGB(1, 0)).isZero();
        }
    }

    @Test
    void backgroundsAreNamedAsInCss() {
        ReadOptions options = ReadOptions.defaults();
        assertThat(options.background()).isNull();
        assertThat(options.withBackground("White").background()).isEqualTo(Color.WHITE);
        assertThat(options.withBackground("#1E90ff").background()).isEqualTo(new Color(30, 144, 255));
        assertThat(options.withBackground("#f80").background()).isEqualTo(new Color(255, 136, 0));
        for (String wrong : List.of("whitish", "#12345", "", "255,255,255", "#ggg")) {
            assertThatThrownBy(() -> options.withBackground(wrong))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(
                            "background: expected a colour as #rrggbb, #rgb, or one of aqua, black, blue, fuchsia, gray,"
                                    + " green, lime, maroon, navy, olive, orange, purple, red, silver, teal, white, yellow; got \""
                                    + wrong + '"');
        }
    }
}
