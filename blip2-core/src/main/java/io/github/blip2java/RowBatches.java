/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.memory.CallMemory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** Texts, alone or each with an image, put together into batches of bounded memory and little padding. */
final class RowBatches {
    /** The image of a text alone. */
    static final int NO_IMAGE = -1;

    private RowBatches() {}

    /**
     * A text to read.
     *
     * @param index where its result goes
     * @param image which image it is read with, or {@link #NO_IMAGE}
     * @param ids   its own ids, without padding
     */
    record Row(int index, int image, long[] ids) {}

    /** Cuts rows into batches, those with one image together and short texts beside short ones. */
    static List<List<Row>> of(List<Row> rows, Blip2Config config) {
        List<Row> ordered = new ArrayList<>(rows);
        ordered.sort(Comparator.comparingInt(Row::image).thenComparingInt(row -> row.ids().length));
        List<List<Row>> batches = new ArrayList<>();
        int from = 0;
        int longest = 0;
        int images = 0;
        for (int to = 0; to < ordered.size(); to++) {
            Row row = ordered.get(to);
            boolean another = to == from || row.image() != ordered.get(to - 1).image();
            longest = Math.max(longest, row.ids().length);
            images += another && row.image() != NO_IMAGE ? 1 : 0;
            long bytes = (to + 1 - from) * CallMemory.ofRow(config, longest) + images * CallMemory.ofImage(config);
            if (to > from && bytes > CallMemory.BATCH_BYTES) {
                batches.add(ordered.subList(from, to));
                from = to;
                longest = row.ids().length;
                images = row.image() == NO_IMAGE ? 0 : 1;
            }
        }
        if (from < ordered.size()) {
            batches.add(ordered.subList(from, ordered.size()));
        }
        return batches;
    }

    /** The ids of a batch in rows of one length, padding at their ends. */
    static QFormerTextSide.Texts padded(List<Row> batch) {
        int longest = batch.stream().mapToInt(row -> row.ids().length).max().orElse(0);
        long[][] ids = new long[batch.size()][];
        long[][] mask = new long[batch.size()][longest];
        for (int i = 0; i < ids.length; i++) {
            long[] own = batch.get(i).ids();
            ids[i] = Arrays.copyOf(own, longest);
            Arrays.fill(mask[i], 0, own.length, 1);
        }
        return new QFormerTextSide.Texts(ids, mask, null);
    }

    /** Rows of ids without what their mask hides, wherever it is. */
    static List<long[]> unpadded(QFormerTextSide.Texts texts) {
        List<long[]> rows = new ArrayList<>();
        for (int row = 0; row < texts.rows(); row++) {
            long[] ids = texts.ids()[row];
            long[] kept = new long[ids.length];
            int length = 0;
            for (int column = 0; column < ids.length; column++) {
                if (texts.mask()[row][column] != 0) {
                    kept[length++] = ids[column];
                }
            }
            rows.add(Arrays.copyOf(kept, length));
        }
        return rows;
    }
}
