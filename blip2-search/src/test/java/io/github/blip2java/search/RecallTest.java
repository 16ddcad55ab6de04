/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.lucene.util.VectorUtil;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is found through the graph beside what is found by comparing everything: 20,000 embeddings of 256 numbers. */
class RecallTest {
    private static final int PICTURES = 20_000;
    private static final int SEARCHES = 100;
    private static final int BEST = 10;

    @TempDir
    private Path temporary;

    @ParameterizedTest
    @CsvSource({"CLUSTERED,128", "RANDOM,512"})
    void theGraphLeadsToTheNearest(ManyEmbeddings.Kind kind, int asked) throws IOException {
        float[][] all = ManyEmbeddings.make(kind, PICTURES + SEARCHES);
        try (IndexStore store = ManyEmbeddings.index(temporary.resolve(kind.name()), all, PICTURES, 1)) {
            store.read(searcher -> {
                Finder finder = new Finder(searcher);
                Documents documents = new Documents(searcher.getIndexReader());
                int pictures = 0;
                int byGraph = 0;
                int texts = 0;
                for (int i = PICTURES; i < all.length; i++) {
                    float[] wanted = all[i];
                    Set<String> right = bruteForce(all, wanted);
                    assertThat(paths(documents, finder.byPicture(wanted, BEST, true)))
                            .isEqualTo(right);
                    pictures += common(right, paths(documents, finder.byPicture(wanted, BEST, false)));
                    byGraph += common(right, paths(documents, finder.nearest(wanted, asked)));
                    Set<String> rightTexts = paths(documents, finder.byText(wanted, BEST, true));
                    texts += common(rightTexts, paths(documents, finder.byText(wanted, BEST, false)));
                }
                assertThat(pictures).isGreaterThanOrEqualTo(SEARCHES * BEST * 99 / 100);
                assertThat(byGraph).isGreaterThanOrEqualTo(SEARCHES * BEST * 99 / 100);
                assertThat(texts).isGreaterThanOrEqualTo(SEARCHES * BEST * 99 / 100);
                return null;
            });
        }
    }

    private static Set<String> bruteForce(float[][] all, float[] wanted) {
        float[] cosines = new float[PICTURES];
        for (int i = 0; i < PICTURES; i++) {
            cosines[i] = VectorUtil.dotProduct(wanted, all[i]);
        }
        return IntStream.range(0, PICTURES)
                .boxed()
                .sorted((one, other) -> Float.compare(cosines[other], cosines[one]))
                .limit(BEST)
                .map(String::valueOf)
                .collect(Collectors.toSet());
    }

    private static Set<String> paths(Documents documents, List<Finder.Found> found) throws IOException {
        Set<String> paths = new HashSet<>();
        for (Finder.Found one : found) {
            paths.add(documents.path(one.doc()));
        }
        return paths;
    }

    private static int common(Set<String> right, Set<String> found) {
        return (int) found.stream().filter(right::contains).count();
    }
}
