/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.LoadOptions;
import io.github.blip2java.examples.verify.Check;
import io.github.blip2java.examples.verify.Verifier;
import io.github.blip2java.weights.WeightFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every reference case, by the same checks that {@code blip2 verify} runs. */
class ReferenceCasesTest {
    static Stream<Path> cases() throws IOException {
        return Files.list(Resources.reference()).filter(Files::isDirectory).sorted();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void equalsTransformers(Path directory) throws IOException {
        List<Check> checks = run(directory, WeightFormat.AUTO);
        assertThat(checks).hasSizeGreaterThanOrEqualTo(8).allMatch(Check::ok);
        assertThat(checks)
                .extracting(Check::name)
                .contains("expected.language_projection", "expected.qformer_features");
        assertThat(checks).extracting(Check::kind).contains("tensor", "ids");
    }

    @Test
    void thereIsACaseForEveryKindOfCheckpoint() throws IOException {
        assertThat(cases().map(path -> path.getFileName().toString()))
                .contains(
                        "opt-tiny",
                        "opt-odd-heads",
                        "opt-batch3",
                        "opt-f16",
                        "opt-bf16",
                        "opt-sharded",
                        "opt-legacy",
                        "opt-interpolate",
                        "opt-350m",
                        "opt-post-norm",
                        "opt-untied",
                        "opt-split-qkv-bias",
                        "t5-gated",
                        "t5-plain",
                        "t5-batch3");
    }

    @Test
    void sixteenBitWeightsWidenedEqualTheirFile() throws IOException {
        assertThat(run(Resources.reference().resolve("opt-bf16"), WeightFormat.F32))
                .allMatch(Check::ok);
        assertThat(run(Resources.reference().resolve("opt-f16"), WeightFormat.F32))
                .allMatch(Check::ok);
    }

    @Test
    void aWrongWeightIsNoticed() throws IOException {
        // bfloat16 keeps 8 bits of a float32 weight, which is far outside the bound for float32.
        List<Check> checks = run(Resources.reference().resolve("opt-tiny"), WeightFormat.BF16);
        assertThat(checks).anyMatch(check -> !check.ok() && check.name().equals("expected.logits"));
        assertThat(checks)
                .filteredOn(check -> check.name().equals("expected.logits"))
                .allSatisfy(check -> assertThat(check.toString())
                        .startsWith("FAILED expected.logits: max abs ")
                        .contains("; worst at ["));
    }

    private static List<Check> run(Path directory, WeightFormat format) throws IOException {
        List<Check> checks = new ArrayList<>();
        Verifier.verify(directory, LoadOptions.defaults().withDtype(format), checks::add);
        return checks;
    }
}
