/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.demo.DemoModel;
import io.github.blip2java.pipeline.Blip2Pipeline;
import java.io.IOException;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The proof of {@link ManyCallers} with small numbers. */
class ManyCallersTest {
    private static Blip2Pipeline blip2;
    private static ManyCallers many;

    @BeforeAll
    static void load() throws IOException {
        blip2 = Blip2Pipeline.load(DemoModel.checkpoint());
        many = new ManyCallers(blip2);
    }

    @AfterAll
    static void close() {
        blip2.close();
    }

    /** Platform threads, and virtual ones where Java has them. */
    static Stream<Boolean> virtual() {
        return ManyCallers.hasVirtualThreads() ? Stream.of(false, true) : Stream.of(false);
    }

    @ParameterizedTest
    @MethodSource("virtual")
    void eachGetsTheTextOfOneAlone(boolean virtual) throws InterruptedException {
        assertThat(many.call(64, 192, ManyCallers.threads(virtual))).isEmpty();
    }
}
