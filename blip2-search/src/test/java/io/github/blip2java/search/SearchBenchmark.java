/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * How long a search takes: {@code SearchBenchmark FOLDER PICTURES QUERIES}. The folder keeps the index for the next time. Prints
 * milliseconds a search by the clock and by what the searching thread computed, medians of 200 after as many that do not count.
 */
final class SearchBenchmark {
    private static final int SEARCHES = 200;

    private SearchBenchmark() {}

    private interface Search {
        Object find(Finder finder, float[] wanted) throws IOException;
    }

    public static void main(String[] arguments) throws IOException {
        Path location = Path.of(arguments[0]);
        int pictures = Integer.parseInt(arguments[1]);
        int queries = Integer.parseInt(arguments[2]);
        float[][] all = ManyEmbeddings.make(ManyEmbeddings.Kind.CLUSTERED, pictures + 2 * SEARCHES);
        long start = System.nanoTime();
        boolean there = Files.exists(location);
        try (IndexStore store = there
                ? IndexStore.open(location, ManyEmbeddings.fingerprint(all, queries), false)
                : ManyEmbeddings.index(location, all, pictures, queries)) {
            System.out.printf("%s %.1f s%n", there ? "opened" : "made", (System.nanoTime() - start) / 1e9);
            store.read(searcher -> {
                Finder finder = new Finder(searcher);
                measure("picture", finder, all, pictures, (f, wanted) -> f.byPicture(wanted, 10, false));
                measure("picture, exact", finder, all, pictures, (f, wanted) -> f.byPicture(wanted, 10, true));
                measure("text", finder, all, pictures, (f, wanted) -> f.byText(wanted, 10, false));
                measure("text, exact", finder, all, pictures, (f, wanted) -> f.byText(wanted, 10, true));
                return null;
            });
        }
    }

    private static void measure(String name, Finder finder, float[][] all, int pictures, Search search)
            throws IOException {
        int searches = name.endsWith("exact") ? SEARCHES / 10 : SEARCHES;
        double[] clock = new double[searches];
        double[] computed = new double[searches];
        for (int i = 0; i < 2 * searches; i++) {
            long cpu = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
            long time = System.nanoTime();
            search.find(finder, all[pictures + i]);
            clock[i % searches] = (System.nanoTime() - time) / 1e6;
            computed[i % searches] = (ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - cpu) / 1e6;
        }
        Arrays.sort(clock);
        Arrays.sort(computed);
        System.out.printf("%-16s %8.2f ms, computed %8.2f ms%n", name, clock[searches / 2], computed[searches / 2]);
    }
}
