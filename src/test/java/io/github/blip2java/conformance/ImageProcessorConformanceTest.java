/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.processor.Blip2ImageProcessor;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ImageReader;
import io.github.blip2java.processor.ReadOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Pictures against what Pillow and transformers make of them: {@code images_reference.py} wrote the expectations. */
class ImageProcessorConformanceTest {

    private static final Path IMAGES = Path.of(System.getProperty("blip2.test.resources"), "images");
    private static final Map<String, Blip2ImageProcessor> PROCESSORS = new TreeMap<>();
    private static final JsonNode EXPECTED = read();

    private static JsonNode read() {
        try {
            return new ObjectMapper().readTree(IMAGES.resolve("expected.json").toFile());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @BeforeAll
    static void makeProcessors(@TempDir Path folder) throws IOException {
        for (Map.Entry<String, JsonNode> setting : EXPECTED.get("settings").properties()) {
            Files.writeString(
                    folder.resolve("preprocessor_config.json"),
                    setting.getValue().toString());
            PROCESSORS.put(setting.getKey(), Blip2ImageProcessor.fromPretrained(folder));
        }
    }

    static Stream<String> pictures() {
        return stream("pictures").map(picture -> picture.get("file").textValue());
    }

    static Stream<String> formulas() {
        return stream("formulas").map(picture -> picture.get("width") + "x" + picture.get("height"));
    }

    private static Stream<JsonNode> stream(String list) {
        return StreamSupport.stream(EXPECTED.get(list).spliterator(), false);
    }

    @Test
    void thereAreEnoughPictures() {
        assertThat(pictures()).hasSizeGreaterThan(100);
    }

    @ParameterizedTest
    @MethodSource("pictures")
    void picturesAreDecodedAndResizedAndNormalisedTheSame(String file) throws IOException {
        JsonNode expected = stream("pictures")
                .filter(picture -> file.equals(picture.get("file").textValue()))
                .findFirst()
                .orElseThrow();
        Image image = ImageReader.read(IMAGES.resolve(file));
        assertThat(image.width()).isEqualTo(expected.get("width").intValue());
        assertThat(image.height()).isEqualTo(expected.get("height").intValue());
        assertSame(file, image.rgb(), expected.get("rgb"));
        checkProcessed(file, image, expected.get("processed"));

        Image stored =
                ImageReader.read(IMAGES.resolve(file), ReadOptions.defaults().withApplyExifOrientation(false));
        JsonNode asStored = expected.has("rgb_as_stored") ? expected.get("rgb_as_stored") : expected;
        assertThat(stored.width()).isEqualTo(asStored.get("width").intValue());
        assertSame(file + " as stored", stored.rgb(), asStored.has("rgb") ? asStored.get("rgb") : asStored);
    }

    @ParameterizedTest
    @MethodSource("formulas")
    void formulasOfManySizesAreResizedAndNormalisedTheSame(String size) {
        JsonNode expected = stream("formulas")
                .filter(picture -> size.equals(picture.get("width") + "x" + picture.get("height")))
                .findFirst()
                .orElseThrow();
        Image image =
                formula(expected.get("width").intValue(), expected.get("height").intValue());
        assertSame(size, image.rgb(), expected.get("rgb"));
        checkProcessed(size, image, expected.get("processed"));
    }

    @Test
    void everySettingIsAppliedTheSame() throws IOException {
        JsonNode scene = EXPECTED.get("scene");
        Image image = ImageReader.read(IMAGES.resolve(scene.get("file").textValue()));
        assertThat(scene.get("processed")).hasSizeGreaterThanOrEqualTo(6);
        checkProcessed("scene", image, scene.get("processed"));
    }

    @Test
    void aBatchIsItsPicturesOneByOne() {
        Blip2ImageProcessor processor = PROCESSORS.get("17x30");
        List<Image> images = List.of(formula(50, 40), formula(3, 90), formula(17, 30));
        float[] batch = floats(processor, images);
        int each = batch.length / 3;
        for (int i = 0; i < 3; i++) {
            assertThat(floats(processor, images.subList(i, i + 1)))
                    .isEqualTo(java.util.Arrays.copyOfRange(batch, i * each, (i + 1) * each));
        }
    }

    @Test
    void manyThreadsGetTheSameResults() {
        List<String> files =
                pictures().filter(file -> !file.contains("4000x3000")).toList();
        List<String> alone =
                files.stream().map(ImageProcessorConformanceTest::pixelHash).toList();
        List<String> together = files.parallelStream()
                .map(ImageProcessorConformanceTest::pixelHash)
                .toList();
        assertThat(together).isEqualTo(alone);
    }

    private static String pixelHash(String file) {
        try {
            Image image = ImageReader.read(IMAGES.resolve(file));
            return sha256(bytes(floats(PROCESSORS.get("224"), List.of(image))));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void brokenFilesAreRefusedByName() throws IOException {
        Map<String, String> reasons = Map.ofEntries(
                Map.entry("truncated.jpg", "expected JPEG's end marker, got the end of the file"),
                Map.entry("no-end.jpg", "expected JPEG's end marker, got the end of the file"),
                Map.entry("header-only.jpg", "expected a JPEG frame header, got none"),
                Map.entry("truncated-progressive.jpg", "expected JPEG's end marker, got the end of the file"),
                Map.entry("truncated.png", ": cannot be decoded as PNG ("),
                Map.entry("truncated.gif", ": cannot be decoded as GIF ("),
                Map.entry("truncated.webp", ": cannot be decoded as WEBP ("),
                Map.entry("truncated.bmp", ": cannot be decoded as BMP ("),
                Map.entry("truncated.tif", ": cannot be decoded as TIFF ("),
                Map.entry(
                        "text.jpg",
                        "expected a JPEG, PNG, GIF, BMP, TIFF, WebP, ICO, PBM, PGM or PPM file, got 23 bytes that begin with 54"),
                Map.entry("empty.png", "got an empty file"),
                Map.entry("bomb.png", "expected at most 178956970 pixels, got 60000x60000 = 3600000000"),
                Map.entry(
                        "heic.heic",
                        "got a HEIC picture; convert it to JPEG or PNG, for instance with libheif: heif-convert"));
        try (Stream<Path> files = Files.list(IMAGES.resolve("broken"))) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrderElementsOf(reasons.keySet());
        }
        reasons.forEach((name, reason) -> assertThatThrownBy(
                        () -> ImageReader.read(IMAGES.resolve("broken").resolve(name)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(name + ": ")
                .hasMessageContaining(reason));
    }

    private static void checkProcessed(String name, Image image, JsonNode expected) {
        for (Map.Entry<String, JsonNode> setting : expected.properties()) {
            Blip2ImageProcessor processor = PROCESSORS.get(setting.getKey());
            String what = name + " with setting " + setting.getKey();
            assertSame(what, processor.resize(image).rgb(), setting.getValue().get("resized"));
            float[] values = floats(processor, List.of(image));
            JsonNode digest = setting.getValue().get("pixel_values");
            explain(what, digest, i -> (double) values[i]);
            assertThat(sha256(bytes(values)))
                    .as(what)
                    .isEqualTo(digest.get("sha256").textValue());
        }
    }

    private static float[] floats(Blip2ImageProcessor processor, List<Image> images) {
        return processor.preprocess(images).data().asFloat();
    }

    private static void assertSame(String what, byte[] bytes, JsonNode digest) {
        explain(what, digest, i -> (double) (bytes[i] & 0xff));
        assertThat(sha256(bytes)).as(what).isEqualTo(digest.get("sha256").textValue());
    }

    /** Compares the few values that are stored beside a hash: when they differ, the message says by how much. */
    private static void explain(String what, JsonNode digest, IntFunction<Double> value) {
        JsonNode samples = digest.get("samples");
        for (int i = 0; i < samples.get("at").size(); i++) {
            int at = samples.get("at").get(i).intValue();
            assertThat(value.apply(at))
                    .as("%s: value %d", what, at)
                    .isEqualTo(samples.get("values").get(i).doubleValue());
        }
    }

    private static byte[] bytes(float[] values) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        return bytes.array();
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    /** The picture that the script's {@code formula} draws too. */
    private static Image formula(int width, int height) {
        byte[] rgb = new byte[3 * width * height];
        int at = 0;
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                for (int c = 0; c < 3; c++) {
                    rgb[at++] = (byte) ((x * (7 + 2 * c) + y * (11 - c) >> 2) ^ (x * y * (c + 1) >> 5));
                }
            }
        }
        return Image.ofRgb(width, height, rgb);
    }
}
