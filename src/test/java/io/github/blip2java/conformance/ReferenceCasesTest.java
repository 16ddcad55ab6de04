/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.LoadOptions;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.cli.verify.Check;
import io.github.blip2java.cli.verify.Verifier;
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
    /** Those of models with a language model; {@link RetrievalCasesTest} has the others. */
    static Stream<Path> cases() throws IOException {
        return folders().filter(path -> !RetrievalCasesTest.isRetrieval(path));
    }

    static Stream<Path> folders() throws IOException {
        return Files.list(Resources.reference()).filter(Files::isDirectory).sorted();
    }

    static Stream<Path> narrowCases() throws IOException {
        return cases().filter(
                        path -> !WideCasesTest.NAMES.contains(path.getFileName().toString()));
    }

    @ParameterizedTest
    @MethodSource("narrowCases")
    void equalsTransformers(Path directory) throws IOException {
        assertEqualToTransformers(run(directory, WeightFormat.AUTO));
    }

    static void assertEqualToTransformers(List<Check> checks) {
        assertThat(checks).hasSizeGreaterThanOrEqualTo(8).allMatch(Check::ok);
        assertThat(checks)
                .extracting(Check::name)
                .contains("expected.language_projection", "expected.qformer_features", "expected.logits");
        assertThat(checks).extracting(Check::kind).contains("tensor", "ids");
        assertHeldToTheReferencesOwnError(checks);
    }

    static void assertHeldToTheReferencesOwnError(List<Check> checks) {
        // Every output that the model computes has the reference's own error beside it, and is held to it.
        assertThat(checks)
                .filteredOn(
                        check -> check.kind().equals("tensor") && !check.name().startsWith("expected.images."))
                .allSatisfy(check -> {
                    assertThat(check.own()).isBetween(1e-9, 1e-5);
                    assertThat(check.bound()).isEqualTo(Math.max(1e-5, 2.5 * check.own()));
                    assertThat(check.toString()).contains(", the reference itself ");
                });
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
                        "opt-677-positions",
                        "opt-wide",
                        "t5-wide",
                        "t5-gated",
                        "t5-plain",
                        "opt-save-model",
                        "opt-two-tables",
                        "t5-save-model",
                        "t5-encoder-table",
                        "t5-head-table",
                        "t5-two-tables",
                        "t5-batch3");
    }

    @Test
    void sixteenBitWeightsWidenedEqualTheirFile() throws IOException {
        assertThat(run(Resources.reference().resolve("opt-bf16"), WeightFormat.F32))
                .allMatch(Check::ok);
        assertThat(run(Resources.reference().resolve("opt-f16"), WeightFormat.F32))
                .allMatch(Check::ok);
    }

    static List<Check> run(Path directory, WeightFormat format) throws IOException {
        List<Check> checks = new ArrayList<>();
        Verifier.verify(directory, LoadOptions.defaults().withDtype(format), checks::add);
        return checks;
    }
}
