/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.blip2java.checkpoint.MalformedCheckpointException;
import io.github.blip2java.checkpoint.UnsupportedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

class ImageProcessorConfigTest {

    @TempDir
    Path folder;

    private ImageProcessorConfig read(String json) throws IOException {
        Files.writeString(folder.resolve("preprocessor_config.json"), json);
        return ImageProcessorConfig.fromPretrained(folder);
    }

    @Test
    void anEmptyObjectGivesTheDefaults() throws IOException {
        ImageProcessorConfig config = read("{}");
        assertThat(config).isEqualTo(ImageProcessorConfig.defaults());
        assertThat(config.height()).isEqualTo(384);
        assertThat(config.rescaleFactor()).isEqualTo(1 / 255.0);
        assertThat(config.imageMean()).containsExactly(0.48145466, 0.4578275, 0.40821073);
        assertThat(config.imageStd()).containsExactly(0.26862954, 0.26130258, 0.27577711);
    }

    @Test
    void aPublishedFileIsRead() throws IOException {
        ImageProcessorConfig config = read("""
                {"do_convert_rgb": true, "do_normalize": true, "do_rescale": true, "do_resize": true,
                 "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_processor_type": "BlipImageProcessor",
                 "image_std": [0.26862954, 0.26130258, 0.27577711], "processor_class": "Blip2Processor",
                 "resample": 3, "rescale_factor": 0.00392156862745098, "size": {"height": 364, "width": 364}}
                """);
        assertThat(config).isEqualTo(ImageProcessorConfig.defaults().withSize(364, 364));
    }

    @Test
    void theNestedConfigurationWins() throws IOException {
        Files.writeString(
                folder.resolve("processor_config.json"),
                "{\"num_query_tokens\": 32, \"image_processor\": {\"size\": 224}}");
        assertThat(read("{\"size\": 100}").width()).isEqualTo(224);
        Files.writeString(folder.resolve("processor_config.json"), "{\"num_query_tokens\": 32}");
        assertThat(read("{\"size\": 100}").width()).isEqualTo(100);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    {"resample": 2} | resample 2 is not supported; supported: 3 (bicubic)
                    {"do_center_crop": true} | do_center_crop true is not supported; supported: false
                    {"do_pad": true} | do_pad true is not supported; supported: false
                    {"size": {"shortest_edge": 224}} | size {"shortest_edge":224} is not supported; supported: {"height": …, "width": …} or one number
                    """)
    void whatIsNotSupportedIsNamed(String json, String message) {
        assertThatThrownBy(() -> read(json))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessage("preprocessor_config.json: " + message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    {"do_resize": 1} | do_resize: expected true or false, got 1
                    {"resample": "bicubic"} | resample: expected a whole number from 0, got "bicubic"
                    {"rescale_factor": "x"} | rescale_factor: expected a number, got "x"
                    {"size": 0} | size: expected a whole number from 1 to 4096, got 0
                    {"image_mean": [0.5, 0.5]} | image_mean: expected 3 numbers, or one for all, got [0.5,0.5]
                    {"image_mean": [0.5, "a", 0.5]} | image_mean: expected 3 numbers, or one for all, got [0.5,"a",0.5]
                    {"image_std": 0} | image_std: expected numbers other than 0, got [0.0, 0.0, 0.0]
                    {"size": 1000000} | size: expected a whole number from 1 to 4096, got 1000000
                    {"size": {"height": 224, "width": 1000000}} | size.width: expected a whole number from 1 to 4096, got 1000000
                    {"size": [224, 224]} | size: expected a whole number from 1 to 4096, got [224,224]
                    {"rescale_factor": 1e999} | rescale_factor: expected a number, got "Infinity"
                    [] | expected a JSON object, got []
                    """)
    void wrongValuesAreNamed(String json, String message) {
        assertThatThrownBy(() -> read(json))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessage("preprocessor_config.json: " + message + "; download it again");
    }

    @Test
    void brokenAndMissingFilesAreNamed() {
        assertThatThrownBy(() -> ImageProcessorConfig.fromPretrained(folder))
                .isInstanceOf(IOException.class)
                .hasMessage(folder + ": expected preprocessor_config.json, or processor_config.json with an entry"
                        + " image_processor; found neither, copy the file from the original checkpoint");
        assertThatThrownBy(() -> read("{\"size\": "))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessage("preprocessor_config.json, line 1, column 10: expected JSON, got a syntax error: Unexpected"
                        + " end-of-input within/between Object entries; download it again");
    }

    @Test
    void pixelValuesAreRowMajorFloats() {
        ImageProcessorConfig config =
                new ImageProcessorConfig(false, 1, 1, true, 0.5, true, List.of(1.0, 2.0, 3.0), List.of(1.0, 2.0, 4.0));
        Image image = Image.ofRgb(2, 1, new byte[] {10, 20, 30, 2, 4, 6});
        INDArray values = new Blip2ImageProcessor(config).preprocess(List.of(image));
        assertThat(values.dataType()).isEqualTo(DataType.FLOAT);
        assertThat(values.ordering()).isEqualTo('c');
        assertThat(values.shape()).containsExactly(1, 3, 1, 2);
        assertThat(values.data().asFloat()).containsExactly(4, 0, 4, 0, 3, 0);
    }

    @Test
    void picturesThatAreNotResizedMustBeOfOneSize() {
        ImageProcessorConfig config =
                new ImageProcessorConfig(false, 1, 1, true, 0.5, true, List.of(0.0, 0.0, 0.0), List.of(1.0, 1.0, 1.0));
        Blip2ImageProcessor processor = new Blip2ImageProcessor(config);
        List<Image> images = List.of(Image.ofRgb(1, 1, new byte[3]), Image.ofRgb(2, 1, new byte[6]));
        assertThatThrownBy(() -> processor.preprocess(images))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("images: do_resize is false, so expected pictures of one size, got 1x1 and 2x1");
        assertThatThrownBy(() -> processor.preprocess(List.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("images: expected at least one picture, got none");
    }
}
