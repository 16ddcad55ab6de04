/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.ProgressListener;
import io.github.blip2java.checkpoint.Checkpoint;
import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.cli.verify.Check;
import io.github.blip2java.conversion.CheckpointConverter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The reference cases of retrieval models, by the same checks that {@code blip2 verify} runs. */
class RetrievalCasesTest {
    @TempDir
    Path directory;

    static Stream<Path> cases() throws IOException {
        return ReferenceCasesTest.folders().filter(RetrievalCasesTest::isRetrieval);
    }

    static boolean isRetrieval(Path path) {
        return path.getFileName().toString().startsWith("itm-");
    }

    @Test
    void thereIsACaseForEveryKindOfCheckpoint() throws IOException {
        assertThat(cases().map(path -> path.getFileName().toString()))
                .contains("itm-tiny", "itm-image-token", "itm-bf16", "itm-wide");
    }

    @Tag("arithmetic")
    @ParameterizedTest
    @MethodSource("cases")
    void equalsTransformers(Path path) throws IOException {
        List<Check> checks = ReferenceCasesTest.run(path, WeightFormat.AUTO);
        assertThat(checks).allMatch(Check::ok);
        assertThat(checks)
                .extracting(Check::name)
                .contains(
                        "expected.vision.last_hidden_state",
                        "expected.itc.logits_per_image",
                        "expected.itc.text_embeds",
                        "expected.itm.every_pair",
                        "expected.image_embeds",
                        "expected.text_embeds",
                        "expected.text_embeds_at_positions",
                        "expected.multimodal_features");
        ReferenceCasesTest.assertHeldToTheReferencesOwnError(checks);
    }

    @Test
    void aPaddedBatchOfPairsAndTheProcessorAreAmongTheChecks() throws IOException {
        assertThat(ReferenceCasesTest.run(Resources.reference().resolve("itm-tiny"), WeightFormat.AUTO))
                .extracting(Check::name)
                .contains(
                        "expected.itm.logits_per_image",
                        "expected.itm.text_embeds",
                        "expected.text.hidden_states.3",
                        "expected.images.noise.png",
                        "text/0");
    }

    /** 16 bits of 32 are held to the bars that docs/numerics.md works out for them; wider than stored changes nothing. */
    @ParameterizedTest
    @MethodSource("cases")
    void otherWidthsOfFloatsAreHeldToTheirBars(Path path) throws IOException {
        for (WeightFormat format : List.of(WeightFormat.F32, WeightFormat.F16, WeightFormat.BF16)) {
            assertThat(ReferenceCasesTest.run(path, format)).as(format.name()).allMatch(Check::ok);
        }
    }

    /** As in {@link QuantisedCasesTest}, random weights have no redundancy, so the bars for trained ones do not hold here. */
    @ParameterizedTest
    @MethodSource("cases")
    void eightAndFourBitsAreClose(Path path) throws IOException {
        List<Check> eightBits = compareConvertedWithLoaded(path, WeightFormat.INT8);
        assertClose(eightBits, 0.998);
        assertThat(eightBits).extracting(Check::name).contains("expected.itc.logits_per_image");
        // With random weights texts and images are hardly related: ten cosines near 0 have no direction that 4 bits
        // could keep. The
        // embeddings that they come from are held to the bound.
        assertClose(
                compareConvertedWithLoaded(path, WeightFormat.INT4).stream()
                        .filter(check -> !check.name().equals("expected.itc.logits_per_image"))
                        .toList(),
                0.85);
    }

    private static void assertClose(List<Check> checks, double cosine) {
        assertThat(checks)
                .extracting(Check::name)
                .contains("expected.itm.every_pair", "expected.image_embeds", "expected.text_embeds");
        assertThat(checks)
                .filteredOn(check -> check.kind().equals("tensor"))
                .allSatisfy(check -> assertThat(check.cosine()).as(check.name()).isGreaterThan(cosine));
    }

    private List<Check> compareConvertedWithLoaded(Path reference, WeightFormat format) throws IOException {
        Path converted = Resources.copy(reference, directory.resolve(format.name()));
        Resources.delete(converted.resolve("checkpoint"));
        CheckpointConverter.convert(
                reference.resolve("checkpoint"), converted.resolve("checkpoint"), format, ProgressListener.NONE);
        try (Checkpoint checkpoint = Checkpoint.open(converted.resolve("checkpoint"))) {
            DType expected = format == WeightFormat.INT8 ? DType.I8 : DType.U8;
            checkpoint
                    .tensors()
                    .forEach((name, tensor) ->
                            assertThat(tensor.dtype() == expected).as(name).isEqualTo(isMatrix(name)));
        }
        List<Check> loaded = ReferenceCasesTest.run(reference, format);
        assertThat(ReferenceCasesTest.run(converted, WeightFormat.AUTO)).zipSatisfy(loaded, (one, other) -> {
            assertThat(one.name()).isEqualTo(other.name());
            assertThat(one.cosine()).isCloseTo(other.cosine(), Offset.offset(1e-4));
        });
        return loaded;
    }

    /** The layers that are {@code nn.Linear}, but for the heads. */
    private static boolean isMatrix(String name) {
        return name.matches("(vision_model|qformer)\\..*\\.(qkv|projection|fc1|fc2|query|key|value|dense)\\.weight");
    }
}
