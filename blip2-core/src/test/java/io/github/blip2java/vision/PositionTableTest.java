/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class PositionTableTest {

    /** {@code units_reference.py} wrote what transformers makes of these grids. */
    @Test
    void gridsEqualTransformers() throws IOException {
        JsonNode file = new ObjectMapper().readTree(getClass().getResourceAsStream("/units/position_table.json"));
        float[] own = floats(file.get("table"));
        PositionTable table = new PositionTable(
                own, file.get("side").intValue(), file.get("hidden").intValue());
        assertThat(file.get("grids")).hasSize(6);
        for (JsonNode grid : file.get("grids")) {
            float[] expected = floats(grid.get("positions"));
            float[] found = table.forGrid(
                    grid.get("down").intValue(), grid.get("across").intValue());
            assertThat(found).hasSameSizeAs(expected);
            for (int i = 0; i < found.length; i++) {
                assertThat(found[i]).as("%s at %d", grid, i).isCloseTo(expected[i], within(2e-6f));
            }
        }
        assertThat(table.forGrid(3, 3)).isSameAs(own);
    }

    private static float[] floats(JsonNode numbers) {
        float[] floats = new float[numbers.size()];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = numbers.get(i).floatValue();
        }
        return floats;
    }
}
