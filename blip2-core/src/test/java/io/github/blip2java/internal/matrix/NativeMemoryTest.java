/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class NativeMemoryTest {
    private static final long MIB = 1 << 20;

    @Test
    void whatNobodyUsesIsBoundedAndCanBeGivenBack() {
        List<NativeMemory> lent = new ArrayList<>();
        for (int i = 1; i <= 20; i++) {
            lent.add(NativeMemory.bytes((int) (i * MIB)));
        }
        lent.forEach(NativeMemory::close);
        assertThat(NativeMemory.idleBytes()).isBetween(64 * MIB, 128 * MIB);
        try (NativeMemory again = NativeMemory.bytes((int) (20 * MIB))) {
            assertThat(again.asBytes().capacity()).isEqualTo(20 * MIB);
            assertThat(NativeMemory.idleBytes()).isLessThanOrEqualTo(108 * MIB);
        }
        NativeMemory.freeIdle();
        assertThat(NativeMemory.idleBytes()).isZero();
    }

    @Test
    void onePieceLargerThanAllThatIsKeptIsGivenBackAtOnce() {
        NativeMemory.freeIdle();
        NativeMemory.bytes((int) (200 * MIB)).close();
        assertThat(NativeMemory.idleBytes()).isZero();
    }
}
