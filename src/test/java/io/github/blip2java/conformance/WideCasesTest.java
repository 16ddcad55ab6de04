/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import io.github.blip2java.checkpoint.WeightFormat;
import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The reference cases whose products are large enough for several threads and for the library for matrices. */
@Tag("arithmetic")
class WideCasesTest {
    static final List<String> NAMES = List.of("opt-wide", "t5-wide");

    static Stream<String> names() {
        return NAMES.stream();
    }

    @ParameterizedTest
    @MethodSource("names")
    void equalsTransformers(String name) throws IOException {
        ReferenceCasesTest.assertEqualToTransformers(
                ReferenceCasesTest.run(Resources.reference().resolve(name), WeightFormat.AUTO));
    }
}
