/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.memory.CallMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RowBatchesTest {
    private static final Blip2Config FULL_SIZE = Blip2Config.of(Map.of());

    private static RowBatches.Row row(int index, int image, int length) {
        return new RowBatches.Row(
                index, image, IntStream.range(1, length + 1).asLongStream().toArray());
    }

    @Test
    void batchesHoldEveryRowOnceWithinTheMemoryMeant() {
        List<RowBatches.Row> rows = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            rows.add(row(i, i % 7, 3 + i * 31 % 400));
        }
        List<List<RowBatches.Row>> batches = RowBatches.of(rows, FULL_SIZE);
        assertThat(batches.stream().flatMap(List::stream).map(RowBatches.Row::index))
                .containsExactlyInAnyOrderElementsOf(
                        IntStream.range(0, 1000).boxed().toList());
        for (List<RowBatches.Row> batch : batches) {
            int longest = batch.stream().mapToInt(row -> row.ids().length).max().orElseThrow();
            long images = batch.stream().map(RowBatches.Row::image).distinct().count();
            long bytes = batch.size() * CallMemory.ofRow(FULL_SIZE, longest) + images * CallMemory.ofImage(FULL_SIZE);
            assertThat(bytes).isBetween(1L, 256L << 20);
            assertThat(batch.stream().map(RowBatches.Row::image)).isSorted();
        }
        assertThat(batches).hasSizeLessThan(150);
    }

    @Test
    void shortTextsStandBesideShortOnes() {
        List<List<RowBatches.Row>> batches = RowBatches.of(
                List.of(row(0, RowBatches.NO_IMAGE, 9), row(1, RowBatches.NO_IMAGE, 2), row(2, RowBatches.NO_IMAGE, 5)),
                FULL_SIZE);
        assertThat(batches).hasSize(1);
        assertThat(batches.get(0)).extracting(RowBatches.Row::index).containsExactly(1, 2, 0);
        QFormerTextSide.Texts padded = RowBatches.padded(batches.get(0));
        assertThat(padded.ids()).isDeepEqualTo(new long[][] {
            {1, 2, 0, 0, 0, 0, 0, 0, 0}, {1, 2, 3, 4, 5, 0, 0, 0, 0}, {1, 2, 3, 4, 5, 6, 7, 8, 9}
        });
        assertThat(padded.mask()[0]).containsExactly(1, 1, 0, 0, 0, 0, 0, 0, 0);
        assertThat(RowBatches.unpadded(padded))
                .usingRecursiveComparison()
                .isEqualTo(batches.get(0).stream().map(RowBatches.Row::ids).toList());
        assertThat(RowBatches.of(List.of(), FULL_SIZE)).isEmpty();
    }
}
