/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ImageReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Pictures as programs and transfers leave them: {@code situations_reference.py} wrote files and expectations. */
class PictureSituationsTest {

    private static final Path IMAGES = Resources.root().resolve("images");
    private static final Path FOLDER = IMAGES.resolve("situations");
    private static JsonNode expected;

    @BeforeAll
    static void readExpectations() throws IOException {
        expected = new ObjectMapper().readTree(IMAGES.resolve("situations.json").toFile());
    }

    /** Also those that belong to no situation below. */
    @Test
    void everyFileIsListedAndEveryPictureIsDecoded() throws IOException {
        try (Stream<Path> files = Files.list(FOLDER)) {
            assertThat(Stream.of("pictures", "refused").flatMap(PictureSituationsTest::names))
                    .containsExactlyInAnyOrderElementsOf(
                            files.map(file -> file.getFileName().toString()).toList());
        }
        check("");
    }

    private static Stream<String> names(String list) {
        return StreamSupport.stream(expected.get(list).spliterator(), false)
                .map(file -> file.get("file").textValue());
    }

    /** Checks all files whose names begin so. */
    private static void check(String... prefixes) {
        SoftAssertions all = new SoftAssertions();
        for (String prefix : prefixes) {
            List<JsonNode> pictures = new ArrayList<>();
            expected.get("pictures").forEach(picture -> {
                if (picture.get("file").textValue().startsWith(prefix)) {
                    pictures.add(picture);
                }
            });
            assertThat(pictures).as(prefix).isNotEmpty();
            pictures.forEach(picture -> all.assertThat(outcome(picture))
                    .as(picture.get("file").textValue())
                    .isEqualTo(picture.get("width") + "x" + picture.get("height") + " "
                            + picture.get("sha256").textValue()));
        }
        all.assertAll();
    }

    private static String outcome(JsonNode picture) {
        String file = picture.get("file").textValue();
        try {
            Image image = ImageReader.read(FOLDER.resolve(file));
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(image.rgb());
            return image.width() + "x" + image.height() + " " + HexFormat.of().formatHex(hash);
        } catch (Exception e) {
            return e.toString();
        }
    }

    @Test
    void jpegWithoutEndMarkerAndDataBehindItsRowsIsDecoded() {
        check("jpeg-no-end-", "jpeg-data-behind-end");
    }

    @Test
    void jpegWithoutEndMarkerWhoseCodesAreZerosForTheMostPartIsDecoded() {
        check("jpeg-no-end-zero-codes-");
    }

    @Test
    void jpegWithProfileSegmentsThatRepeatOrAreEmptyOrContradictEachOtherIsDecoded() {
        check("jpeg-icc-");
    }

    @Test
    void jpegWithOtherSegmentsOutOfOrderOrOfWrongLengthIsDecoded() {
        check("jpeg-jf", "jpeg-adobe-", "jpeg-junk-", "jpeg-fill-");
    }

    @Test
    void jpegIsTurnedAsExifSaysAndAsXmpSaysOnlyWithoutIt() {
        check("jpeg-exif-", "jpeg-xmp-");
    }

    @Test
    void pngWithoutEndChunkIsDecoded() {
        check(
                "png-palette-no-",
                "png-rgb-no-",
                "png-palette-end-",
                "png-rgb-end-",
                "png-palette-behind-",
                "png-rgb-beh");
    }

    @Test
    void pngWithTransparencyOrBackgroundBeforeItsPaletteIsDecoded() {
        check("png-palette-transparency-", "png-palette-background-");
    }

    @Test
    void pngWithSideChunksOfWrongLengthIsDecoded() {
        for (String chunk : List.of(
                "bKGD", "gAMA", "pHYs", "sBIT", "tIME", "cHRM", "hIST", "sRGB", "tRNS", "tEXt", "iTXt", "sPLT",
                "iCCP")) {
            check("png-palette-" + chunk, "png-rgb-" + chunk);
        }
        check("png-palette-side-", "png-rgb-side-");
    }

    @Test
    void pngWithPaletteOrHeaderOfOtherLengthIsDecoded() {
        check(
                "png-palette-twice",
                "png-palette-short",
                "png-palette-long",
                "png-palette-odd",
                "png-palette-before-",
                "png-palette-cut-",
                "png-header-",
                "png-rgb-palette-",
                "png-1bit-");
        check("png-palette-many-", "png-rgb-many-");
    }

    @Test
    void pngIsTurnedAsItsTextsSay() {
        check("png-orientation-");
    }

    @Test
    void gifWithStrayBytesBetweenBlocksIsDecoded() {
        check("gif-zero", "gif-control-", "gif-unknown-", "gif-no-trailer", "gif-data-");
    }

    @Test
    void gifWithoutItsLastBytesIsDecodedWhereAllPixelsAreThere() {
        check("gif-no-t", "gif-blocks-of-7", "gif-blocks-of-255");
    }

    @Test
    void gifWithBlocksOfOneByteIsDecoded() {
        check("gif-blocks-of-1", "gif-noise-blocks-of-1");
    }

    @Test
    void gifWithoutColorTableIsGray() {
        check("gif-no-table", "gif-own-", "gif-table-");
    }

    @Test
    void gifFrameOutsideOfItsCanvasMakesTheCanvasLarger() {
        check("gif-outside-", "gif-canvas-");
    }

    @Test
    void bmpThatStatesWrongSizesIsDecoded() {
        check("bmp-24-", "bmp-8-", "bmp-32-", "bmp-gray-", "bmp-1-", "bmp-rle");
    }

    @Test
    void bmpWithHeadersOfAllLengthsIsDecoded() {
        check("bmp-core", "bmp-header-");
    }

    @Test
    void tiffOfWideIntegersAndOfFloatsIsDecoded() {
        check("tiff-int", "tiff-uint", "tiff-float");
    }

    @Test
    void tiffWithWrongSizesOrHeaderIsDecoded() {
        check("tiff-strip-", "tiff-swapped-", "tiff-number");
    }

    @Test
    void tiffWithColorsMultipliedByAlphaIsDecoded() {
        check("tiff-premultiplied");
    }

    @Test
    void bigTiffIsDecoded() {
        check("tiff-big-");
    }

    @Test
    void tiffAndWebpAreTurnedAsExifSaysAndAsXmpSaysOnlyWithoutIt() {
        check("tiff-xmp-", "tiff-orientation-", "webp-xmp-", "webp-exif-");
    }

    @Test
    void animatedWebpGivesItsFirstFrame() {
        check("webp-animated");
    }

    @Test
    void iconGivesItsLargestPicture() {
        check("icon");
    }

    @Test
    void netpbmIsDecoded() {
        check("netpbm");
    }

    static Stream<String> refused() throws IOException {
        readExpectations();
        return names("refused");
    }

    @ParameterizedTest
    @MethodSource
    void refused(String file) {
        String message = StreamSupport.stream(expected.get("refused").spliterator(), false)
                .filter(entry -> file.equals(entry.get("file").textValue()))
                .findFirst()
                .orElseThrow()
                .get("message")
                .textValue();
        assertThatThrownBy(() -> ImageReader.read(FOLDER.resolve(file)))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith(FOLDER.resolve(file) + ": ")
                .hasMessageContaining(message);
    }
}
