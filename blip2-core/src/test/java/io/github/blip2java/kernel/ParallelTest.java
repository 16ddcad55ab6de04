/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ParallelTest {

    @Test
    void everyIndexRunsOnce() {
        for (int n : new int[] {0, 1, 2, 3, 17, 1000, 100_001}) {
            AtomicIntegerArray runs = new AtomicIntegerArray(n);
            Parallel.forRange(n, runs::incrementAndGet);
            assertThat(IntStream.range(0, n).allMatch(i -> runs.get(i) == 1)).isTrue();
        }
    }

    @Test
    void loopsNestAndCallersMix() {
        AtomicInteger sum = new AtomicInteger();
        IntStream.range(0, 8)
                .parallel()
                .forEach(caller -> Parallel.forRange(10, i -> Parallel.forRange(10, j -> sum.incrementAndGet())));
        assertThat(sum).hasValue(800);
    }

    @Test
    void failuresReachTheCallerAndThePoolGoesOn() {
        assertThatThrownBy(() -> Parallel.forRange(100, i -> {
                    if (i == 42) {
                        throw new IllegalStateException("at 42");
                    }
                }))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("at 42");
        AtomicInteger count = new AtomicInteger();
        Parallel.forRange(100, i -> count.incrementAndGet());
        assertThat(count).hasValue(100);
    }
}
