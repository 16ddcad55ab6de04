/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.processor.ImageReader;
import io.github.blip2java.processor.ReadOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;

/** Files that stop half-way: {@code truncated_reference.py} wrote files and what Pillow makes of their beginnings. */
class TruncatedPicturesTest {
    private static final Path IMAGES = Resources.root().resolve("images");
    private static final ReadOptions ALLOWED = ReadOptions.defaults().withAllowTruncated(true);

    private static String hash(byte[] file, ReadOptions options) {
        try {
            byte[] rgb = ImageReader.read(file, options).rgb();
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(rgb));
        } catch (Exception e) {
            return e.toString();
        }
    }

    @Test
    void whatIsMissingIsAsPillowLeavesIt() throws Exception {
        JsonNode expected =
                new ObjectMapper().readTree(IMAGES.resolve("truncated.json").toFile());
        SoftAssertions all = new SoftAssertions();
        int cuts = 0;
        for (JsonNode picture : expected.get("pictures")) {
            String name = picture.get("file").textValue();
            byte[] whole = Files.readAllBytes(IMAGES.resolve("truncated").resolve(name));
            all.assertThat(hash(whole, ALLOWED))
                    .as(name)
                    .isEqualTo(picture.get("whole").textValue());
            for (var cut : picture.get("cuts").properties()) {
                byte[] file = Arrays.copyOf(whole, Integer.parseInt(cut.getKey()));
                if (cut.getValue().isNull()) {
                    all.assertThat(hash(file, ALLOWED)).startsWith("java.io.IOException: ");
                } else {
                    all.assertThat(hash(file, ALLOWED))
                            .as(name + " of " + cut.getKey() + " bytes")
                            .isEqualTo(cut.getValue().textValue());
                }
                cuts++;
            }
        }
        all.assertAll();
        assertThat(cuts).isGreaterThan(90);
    }

    /** Of coefficients that have not come, libjpegs of different ages make different guesses. */
    @Test
    void theMoreOfAProgressivePictureIsThereTheNearerItIs() throws IOException {
        byte[] whole = Files.readAllBytes(IMAGES.resolve("truncated").resolve("progressive.jpg"));
        byte[] pixels = ImageReader.read(whole).rgb();
        double before = Double.MAX_VALUE;
        for (double fraction : new double[] {0.4, 0.6, 0.8, 0.95}) {
            byte[] some = ImageReader.read(Arrays.copyOf(whole, (int) (fraction * whole.length)), ALLOWED)
                    .rgb();
            double distance = 0;
            for (int i = 0; i < pixels.length; i++) {
                distance += Math.abs((pixels[i] & 0xff) - (some[i] & 0xff));
            }
            assertThat(distance)
                    .as("%.0f %% of the file", 100 * fraction)
                    .isLessThan(before)
                    .isPositive();
            before = distance;
        }
    }

    @Test
    void unlessToldOtherwiseNothingMayBeMissing() throws IOException {
        JsonNode expected =
                new ObjectMapper().readTree(IMAGES.resolve("truncated.json").toFile());
        for (JsonNode picture : expected.get("pictures")) {
            String name = picture.get("file").textValue();
            byte[] whole = Files.readAllBytes(IMAGES.resolve("truncated").resolve(name));
            byte[] half = Arrays.copyOf(whole, whole.length / 2);
            assertThatThrownBy(() -> ImageReader.read(half)).as(name).isInstanceOf(IOException.class);
            byte[] nothing = Arrays.copyOf(whole, 8);
            assertThatThrownBy(() -> ImageReader.read(nothing, ALLOWED))
                    .as(name)
                    .isInstanceOf(IOException.class);
        }
    }
}
