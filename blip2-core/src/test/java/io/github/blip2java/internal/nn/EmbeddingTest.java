/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.blip2java.checkpoint.Checkpoint;
import io.github.blip2java.checkpoint.TestFiles;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.internal.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Tag("arithmetic")
class EmbeddingTest {
    @TempDir
    Path directory;

    private void write() throws IOException {
        TestFiles.floats(
                directory.resolve("model.safetensors"),
                Map.of("weight", new float[] {0, 0.5f, 1, 1.5f, 2, 2.5f}),
                Map.of("weight", new long[] {3, 2}));
    }

    /** A table is never rounded to 8 or 4 bits; these numbers are exact in 16. */
    @ParameterizedTest
    @EnumSource
    void rowsAreLookedUpAsTheyAre(WeightFormat format) throws IOException {
        write();
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            Embedding embedding = new Embedding(3, 2, checkpoint.root(format));
            Tensor rows = embedding.forward(2, 0, 2);
            assertThat(rows.shape()).containsExactly(3, 2);
            assertThat(rows.data()).containsExactly(2, 2.5f, 0, 0.5f, 2, 2.5f);
            assertThat(embedding.weight().outFeatures()).isEqualTo(3);
        }
    }

    @Test
    void anIndexOutsideTheTableIsRefused() throws IOException {
        write();
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            Embedding embedding = new Embedding(3, 2, checkpoint.root(WeightFormat.AUTO));
            for (int wrong : new int[] {-1, 3}) {
                assertThatThrownBy(() -> embedding.forward(0, wrong))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("token id: expected 0 to 2, got " + wrong
                                + "; the tokenizer and the checkpoint do not belong together");
            }
        }
    }
}
