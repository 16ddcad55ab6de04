/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.AttentionMap;
import io.github.blip2java.Blip2ForImageTextRetrieval;
import io.github.blip2java.LoadOptions;
import io.github.blip2java.RetrievalImages;
import io.github.blip2java.RetrievalTexts;
import io.github.blip2java.checkpoint.SafetensorsFile;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.demo.DemoModel;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.internal.tensor.Tensors;
import io.github.blip2java.pipeline.Blip2RetrievalPipeline;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ImageReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What a text looks at: as the derivatives of {@code torch} say, which {@code attention_reference.py} wrote. */
class AttentionTest {
    /** Root mean square of the difference over that of the values; derivatives in float32 as there, in another order. */
    private static final double BOUND = 1e-4;

    private static final Path FILES = Resources.root().resolve("attention");

    /** Of 200 names, each in a picture of two held-out drawings; {@code transformers} has 188. */
    private static final int ON_THE_RIGHT_SIDE = 188;

    static JsonNode expected() throws IOException {
        return new ObjectMapper().readTree(FILES.resolve("attention.json").toFile());
    }

    static Stream<String> cases() throws IOException {
        return expected().get("matching").propertyStream().map(entry -> entry.getKey());
    }

    @Tag("arithmetic")
    @ParameterizedTest
    @MethodSource("cases")
    void equalsTheDerivativesOfTorch(String name) throws IOException {
        Path folder = Resources.reference().resolve(name);
        try (Blip2ForImageTextRetrieval model =
                        Blip2ForImageTextRetrieval.fromPretrained(folder.resolve("checkpoint"));
                SafetensorsFile inputs = SafetensorsFile.open(folder.resolve("reference.safetensors"));
                SafetensorsFile maps = SafetensorsFile.open(FILES.resolve(name + ".safetensors"))) {
            RetrievalImages images = model.encodeImages(array(inputs, "input.pixel_values"));
            RetrievalTexts texts = texts(model, inputs);
            JsonNode pairs = expected().get("matching").get(name);
            for (int pair = 0; pair < pairs.size(); pair++) {
                int image = pairs.get(pair).get(0).intValue();
                int text = pairs.get(pair).get(1).intValue();
                assertEqual(model.attentionMaps(images, texts, image, text), maps, pair);
            }
        }
    }

    private static RetrievalTexts texts(Blip2ForImageTextRetrieval model, SafetensorsFile inputs) throws IOException {
        return model.encodeTexts(
                ids(inputs, "input.text_only.input_ids"), ids(inputs, "input.text_only.attention_mask"));
    }

    private static void assertEqual(List<AttentionMap> actual, SafetensorsFile expected, int pair) throws IOException {
        assertThat(expected.tensors()).doesNotContainKey(pair + "." + actual.size() + ".map");
        for (int layer = 0; layer < actual.size(); layer++) {
            assertClose(actual.get(layer), expected, pair + "." + layer + ".map");
        }
    }

    static void assertClose(AttentionMap actual, SafetensorsFile expected, String name) throws IOException {
        assertThat(new long[] {actual.heads(), actual.rows(), actual.columns()})
                .isEqualTo(expected.tensors().get(name).shape());
        assertClose(flat(actual), floats(expected, name), name);
    }

    static void assertClose(float[] actual, float[] expected, String name) {
        double difference = 0;
        double size = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += Math.pow(actual[i] - expected[i], 2);
            size += Math.pow(expected[i], 2);
        }
        assertThat(size).as(name).isPositive();
        assertThat(Math.sqrt(difference / size)).as(name).isLessThan(BOUND);
    }

    /** But for rounding, which the compiler of Java may change while a program runs. */
    static void assertClose(List<AttentionMap> actual, List<AttentionMap> expected) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < actual.size(); i++) {
            assertClose(flat(actual.get(i)), flat(expected.get(i)), "map " + i);
        }
    }

    static float[] flat(AttentionMap map) {
        float[] flat = new float[map.heads() * map.rows() * map.columns()];
        int at = 0;
        for (float[][] head : map.values()) {
            for (float[] row : head) {
                System.arraycopy(row, 0, flat, at, row.length);
                at += row.length;
            }
        }
        return flat;
    }

    static float[] floats(SafetensorsFile file, String name) throws IOException {
        long elements = Arrays.stream(file.tensors().get(name).shape()).reduce(1, (a, b) -> a * b);
        float[] values = new float[Math.toIntExact(elements)];
        file.map(name).asFloatBuffer().get(values);
        return values;
    }

    static INDArray array(SafetensorsFile file, String name) throws IOException {
        int[] shape = Arrays.stream(file.tensors().get(name).shape())
                .mapToInt(Math::toIntExact)
                .toArray();
        return Tensors.toINDArray(Tensor.of(floats(file, name), shape));
    }

    private static long[][] ids(SafetensorsFile file, String name) throws IOException {
        long[] shape = file.tensors().get(name).shape();
        long[][] ids = new long[Math.toIntExact(shape[0])][Math.toIntExact(shape[1])];
        var values = file.map(name).asLongBuffer();
        for (long[] row : ids) {
            values.get(row);
        }
        return ids;
    }

    /** Whatever else is in the batch, and whatever is padded. */
    @Test
    void aPairAloneIsThePairAmongOthers() throws IOException {
        Path folder = Resources.reference().resolve("itm-tiny");
        try (Blip2ForImageTextRetrieval model =
                        Blip2ForImageTextRetrieval.fromPretrained(folder.resolve("checkpoint"));
                SafetensorsFile inputs = SafetensorsFile.open(folder.resolve("reference.safetensors"))) {
            RetrievalImages images = model.encodeImages(array(inputs, "input.pixel_values"));
            RetrievalTexts texts = texts(model, inputs);
            long[] padded = ids(inputs, "input.text_only.input_ids")[2];
            long[] mask = ids(inputs, "input.text_only.attention_mask")[2];
            int length = (int) Arrays.stream(mask).sum();
            assertThat(length).isLessThan(padded.length);
            RetrievalTexts alone = model.encodeTexts(new long[][] {Arrays.copyOf(padded, length)}, null);
            List<AttentionMap> map = model.attentionMaps(images, texts, 1, 2);
            assertClose(model.attentionMaps(images.image(1), alone, 0, 0), map);
            for (List<AttentionMap> other :
                    List.of(model.attentionMaps(images, texts, 1, 1), model.attentionMaps(images, texts, 0, 2))) {
                assertThat(cosine(other.get(0), map.get(0))).isLessThan(0.999);
            }
        }
    }

    /** Where rows and columns differ, none is taken for the other. */
    @Test
    void aMapHasTheRowsAndColumnsOfThePicture() throws IOException {
        try (Blip2ForImageTextRetrieval model =
                Blip2ForImageTextRetrieval.fromPretrained(Resources.checkpoint("itm-tiny"))) {
            int patch = model.config().visionConfig().patchSize();
            float[] values = new float[3 * 2 * patch * 5 * patch];
            for (int i = 0; i < values.length; i++) {
                values[i] = i % 7 - 3;
            }
            INDArray pixels = Tensors.toINDArray(Tensor.of(values, 1, 3, 2 * patch, 5 * patch));
            RetrievalImages image = model.encodeImages(pixels, true);
            RetrievalTexts text = model.encodeTexts(new long[][] {{2, 30, 31, 3}}, null);
            assertThat(model.attentionMaps(image, text, 0, 0)).allSatisfy(map -> {
                assertThat(map.rows()).isEqualTo(2);
                assertThat(map.columns()).isEqualTo(5);
                assertThat(map.heads()).isEqualTo(model.config().qformerConfig().numAttentionHeads());
            });
            assertThatThrownBy(() -> model.attentionMaps(image, text, 1, 0))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("pairs: expected images from 0 to 0 and texts from 0 to 0, got 1 and 0");
            model.close();
            assertThatThrownBy(() -> model.attentionMaps(image, text, 0, 0)).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void theTwinLooksWhereTransformersLooks() throws IOException {
        JsonNode twin = expected().get("twin");
        int right = 0;
        try (Blip2RetrievalPipeline blip2 = Blip2RetrievalPipeline.load(DemoModel.retrievalCheckpoint());
                SafetensorsFile maps = SafetensorsFile.open(FILES.resolve("twin.safetensors"))) {
            assertThat(twin).hasSize(100);
            for (int picture = 0; picture < 100; picture++) {
                JsonNode shown = twin.get(picture);
                RetrievalImages image = blip2.encode(sideBySide(shown.get("files")));
                List<String> names = new ArrayList<>();
                shown.get("texts").forEach(text -> names.add(text.textValue()));
                RetrievalTexts texts = blip2.encodeTexts(names);
                for (int side = 0; side < 2; side++) {
                    if (picture < 2) {
                        assertEqual(blip2.model().attentionMaps(image, texts, 0, side), maps, 2 * picture + side);
                    }
                    double share = share(blip2.explain(image, texts, 0, side), side);
                    assertThat(share)
                            .as(names.get(side))
                            .isCloseTo(shown.get("shares").get(side).doubleValue(), Offset.offset(1e-3));
                    right += share > 0.5 ? 1 : 0;
                }
            }
        }
        assertThat(right).isGreaterThanOrEqualTo(ON_THE_RIGHT_SIDE);
    }

    /** Two drawings of 96 × 96 pixels as one of 192 × 96. */
    private static Image sideBySide(JsonNode files) throws IOException {
        byte[] rgb = new byte[192 * 96 * 3];
        for (int side = 0; side < 2; side++) {
            Image drawing =
                    ImageReader.read(Resources.root().resolve(files.get(side).textValue()));
            assertThat(new int[] {drawing.width(), drawing.height()}).containsExactly(96, 96);
            for (int row = 0; row < 96; row++) {
                System.arraycopy(drawing.rgb(), row * 96 * 3, rgb, (row * 2 + side) * 96 * 3, 96 * 3);
            }
        }
        return Image.ofRgb(192, 96, rgb);
    }

    private static double share(AttentionMap map, int side) {
        double[] heat = new double[2];
        for (float[] row : map.mean()) {
            for (int column = 0; column < row.length; column++) {
                heat[2 * column / row.length] += row[column];
            }
        }
        return heat[side] / (heat[0] + heat[1]);
    }

    /** Of the apple beside the pear, however the weights are kept. */
    @ParameterizedTest
    @EnumSource
    void everyKindOfWeightsLooksAtTheSame(WeightFormat format) throws IOException {
        LoadOptions options = LoadOptions.defaults().withDtype(format);
        Image picture = ImageReader.read(HeldOutDrawings.REPOSITORY.resolve("docs/heatmaps/apple-and-pear.png"));
        try (Blip2RetrievalPipeline blip2 = Blip2RetrievalPipeline.load(DemoModel.retrievalCheckpoint(), options);
                Blip2RetrievalPipeline asStored = Blip2RetrievalPipeline.load(DemoModel.retrievalCheckpoint())) {
            for (String text : List.of("a red apple", "a green pear")) {
                AttentionMap map = blip2.explain(picture, text);
                assertThat(cosine(map, asStored.explain(picture, text)))
                        .isGreaterThan(format == WeightFormat.INT4 ? 0.9 : format == WeightFormat.INT8 ? 0.99 : 0.9999);
                assertThat(share(map, text.contains("apple") ? 0 : 1)).isGreaterThan(0.8);
            }
        }
    }

    private static double cosine(AttentionMap one, AttentionMap other) {
        float[] a = flat(one);
        float[] b = flat(other);
        double ab = 0;
        double aa = 0;
        double bb = 0;
        for (int i = 0; i < a.length; i++) {
            ab += (double) a[i] * b[i];
            aa += (double) a[i] * a[i];
            bb += (double) b[i] * b[i];
        }
        return ab / Math.sqrt(aa * bb);
    }
}
