/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.LoadOptions;
import io.github.blip2java.ProgressListener;
import io.github.blip2java.checkpoint.Checkpoint;
import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.cli.verify.Check;
import io.github.blip2java.cli.verify.Verifier;
import io.github.blip2java.conversion.CheckpointConverter;
import io.github.blip2java.internal.matrix.WeightMatrix;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every reference case with weights of 8 and 4 bits. */
class QuantisedCasesTest {
    @TempDir
    Path directory;

    static Stream<Path> cases() throws IOException {
        return ReferenceCasesTest.cases();
    }

    /**
     * The weights of these cases are random, and far larger than trained ones so that outputs vary: there is no redundancy,
     * and attention is sharp. So the bounds are looser than the bars for trained weights (0.999 and 0.98). Measured: the least
     * cosines of logits are 0.9867 and 0.736, in t5-legacy, of the image side 0.9995 and 0.8996.
     */
    @ParameterizedTest
    @MethodSource("cases")
    void eightBitsAreClose(Path directory) throws IOException {
        assertClose(compareConvertedWithLoaded(directory, WeightFormat.INT8), 0.98, 0.998);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void fourBitsAreNear(Path directory) throws IOException {
        assertClose(compareConvertedWithLoaded(directory, WeightFormat.INT4), 0.7, 0.85);
    }

    /**
     * Ids are wrong only where the best score leads by more than rounding moves scores; {@link VerifierTest} shows that wrong
     * ones are then found, and {@link DemoModelChecksTest} asks a trained model for all of them.
     */
    private static void assertClose(List<Check> checks, double language, double imageSide) {
        assertThat(checks).extracting(Check::name).contains("expected.logits", "expected.language_projection");
        assertThat(checks)
                .filteredOn(check -> check.kind().equals("tensor"))
                .allSatisfy(check -> assertThat(check.cosine())
                        .as(check.name())
                        .isGreaterThan(isOfLanguageModel(check) ? language : imageSide));
        assertThat(checks)
                .filteredOn(check -> !check.kind().equals("tensor"))
                .isNotEmpty()
                .allMatch(Check::ok);
    }

    private static boolean isOfLanguageModel(Check check) {
        return check.name().equals("expected.logits") || check.name().equals("expected.text_features");
    }

    /**
     * The converter and the loader agree on which tensors are quantised, and how, to the last bit; and so do results, but that the
     * order of sums may round an activation the other way.
     */
    private List<Check> compareConvertedWithLoaded(Path reference, WeightFormat format) throws IOException {
        Path converted = Resources.copy(reference, directory.resolve(format.name()));
        Resources.delete(converted.resolve("checkpoint"));
        CheckpointConverter.convert(
                reference.resolve("checkpoint"), converted.resolve("checkpoint"), format, ProgressListener.NONE);
        try (Checkpoint checkpoint = Checkpoint.open(converted.resolve("checkpoint"));
                Checkpoint original = Checkpoint.open(reference.resolve("checkpoint"))) {
            DType expected = format == WeightFormat.INT8 ? DType.I8 : DType.U8;
            checkpoint
                    .tensors()
                    .forEach((name, tensor) ->
                            assertThat(tensor.dtype() == expected).as(name).isEqualTo(isMatrix(name)));
            original.tensors().forEach((name, tensor) -> {
                if (isMatrix(name) && checkpoint.tensors().containsKey(name)) { // a tied head is not written again
                    int out = (int) tensor.info().shape()[0];
                    int in = (int) tensor.info().shape()[1];
                    assertThat(rows(WeightMatrix.load(checkpoint.root(WeightFormat.AUTO), name, out, in)))
                            .as(name)
                            .isEqualTo(rows(WeightMatrix.load(original.root(format), name, out, in)));
                }
            });
        }
        List<Check> loaded = run(reference, format);
        assertThat(run(converted, WeightFormat.AUTO)).zipSatisfy(loaded, (one, other) -> {
            assertThat(one.name()).isEqualTo(other.name());
            assertThat(one.cosine()).isCloseTo(other.cosine(), Offset.offset(2e-3));
        });
        return loaded;
    }

    private static float[] rows(WeightMatrix matrix) {
        int in = matrix.inFeatures();
        float[] values = new float[matrix.outFeatures() * in];
        for (int row = 0; row < matrix.outFeatures(); row++) {
            matrix.copyRow(row, values, row * in);
        }
        return values;
    }

    /** The layers of {@code transformers} that are {@code nn.Linear}, by their names. */
    private static boolean isMatrix(String name) {
        return name.matches(
                        ".*(\\.(qkv|projection|fc1|fc2|query|key|value|dense|q_proj|k_proj|v_proj|out_proj|project_in"
                                + "|project_out|q|k|v|o|wi|wi_0|wi_1|wo|lm_head)|language_projection)\\.weight")
                && !name.equals("vision_model.embeddings.patch_embedding.projection.weight");
    }

    private static List<Check> run(Path directory, WeightFormat format) throws IOException {
        List<Check> checks = new ArrayList<>();
        Verifier.verify(directory, LoadOptions.defaults().withDtype(format), checks::add);
        return checks;
    }
}
