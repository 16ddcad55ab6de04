/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.cli.verify.Check;
import io.github.blip2java.demo.DemoModel;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A trained model's reference case in each format of weights, by the checks of {@code blip2 verify}. */
@Tag("arithmetic")
class DemoModelChecksTest {

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
