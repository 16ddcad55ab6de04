/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Finds the names most like one that is missing, by Levenshtein distance. */
public final class NearestNames {
    private static final int SHOWN = 3;

    private NearestNames() {}

    static String of(String name, Collection<String> names) {
        Map<String, Integer> distances = new HashMap<>();
        names.forEach(other -> distances.put(other, distance(name, other)));
        return names.stream()
                .sorted(Comparator.comparing(distances::get))
                .limit(SHOWN)
                .map(other -> '"' + other + '"')
                .collect(Collectors.joining(", "));
    }

    /**
     * Finds what was probably meant by a word that is none of some names.
     *
     * @param word  what somebody wrote
     * @param names what there is
     * @return the name that the word is the beginning of, or else the nearest one that differs in less than half of the word's letters
     */
    public static Optional<String> meant(String word, Collection<String> names) {
        Optional<String> longer =
                names.stream().filter(name -> name.startsWith(word)).findFirst();
        return longer.isPresent()
                ? longer
                : names.stream()
                        .filter(name -> 2 * distance(word, name) <= word.length())
                        .min(Comparator.comparing(name -> distance(word, name)));
    }

    private static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.length()];
    }
}
