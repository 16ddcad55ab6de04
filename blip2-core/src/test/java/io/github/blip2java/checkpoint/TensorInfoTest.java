/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TensorInfoTest {

    @Test
    void theShapeIsNotShared() {
        long[] shape = {2, 3};
        TensorInfo info = new TensorInfo("a", DType.F16, shape, 8, 20);
        shape[0] = 9;
        info.shape()[1] = 9;
        TensorInfo same = new TensorInfo("a", DType.F16, new long[] {2, 3}, 8, 20);
        assertThat(info).isEqualTo(same).hasSameHashCodeAs(same);
        assertThat(info).isNotEqualTo(new TensorInfo("a", DType.F16, new long[] {3, 2}, 8, 20));
        assertThat(info.elements()).isEqualTo(6);
        assertThat(info).hasToString("TensorInfo[name=a, dtype=F16, shape=[2, 3], begin=8, end=20]");
    }
}
