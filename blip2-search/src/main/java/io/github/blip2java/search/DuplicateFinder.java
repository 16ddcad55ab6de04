/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

import io.github.blip2java.ProgressListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.apache.lucene.index.MultiTerms;
import org.apache.lucene.index.PostingsEnum;
import org.apache.lucene.index.Terms;
import org.apache.lucene.index.TermsEnum;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.VectorUtil;

/** Groups of pictures that are the same, or nearly so: those of equal content first, then what is near to one of each. */
final class DuplicateFinder {
    /** Neighbours looked at first; more where all of them are near. */
    private static final int NEIGHBOURS = 16;

    private final IndexSearcher searcher;
    private final Documents documents;
    private final Path root;
    private final float threshold;
    /** For each document another of its group, or itself. */
    private final int[] parents;
    /** The first document of each content. */
    private final List<Integer> firsts = new ArrayList<>();

    DuplicateFinder(IndexSearcher searcher, Path root, float threshold) {
        this.searcher = searcher;
        this.documents = new Documents(searcher.getIndexReader());
        this.root = root;
        this.threshold = threshold;
        this.parents = new int[searcher.getIndexReader().maxDoc()];
        for (int doc = 0; doc < parents.length; doc++) {
            parents[doc] = doc;
        }
    }

    List<DuplicateGroup> find(ProgressListener progress) throws IOException {
        joinCopies();
        for (int i = 0; i < firsts.size(); i++) {
            progress.progress("comparing pictures", i, firsts.size());
            joinNeighbours(firsts.get(i));
        }
        return groups();
    }

    private void joinCopies() throws IOException {
        Terms contents = MultiTerms.getTerms(searcher.getIndexReader(), Fields.SHA256);
        if (contents == null) {
            return;
        }
        TermsEnum each = contents.iterator();
        PostingsEnum postings = null;
        for (BytesRef content = each.next(); content != null; content = each.next()) {
            postings = each.postings(postings, PostingsEnum.NONE);
            int first = Documents.NONE;
            for (int doc = postings.nextDoc(); doc != DocIdSetIterator.NO_MORE_DOCS; doc = postings.nextDoc()) {
                if (!documents.isAlive(doc)) {
                    continue;
                }
                if (first == Documents.NONE) {
                    first = doc;
                    firsts.add(doc);
                }
                join(first, doc);
            }
        }
    }

    private void joinNeighbours(int doc) throws IOException {
        float[] embedding = documents.embedding(doc);
        int count = NEIGHBOURS;
        while (true) {
            List<Finder.Found> near = new Finder(searcher).byPicture(embedding, count, false);
            near.stream().filter(found -> found.cosine() >= threshold).forEach(found -> join(doc, found.doc()));
            if (near.size() < count || near.get(near.size() - 1).cosine() < threshold) {
                return;
            }
            count *= 2;
        }
    }

    private int group(int doc) {
        int at = doc;
        while (parents[at] != at) {
            parents[at] = parents[parents[at]];
            at = parents[at];
        }
        return at;
    }

    private void join(int one, int other) {
        parents[group(one)] = group(other);
    }

    private List<DuplicateGroup> groups() throws IOException {
        Map<Integer, List<Integer>> members = new HashMap<>();
        documents.forEach(doc -> {
            if (group(doc) != doc) {
                members.computeIfAbsent(group(doc), any -> new ArrayList<>()).add(doc);
            }
        });
        Map<String, DuplicateGroup> byFirst = new TreeMap<>();
        for (Map.Entry<Integer, List<Integer>> group : members.entrySet()) {
            group.getValue().add(group.getKey());
            List<DuplicateGroup.Member> pictures = members(group.getValue());
            if (pictures.size() > 1) {
                byFirst.put(pictures.get(0).path(), new DuplicateGroup(pictures));
            }
        }
        return List.copyOf(byFirst.values());
    }

    private record Named(int doc, String path) {}

    private List<DuplicateGroup.Member> members(List<Integer> group) throws IOException {
        List<Named> named = new ArrayList<>();
        for (int doc : group) {
            named.add(new Named(doc, documents.path(doc)));
        }
        named.sort(Comparator.comparing(Named::path));
        float[] first = documents.embedding(named.get(0).doc);
        Map<BytesRef, String> contents = new HashMap<>();
        Set<Path> files = new HashSet<>();
        List<DuplicateGroup.Member> pictures = new ArrayList<>();
        for (Named one : named) {
            Path file = root.resolve(one.path);
            if (!Files.exists(file) || !files.add(file.toRealPath())) {
                continue; // gone meanwhile, or a link to another of them: no second picture that takes room
            }
            String earlier = contents.putIfAbsent(new BytesRef(documents.bytes(Fields.SHA256, one.doc)), one.path);
            float cosine = VectorUtil.dotProduct(first, documents.embedding(one.doc));
            pictures.add(new DuplicateGroup.Member(file, one.path, cosine, Optional.ofNullable(earlier)));
        }
        return pictures;
    }
}
