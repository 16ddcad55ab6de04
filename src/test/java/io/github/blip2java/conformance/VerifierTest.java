/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.Blip2Config;
import io.github.blip2java.checkpoint.Checkpoint;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.cli.verify.Check;
import io.github.blip2java.cli.verify.Tolerances;
import io.github.blip2java.demo.DemoModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What {@code blip2 verify} holds for right and for wrong, with weights of as many bits as the file has and of fewer. */
class VerifierTest {
    @TempDir
    Path directory;

    static Stream<Arguments> casesWithFewerBits() throws IOException {
        return ReferenceCasesTest.cases()
                .flatMap(path ->
                        Stream.of(WeightFormat.F16, WeightFormat.BF16).map(format -> Arguments.of(path, format)));
    }

    @ParameterizedTest
    @MethodSource("casesWithFewerBits")
    void fewerBitsAreNoFailure(Path reference, WeightFormat format) throws IOException {
        assertThat(ReferenceCasesTest.run(reference, format)).allMatch(Check::ok);
    }

    @Test
    void aTrainedModelWithFewerBitsIsNoFailure() throws IOException {
        List<Check> checks = ReferenceCasesTest.run(DemoModel.referenceCase(), WeightFormat.BF16);
        assertThat(checks).hasSize(21).allMatch(Check::ok);
        assertThat(checks)
                .filteredOn(check -> check.kind().equals("ids"))
                .allSatisfy(check -> assertThat(check.detail()).isEmpty());
    }

    /** One matrix of a trained model with its rows in the opposite order: in each part of it, and in each format. */
    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "BF16", "INT8", "INT4"})
    void aWrongWeightIsNoticed(WeightFormat format) throws IOException {
        Path demo = DemoModel.referenceCase();
        assertNoticed(
                demo, "vision_model.encoder.layers.5.mlp.fc2.weight", format, "expected.vision.last_hidden_state");
        assertNoticed(demo, "qformer.encoder.layer.1.output_query.dense.weight", format, "expected.qformer_features");
        assertNoticed(demo, "language_projection.weight", format, "expected.language_projection");
        assertNoticed(demo, "language_model.model.decoder.layers.0.fc1.weight", format, "expected.logits");
    }

    /** The same where loading rounds float32 to 16 bits. */
    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "BF16"})
    void aWrongWeightAmongRoundedOnesIsNoticed(WeightFormat format) throws IOException {
        Path tiny = Resources.reference().resolve("opt-tiny");
        assertNoticed(
                tiny, "vision_model.encoder.layers.1.mlp.fc2.weight", format, "expected.vision.last_hidden_state");
        assertNoticed(
                tiny, "qformer.encoder.layer.1.attention.output.dense.weight", format, "expected.qformer_features");
        assertNoticed(tiny, "language_projection.weight", format, "expected.language_projection");
        assertNoticed(tiny, "language_model.model.decoder.layers.0.fc1.weight", format, "expected.logits");
    }

    private void assertNoticed(Path reference, String tensor, WeightFormat format, String output) throws IOException {
        Path changed = Resources.copy(reference, directory.resolve(tensor));
        reverseRows(changed.resolve("checkpoint/model.safetensors"), tensor);
        assertThat(ReferenceCasesTest.run(changed, format))
                .filteredOn(check -> check.name().equals(output))
                .singleElement()
                .satisfies(check -> {
                    assertThat(check.ok()).as(tensor).isFalse();
                    assertThat(check.toString())
                            .startsWith("FAILED " + output + ": max abs ")
                            .contains("; worst at [");
                });
    }

    private static void reverseRows(Path file, String tensor) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        int header = Math.toIntExact(
                ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong());
        JsonNode info = new ObjectMapper().readTree(bytes, Long.BYTES, header).get(tensor);
        int from = Long.BYTES + header + info.get("data_offsets").get(0).intValue();
        int to = Long.BYTES + header + info.get("data_offsets").get(1).intValue();
        byte[] rows = Arrays.copyOfRange(bytes, from, to);
        int row = rows.length / info.get("shape").get(0).intValue();
        for (int at = 0; at < rows.length; at += row) {
            System.arraycopy(rows, at, bytes, to - row - at, row);
        }
        Files.write(file, bytes);
    }

    /** Where the best score leads by more than rounding moves scores, other ids are wrong ids. */
    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16", "INT8", "INT4"})
    void otherIdsThanExpectedAreNoticed(WeightFormat format) throws IOException {
        Path changed = Resources.copy(DemoModel.referenceCase(), directory.resolve("case"));
        Path json = changed.resolve("reference.json");
        String text = Files.readString(json);
        assertThat(text).contains("68, 382, 567, 202]");
        Files.writeString(json, text.replace("68, 382, 567, 202]", "68, 383, 567, 202]"));
        assertThat(ReferenceCasesTest.run(changed, format))
                .filteredOn(check -> !check.ok())
                .singleElement()
                .satisfies(check -> {
                    assertThat(check.name()).isEqualTo("generate/greedy/image");
                    assertThat(check.toString()).contains("equal ids and text expected; row 0 differs at 10");
                });
    }

    @ParameterizedTest
    @CsvSource({
        "opt-tiny, AUTO, AUTO",
        "opt-tiny, F32, AUTO",
        "opt-tiny, F16, F16",
        "opt-tiny, BF16, BF16",
        "opt-tiny, INT4, INT4",
        "opt-f16, F16, AUTO",
        "opt-f16, BF16, BF16",
        "opt-f16, F32, AUTO",
        // Eight significant bits fit into eleven.
        "t5-wide, F16, AUTO",
        // The Q-Former has float32.
        "opt-bf16, F16, F16",
        "opt-bf16, BF16, BF16"
    })
    void whatLoadingRounds(String name, WeightFormat dtype, WeightFormat expected) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(Resources.checkpoint(name))) {
            assertThat(Tolerances.rounding(checkpoint, dtype)).isEqualTo(expected);
        }
    }

    @Test
    void boundsFollowTheErrorOfTheReference() throws IOException {
        Blip2Config config = Blip2Config.fromPretrained(Resources.checkpoint("opt-tiny"));
        assertThat(Tolerances.relativeRms(config, WeightFormat.AUTO, Double.NaN))
                .isEqualTo(1e-5);
        assertThat(Tolerances.relativeRms(config, WeightFormat.AUTO, 1e-6)).isEqualTo(1e-5);
        assertThat(Tolerances.relativeRms(config, WeightFormat.AUTO, 2e-5)).isEqualTo(5e-5);
        assertThat(Tolerances.relativeRms(config, WeightFormat.F16, 1e-6)).isEqualTo(Tolerances.F16);
        assertThat(Tolerances.relativeRms(config, WeightFormat.BF16, 1e-6)).isEqualTo(Tolerances.BF16);
    }
}
