/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.blip2java.weights.Checkpoint;
import io.github.blip2java.weights.TestFiles;
import io.github.blip2java.weights.WeightFormat;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddingTest {
    @TempDir
    Path directory;

    @Test
    void rowsAreLookedUpInAnyFormat() throws IOException {
        TestFiles.floats(
                directory.resolve("model.safetensors"),
                Map.of("table.weight", new float[] {1, 2, 3, 4, 5, 6}),
                Map.of("table.weight", new long[] {3, 2}));
        for (WeightFormat format : WeightFormat.values()) {
            try (Checkpoint checkpoint = Checkpoint.open(directory)) {
                Embedding embedding =
                        new Embedding(3, 2, checkpoint.root(format).at("table"));
                assertThat(embedding.forward(2, 0, 2).shape()).containsExactly(3, 2);
                assertThat(embedding.forward(2, 0, 2).data()).containsExactly(5, 6, 1, 2, 5, 6);
                assertThat(embedding.forward().shape()).containsExactly(0, 2);
                for (int wrong : new int[] {-1, 3}) {
                    assertThatThrownBy(() -> embedding.forward(0, wrong))
                            .isInstanceOf(IllegalArgumentException.class)
                            .hasMessage("token id: expected 0 to 2, got " + wrong
                                    + "; the tokenizer and the checkpoint do not belong together");
                }
            }
        }
    }
}
