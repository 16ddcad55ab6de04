/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class FrameTest {
    private static <T> T inCall(Supplier<T> work) {
        try (Parallel pool = Parallel.of(1)) {
            return pool.call(work);
        }
    }

    @Test
    void theNextFrameGetsTheArraysOfTheLastOneButItsResult() {
        inCall(() -> {
            float[][] used = new float[2][];
            float[] result = Frame.call(
                    () -> {
                        used[0] = Frame.floats(10);
                        used[1] = Frame.floats(10);
                        return used[1];
                    },
                    Function.identity());
            assertThat(result).isSameAs(used[1]);
            Frame.call(
                    () -> {
                        assertThat(Frame.floats(10)).isSameAs(used[0]);
                        assertThat(Frame.floats(10)).isNotSameAs(result).hasSize(10);
                        assertThat(Frame.floats(11)).hasSize(11);
                        return null;
                    },
                    nothing -> null);
            return null;
        });
    }

    @Test
    void theResultOfAnInnerFrameBelongsToTheOuterOne() {
        inCall(() -> {
            float[][] inner = new float[1][];
            Frame.call(
                    () -> {
                        inner[0] = Frame.call(() -> Frame.floats(10), Function.identity());
                        assertThat(Frame.floats(10)).isNotSameAs(inner[0]);
                        return null;
                    },
                    nothing -> null);
            boolean again = Frame.call(() -> Frame.floats(10) == inner[0] || Frame.floats(10) == inner[0], any -> null);
            assertThat(again).isTrue();
            return null;
        });
    }

    @Test
    void aFailureGivesTheArraysBack() {
        inCall(() -> {
            float[][] used = new float[1][];
            Throwable failure = catchThrowable(() -> Frame.call(
                    () -> {
                        used[0] = Frame.floats(10);
                        throw new IllegalStateException("on the way");
                    },
                    nothing -> null));
            assertThat(failure).hasMessage("on the way");
            assertThat(Frame.call(() -> Frame.floats(10), Function.identity())).isSameAs(used[0]);
            return null;
        });
    }

    @Test
    void whatIsReleasedIsLentAgain() {
        inCall(() -> {
            float[] first = Frame.call(() -> Frame.floats(10), Function.identity());
            float[] second = Frame.call(() -> Frame.floats(10), Function.identity());
            assertThat(second).isNotSameAs(first);
            Frame.release(first);
            assertThat(Frame.call(() -> Frame.floats(10), Function.identity())).isSameAs(first);
            return null;
        });
    }

    @Test
    void lengthsThatNobodyAsksForAreNotKept() {
        inCall(() -> {
            float[][] used = new float[1][];
            Frame.call(() -> used[0] = Frame.floats(10), nothing -> null);
            for (int i = 0; i < 200; i++) {
                Frame.call(() -> Frame.floats(11), nothing -> null);
            }
            assertThat(Frame.call(() -> Frame.floats(10), Function.identity())).isNotSameAs(used[0]);
            return null;
        });
    }

    @Test
    void withoutAFrameOrACallArraysAreNew() {
        inCall(() -> {
            float[] array = Frame.floats(10);
            assertThat(Frame.floats(10)).isNotSameAs(array);
            return null;
        });
        float[] result = Frame.call(() -> Frame.floats(10), Function.identity());
        assertThat(Frame.call(() -> Frame.floats(10), Function.identity())).isNotSameAs(result);
    }

    @Test
    void threadsOfAPoolHaveNoneOfTheCallersArrays() {
        try (Parallel pool = Parallel.of(3)) {
            pool.call(() -> Frame.call(
                    () -> {
                        Set<float[]> arrays =
                                Collections.synchronizedSet(Collections.newSetFromMap(new IdentityHashMap<>()));
                        Parallel.forRange(64, i -> arrays.add(Frame.floats(10)));
                        assertThat(arrays).hasSize(64);
                        return null;
                    },
                    nothing -> null));
        }
    }
}
