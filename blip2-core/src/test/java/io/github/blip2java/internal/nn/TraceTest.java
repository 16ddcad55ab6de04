/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.nn;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.internal.kernel.Parallel;
import io.github.blip2java.internal.tensor.Tensor;
import org.junit.jupiter.api.Test;

class TraceTest {
    private static final int LAYERS = 5;
    private static final Tensor ONES = Tensor.of(new float[] {1, 1, 1, 1}, 2, 2);

    /** x + (x + x): what is added first is needed no longer. */
    private static Tensor triple(Tensor x) {
        return Elementwise.add(x, Elementwise.add(x, x));
    }

    private static Tensor stack(Trace trace) {
        try (Parallel pool = Parallel.of(2)) {
            return pool.call(() -> {
                Tensor x = ONES;
                for (int i = 0; i < LAYERS; i++) {
                    x = trace.layer(x, TraceTest::triple);
                }
                return x;
            });
        }
    }

    @Test
    void layersThatShareMemoryComputeTheSame() {
        assertThat(stack(Trace.none()).data()).containsOnly(243);
        assertThat(ONES.data()).containsOnly(1);
    }

    @Test
    void hiddenStatesStayAsTheyWere() {
        Trace trace = new Trace(true, false);
        assertThat(stack(trace).data()).containsOnly(243);
        float expected = 1;
        assertThat(trace.hiddenStates()).hasSize(LAYERS);
        for (Tensor state : trace.hiddenStates()) {
            assertThat(state.data()).containsOnly(expected);
            expected *= 3;
        }
    }
}
