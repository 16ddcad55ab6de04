/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language.t5;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.checkpoint.Checkpoint;
import io.github.blip2java.checkpoint.TestFiles;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.internal.config.ConfigNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class T5RelativePositionBiasTest {
    @TempDir
    Path directory;

    private T5RelativePositionBias bias(int buckets, int maxDistance, boolean bidirectional) throws IOException {
        T5Config config = T5Config.of(ConfigNode.of(Map.of(
                "num_heads", 2,
                "relative_attention_num_buckets", buckets,
                "relative_attention_max_distance", maxDistance)));
        float[] table = new float[buckets * 2];
        for (int i = 0; i < table.length; i++) {
            table[i] = i;
        }
        TestFiles.floats(
                directory.resolve("model.safetensors"), Map.of("weight", table), Map.of("weight", new long[] {buckets, 2
                }));
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            return new T5RelativePositionBias(config, bidirectional, checkpoint.root(WeightFormat.AUTO));
        }
    }

    /** {@code units_reference.py} wrote what transformers makes of these, also beyond the distances kept in a table. */
    @Test
    void bucketsEqualTransformers() throws IOException {
        JsonNode file =
                new ObjectMapper().readTree(getClass().getResourceAsStream("/units/relative_position_buckets.json"));
        JsonNode distances = file.get("distances");
        assertThat(file.get("cases")).hasSize(6);
        for (JsonNode one : file.get("cases")) {
            T5RelativePositionBias bias = bias(
                    one.get("num_buckets").intValue(),
                    one.get("max_distance").intValue(),
                    one.get("bidirectional").booleanValue());
            for (int i = 0; i < distances.size(); i++) {
                assertThat(bias.bucket(distances.get(i).intValue()))
                        .as("distance %s of %s", distances.get(i), one.get("max_distance"))
                        .isEqualTo(one.get("buckets").get(i).intValue());
            }
        }
    }

    @Test
    void scoresAreThoseOfTheHeadAndTheDecoderHidesTheFuture() throws IOException {
        T5RelativePositionBias.Positions positions = new T5RelativePositionBias.Positions() {
            @Override
            public int ofQuery(int sequence, int row) {
                return 1 + row;
            }

            @Override
            public int ofKey(int sequence, int row) {
                return row;
            }
        };
        float[] scores = new float[6];
        bias(8, 20, false).forPositions(positions).fill(0, 1, 0, 2, 3, scores);
        // bucket of a small distance into the past is the distance; head 1 is the second column of the table
        assertThat(scores).containsExactly(3, 1, Float.NEGATIVE_INFINITY, 5, 3, 1);
        bias(8, 20, true).forPositions(positions).fill(0, 0, 1, 1, 3, scores);
        assertThat(scores[1]).isEqualTo(2);
        assertThat(scores[2]).isZero();
    }
}
