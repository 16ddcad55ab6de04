/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.RetrievalImages;
import io.github.blip2java.RetrievalTexts;
import io.github.blip2java.checkpoint.SafetensorsFile;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.cli.verify.Check;
import io.github.blip2java.demo.DemoModel;
import io.github.blip2java.pipeline.Blip2RetrievalPipeline;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ImageReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The trained retrieval twin with 200 drawings that it never saw: embeddings and first places as those of {@code transformers}, which
 * {@code bundle_retrieval.py} wrote.
 */
class RetrievalTwinConformanceTest {
    private static Blip2RetrievalPipeline blip2;
    private static JsonNode expected;
    private static RetrievalImages drawings;

    @BeforeAll
    static void load() throws IOException {
        blip2 = Blip2RetrievalPipeline.load(DemoModel.retrievalCheckpoint());
        expected = new ObjectMapper()
                .readTree(Resources.root().resolve("demo/retrieval.json").toFile());
        List<Image> images = new ArrayList<>();
        for (String file : texts(expected.get("files"))) {
            images.add(ImageReader.read(HeldOutDrawings.REPOSITORY.resolve(file)));
        }
        assertThat(images).hasSize(200);
        drawings = blip2.encode(images);
    }

    @AfterAll
    static void close() {
        blip2.close();
    }

    @Test
    void everyEmbeddingIsThatOfTransformers() throws IOException {
        assertEqual("images", drawings.embeddings());
        for (String kind : List.of("captions", "names")) {
            assertEqual(
                    kind,
                    blip2.encodeTexts(texts(expected.get(kind).get("texts"))).embeddings());
        }
    }

    /** Vector by vector: all have length 1, so that the cosine is their product. */
    private static void assertEqual(String name, INDArray embeddings) throws IOException {
        float[] actual = embeddings.data().asFloat();
        float[] wanted = new float[actual.length];
        try (SafetensorsFile file = SafetensorsFile.open(Resources.root().resolve("demo/retrieval.safetensors"))) {
            assertThat(file.tensors().get(name).shape()).isEqualTo(embeddings.shape());
            file.map(name).asFloatBuffer().get(wanted);
        }
        int width = blip2.model().config().imageTextHiddenSize();
        for (int from = 0; from < actual.length; from += width) {
            double cosine = 0;
            for (int i = from; i < from + width; i++) {
                cosine += (double) actual[i] * wanted[i];
            }
            assertThat(cosine).as("%s, vector %d", name, from / width).isBetween(0.99999, 1.00001);
        }
    }

    /** Not as many: the very same, right or wrong. */
    @ParameterizedTest
    @ValueSource(strings = {"captions", "names"})
    void theSameTextAndTheSameDrawingAreFirst(String kind) {
        RetrievalTexts texts = blip2.encodeTexts(texts(expected.get(kind).get("texts")));
        float[][] cosines = blip2.model().similarities(drawings, texts);
        JsonNode first = expected.get(kind).get("itc");
        assertThat(each(drawing -> best(texts.size(), text -> cosines[drawing][text])))
                .isEqualTo(ints(first.get("text")));
        assertThat(each(text -> best(drawings.size(), drawing -> cosines[drawing][text])))
                .isEqualTo(ints(first.get("drawing")));
    }

    /** Of the best 16 by cosine, by the matching head. */
    @ParameterizedTest
    @ValueSource(strings = {"captions", "names"})
    void theMatchingHeadPutsTheSameFirst(String kind) {
        List<String> said = texts(expected.get(kind).get("texts"));
        RetrievalTexts texts = blip2.encodeTexts(said);
        int best = expected.get("reranked").intValue();
        JsonNode first = expected.get(kind).get("itm");
        assertThat(each(drawing ->
                        blip2.rank(drawings.image(drawing), texts, best).get(0).index()))
                .isEqualTo(ints(first.get("text")));
        assertThat(each(text ->
                        blip2.search(drawings, said.get(text), best).get(0).index()))
                .isEqualTo(ints(first.get("drawing")));
    }

    /** What docs/demo-model.md promises; a guess would be right once in 200 times. */
    @Test
    void itHasLearnedEnough() {
        JsonNode first = expected.get("names").get("itc");
        assertThat(right(first.get("text"))).isGreaterThanOrEqualTo(140);
        assertThat(right(first.get("drawing"))).isGreaterThanOrEqualTo(120);
    }

    @Test
    void everyCheckOfItsReferenceCaseHolds() throws IOException {
        List<Check> checks = ReferenceCasesTest.run(DemoModel.retrievalReferenceCase(), WeightFormat.AUTO);
        assertThat(checks).hasSizeGreaterThanOrEqualTo(10).allMatch(Check::ok);
        ReferenceCasesTest.assertHeldToTheReferencesOwnError(checks);
    }

    private static long right(JsonNode first) {
        List<Integer> places = ints(first);
        return IntStream.range(0, places.size()).filter(i -> places.get(i) == i).count();
    }

    private static List<Integer> each(IntUnaryOperator first) {
        return IntStream.range(0, drawings.size()).map(first).boxed().toList();
    }

    private interface Score {
        float of(int index);
    }

    private static int best(int count, Score score) {
        int best = 0;
        for (int i = 1; i < count; i++) {
            best = score.of(i) > score.of(best) ? i : best;
        }
        return best;
    }

    private static List<String> texts(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false)
                .map(JsonNode::textValue)
                .toList();
    }

    private static List<Integer> ints(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false)
                .map(JsonNode::intValue)
                .toList();
    }
}
