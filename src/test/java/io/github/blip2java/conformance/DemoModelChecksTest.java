/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.blip2java.LoadOptions;
import io.github.blip2java.checkpoint.Arithmetic;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.cli.verify.Check;
import io.github.blip2java.cli.verify.Verifier;
import io.github.blip2java.demo.DemoModel;
import io.github.blip2java.internal.matrix.Gemm;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A trained model's reference case in each format of weights, by the checks of {@code blip2 verify}. */
@Tag("arithmetic")
class DemoModelChecksTest {

    /** Pictures and prompts in bfloat16, where this processor multiplies it; else the reason comes before anything is loaded. */
    @ParameterizedTest
    @CsvSource({"AUTO, 0.9999", "F16, 0.9999", "BF16, 0.9999"})
    void everyCheckHoldsInBfloat16(WeightFormat format, double bar) throws IOException {
        LoadOptions options = LoadOptions.defaults().withDtype(format).withArithmetic(Arithmetic.BF16);
        List<Check> checks = new ArrayList<>();
        try {
            Gemm.requireBf16();
        } catch (IllegalArgumentException e) {
            assertThatThrownBy(() -> Verifier.verify(DemoModel.referenceCase(), options, checks::add))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(e.getMessage());
            return;
        }
        Verifier.verify(DemoModel.referenceCase(), options, checks::add);
        assertThat(checks).hasSize(21).allMatch(Check::ok);
        assertThat(checks)
                .filteredOn(check -> check.name().equals("expected.logits"))
                .hasSize(1)
                .allSatisfy(check -> assertThat(check.cosine()).isGreaterThan(bar));
        // Rounded they were, or the option does nothing.
        assertThat(checks)
                .filteredOn(check -> check.name().equals("expected.image_features"))
                .allSatisfy(check -> assertThat(check.relRms()).isGreaterThan(1e-4));
    }

    /** Of trained weights more is asked than that {@code verify} finds no fault: bars for the logits, and equal ids. */
    @ParameterizedTest
    @CsvSource({"F32, 0.999999", "F16, 0.999999", "INT8, 0.999", "INT4, 0.98"})
    void everyCheckHolds(WeightFormat format, double bar) throws IOException {
        List<Check> checks = ReferenceCasesTest.run(DemoModel.referenceCase(), format);
        assertThat(checks).hasSize(21).allMatch(Check::ok);
        assertThat(checks)
                .filteredOn(check -> check.name().equals("expected.logits"))
                .hasSize(1)
                .allSatisfy(check -> assertThat(check.cosine()).isGreaterThan(bar));
        assertThat(checks)
                .filteredOn(check -> check.kind().equals("ids"))
                .hasSize(2)
                .allSatisfy(check -> assertThat(check.detail()).isEmpty());
    }
}
