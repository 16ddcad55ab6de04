/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.store.Lock;
import org.apache.lucene.util.BytesRef;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PictureIndexTest {
    private static final SearchOptions BY_COSINE = SearchOptions.defaults().withRerank(0);

    @TempDir
    private Path temporary;

    private Path folder;
    private final FakeEncoder encoder = new FakeEncoder();
    private final List<String> failures = new ArrayList<>();
    private final RefreshListener listener = new RefreshListener() {
        @Override
        public void failed(Path path, IOException reason) {
            failures.add(reason.getMessage());
        }
    };

    @BeforeEach
    void pictures() throws IOException {
        folder = temporary.resolve("pictures");
        for (String word : List.of("apple", "pear", "plum")) {
            write(word + ".png", word);
        }
        write("more/below/cherry.JPG", "cherry");
        write("readme.txt", "no picture");
    }

    private Path write(String name, String word) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, word);
    }

    private PictureIndex open() throws IOException {
        return open(IndexOptions.defaults());
    }

    private PictureIndex open(IndexOptions options) throws IOException {
        return PictureIndex.open(folder, encoder, options);
    }

    private RefreshSummary refresh() throws IOException {
        try (PictureIndex index = open()) {
            return index.refresh(listener);
        }
    }

    private List<String> paths() throws IOException {
        try (PictureIndex index = open()) {
            return index.search("any", BY_COSINE.withTop(1000)).stream()
                    .map(PictureHit::path)
                    .sorted()
                    .toList();
        }
    }

    @Test
    void picturesAreFoundByTheirWords() throws IOException {
        try (PictureIndex index = open()) {
            assertThat(index.search("pear", BY_COSINE)).isEmpty();
            assertThat(index.refresh(listener)).isEqualTo(new RefreshSummary(4, 4, 0, 0, 4, 0, 0));
            assertThat(index.size()).isEqualTo(4);
            List<PictureHit> hits = index.search("cherry", BY_COSINE.withTop(2));
            assertThat(hits).hasSize(2);
            assertThat(hits.get(0).path()).isEqualTo("more/below/cherry.JPG");
            assertThat(hits.get(0).file()).isEqualTo(folder.resolve("more/below/cherry.JPG"));
            assertThat(hits.get(0).cosine()).isCloseTo(1, within(1e-3f));
            assertThat(hits.get(0).match()).isEmpty();
        }
    }

    @Test
    void picturesAreFoundByPictures() throws IOException {
        refresh();
        try (PictureIndex index = open()) {
            for (boolean exact : new boolean[] {false, true}) {
                List<PictureHit> hits = index.searchLike(
                        encoder.read(folder.resolve("plum.png")),
                        BY_COSINE.withTop(3).withExact(exact));
                assertThat(hits).hasSize(3);
                assertThat(hits.get(0).path()).isEqualTo("plum.png");
                assertThat(hits.get(0).cosine()).isCloseTo(1, within(1e-5f));
            }
        }
    }

    @Test
    void theBestAreLookedAtAgainAndTheOthersFollow() throws IOException {
        refresh();
        try (PictureIndex index = open()) {
            // The head of the fake model prefers long words, and the right one least.
            List<PictureHit> all = index.search("plum", SearchOptions.defaults().withRerank(4));
            assertThat(all)
                    .extracting(PictureHit::path)
                    .containsExactly("more/below/cherry.JPG", "apple.png", "pear.png", "plum.png");
            assertThat(all).allMatch(hit -> hit.match().isPresent());
            assertThat(all.get(3).cosine()).isEqualTo(0.9f);

            List<PictureHit> byCosine = index.search("plum", BY_COSINE);
            List<PictureHit> two = index.search("plum", SearchOptions.defaults().withRerank(2));
            assertThat(two.get(1).path()).isEqualTo("plum.png");
            assertThat(two.get(0).path()).isEqualTo(byCosine.get(1).path());
            assertThat(two.subList(2, 4)).isEqualTo(byCosine.subList(2, 4));
            assertThat(index.search("plum", SearchOptions.defaults().withTop(1).withRerank(4)))
                    .extracting(PictureHit::path)
                    .containsExactly("more/below/cherry.JPG");

            Files.delete(folder.resolve("more/below/cherry.JPG"));
            List<PictureHit> without =
                    index.search("plum", SearchOptions.defaults().withRerank(4));
            assertThat(without.get(3).path()).isEqualTo("more/below/cherry.JPG");
            assertThat(without.get(3).match()).isEmpty();
        }
    }

    @Test
    void nothingIsWrittenWhereNothingDiffers() throws IOException {
        refresh();
        Path files = folder.resolve(PictureIndex.FOLDER);
        List<String> before = state(files);
        assertThat(refresh()).isEqualTo(new RefreshSummary(4, 0, 0, 0, 0, 0, 0));
        assertThat(state(files)).isEqualTo(before);
        assertThat(encoder.encoded).hasValue(4);
    }

    private static List<String> state(Path files) throws IOException {
        try (var list = Files.list(files)) {
            List<String> all = new ArrayList<>();
            for (Path file : list.sorted().toList()) {
                all.add(file + " " + Files.size(file) + " " + Files.getLastModifiedTime(file));
            }
            return all;
        }
    }

    @Test
    void changesAreFollowed() throws IOException {
        refresh();
        write("apple.png", "mango!");
        write("new.webp", "kiwi");
        Files.delete(folder.resolve("pear.png"));
        assertThat(refresh()).isEqualTo(new RefreshSummary(4, 1, 1, 1, 2, 0, 0));
        assertThat(paths()).containsExactly("apple.png", "more/below/cherry.JPG", "new.webp", "plum.png");
        try (PictureIndex index = open()) {
            assertThat(index.search("mango!", BY_COSINE).get(0).path()).isEqualTo("apple.png");
        }
    }

    @Test
    void whatHasAnotherTimeAloneIsNotEncodedAgain() throws IOException {
        refresh();
        Files.setLastModifiedTime(folder.resolve("apple.png"), FileTime.fromMillis(1_000_000));
        assertThat(refresh()).isEqualTo(new RefreshSummary(4, 0, 1, 0, 0, 0, 0));
        assertThat(refresh()).isEqualTo(new RefreshSummary(4, 0, 0, 0, 0, 0, 0));
    }

    @Test
    void whatWasRenamedOrCopiedIsNotEncodedAgain() throws IOException {
        refresh();
        Files.move(folder.resolve("more"), folder.resolve("other"));
        Files.copy(folder.resolve("plum.png"), folder.resolve("prune.png"));
        assertThat(refresh()).isEqualTo(new RefreshSummary(5, 2, 0, 1, 0, 0, 0));
        assertThat(paths()).containsExactly("apple.png", "other/below/cherry.JPG", "pear.png", "plum.png", "prune.png");
    }

    @Test
    void aChangeOfTheSameSizeIsSeenByItsTime() throws IOException {
        Path file = write("apple.png", "aaaaa");
        Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000));
        refresh();
        write("apple.png", "bbbbb");
        assertThat(refresh()).isEqualTo(new RefreshSummary(4, 0, 1, 0, 1, 0, 0));
    }

    @Test
    void brokenPicturesAreReportedOnceUntilTheyChange() throws IOException {
        Path broken = write("bad.png", "broken");
        assertThat(refresh()).isEqualTo(new RefreshSummary(4, 4, 0, 0, 4, 1, 1));
        assertThat(failures).containsExactly(broken + ": expected a picture, got 6 bytes");
        assertThat(refresh()).isEqualTo(new RefreshSummary(4, 0, 0, 0, 0, 0, 1));
        assertThat(failures).hasSize(1);
        write("bad.png", "broken still");
        assertThat(refresh().failed()).isEqualTo(1);
        write("bad.png", "whole");
        assertThat(refresh()).isEqualTo(new RefreshSummary(5, 0, 1, 0, 1, 0, 0));
        assertThat(failures).hasSize(2);
    }

    @Test
    void whatCannotBeListedIsReportedAndItsPicturesAreKept() throws IOException {
        refresh();
        List<String> vanished = new ArrayList<>();
        try (PictureIndex index = open()) {
            index.read(searcher -> {
                Survey survey = new Survey(searcher, listener);
                Path more = folder.resolve("more");
                survey.failed(more, "more", new IOException(more + ": may not be read"));
                survey.forEachVanished(vanished::add);
                return null;
            });
        }
        assertThat(failures).containsExactly(folder.resolve("more") + ": may not be read");
        assertThat(vanished).containsExactlyInAnyOrder("apple.png", "pear.png", "plum.png");
    }

    @Test
    void aFolderWithoutPicturesIsLeftAlone() throws IOException {
        Path empty = Files.createDirectories(folder.resolve("empty"));
        Files.writeString(empty.resolve("notes.txt"), "nothing");
        try (PictureIndex index = PictureIndex.open(empty, encoder, IndexOptions.defaults())) {
            assertThat(index.refresh(listener)).isEqualTo(new RefreshSummary(0, 0, 0, 0, 0, 0, 0));
            assertThat(index.search("any", BY_COSINE)).isEmpty();
            assertThat(index.duplicates(0.9, (task, done, total) -> {})).isEmpty();
        }
        assertThat(empty.resolve(PictureIndex.FOLDER)).doesNotExist();
        assertThat(PictureIndex.hasPictures(empty, IndexOptions.defaults())).isFalse();
        assertThat(PictureIndex.hasPictures(folder, IndexOptions.defaults())).isTrue();
    }

    @Test
    void hiddenFilesAndTheIndexAreLeftOut() throws IOException {
        write(".hidden.png", "hidden");
        write(".thumbnails/small.png", "small");
        IndexOptions options = IndexOptions.defaults().withLocation(folder.resolve("place"));
        try (PictureIndex index = open(options)) {
            assertThat(index.refresh(listener).pictures()).isEqualTo(4);
        }
        write("place/stray.png", "stray");
        try (PictureIndex index = open(options)) {
            assertThat(index.refresh(listener).pictures()).isEqualTo(4);
        }
        assertThat(folder.resolve(PictureIndex.FOLDER)).doesNotExist();
    }

    @Test
    void linksThatGoInCirclesEnd() throws IOException {
        Path elsewhere = Files.createDirectory(temporary.resolve("elsewhere"));
        Files.writeString(elsewhere.resolve("grape.png"), "grape");
        Files.createSymbolicLink(folder.resolve("more/up"), folder);
        Files.createSymbolicLink(folder.resolve("again"), folder.resolve("more"));
        Files.createSymbolicLink(folder.resolve("out"), elsewhere);
        Files.createSymbolicLink(elsewhere.resolve("back"), folder);
        Files.createSymbolicLink(folder.resolve("gone.png"), folder.resolve("nothing.png"));
        Files.createSymbolicLink(folder.resolve("pluot.png"), folder.resolve("plum.png"));
        assertThat(refresh().pictures()).isEqualTo(6);
        assertThat(paths())
                .containsExactly(
                        "apple.png", "more/below/cherry.JPG", "out/grape.png", "pear.png", "plum.png", "pluot.png");
        assertThat(failures).isEmpty();
    }

    @Test
    void oddNamesAreKept() throws IOException {
        List<String> odd = List.of("a b\tc.png", "line\nbreak.png", "<b>&\"'.png", "ümläut 漢字 😀.png", "-.png");
        for (String name : odd) {
            write("odd/" + name, name);
        }
        refresh();
        assertThat(paths()).containsAll(odd.stream().map(name -> "odd/" + name).toList());
        try (PictureIndex index = open()) {
            for (String name : odd) {
                assertThat(index.search(name, BY_COSINE).get(0).file()).hasContent(name);
            }
        }
    }

    @Test
    void anotherModelsIndexIsRefusedUnlessItIsToBeMadeAgain() throws IOException {
        refresh();
        FakeEncoder other = new FakeEncoder(1);
        assertThatThrownBy(() -> PictureIndex.open(folder, other, IndexOptions.defaults()))
                .isInstanceOf(IOException.class)
                .hasMessage(folder.resolve(PictureIndex.FOLDER)
                        + ": expected embeddings of the model in use, 3 times 16 numbers a picture, got those of another, 3"
                        + " times 16, or of pictures read in another way; name the model that made the index with --model,"
                        + " another place with --index, or make it again with --rebuild");
        IndexOptions again = IndexOptions.defaults().withRebuild(true);
        try (PictureIndex index = PictureIndex.open(folder, other, again)) {
            assertThat(index.refresh(listener)).isEqualTo(new RefreshSummary(4, 4, 0, 0, 4, 0, 0));
            assertThat(index.refresh(listener)).isEqualTo(new RefreshSummary(4, 0, 0, 0, 0, 0, 0));
            assertThat(index.search("pear", BY_COSINE).get(0).path()).isEqualTo("pear.png");
        }
    }

    @Test
    void aDamagedIndexIsRefusedAndCanBeMadeAgain() throws IOException {
        refresh();
        Path files = folder.resolve(PictureIndex.FOLDER);
        try (var list = Files.list(files)) {
            for (Path file : list.toList()) {
                if (file.getFileName().toString().startsWith("segments")) {
                    Files.writeString(file, "no segments");
                }
            }
        }
        assertThatThrownBy(this::open)
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith(files + ": expected an index, got damaged or foreign files (")
                .hasMessageEndingWith("make it again with --rebuild");
        try (PictureIndex index = open(IndexOptions.defaults().withRebuild(true))) {
            assertThat(index.refresh(listener).pictures()).isEqualTo(4);
        }
        assertThat(paths()).hasSize(4);
    }

    @Test
    void indexesOfOthersAreLeftAlone() throws IOException {
        Path foreign = temporary.resolve("foreign");
        try (FSDirectory directory = FSDirectory.open(foreign);
                IndexWriter writer = new IndexWriter(directory, new IndexWriterConfig(null))) {
            writer.commit();
        }
        assertThatThrownBy(() -> open(IndexOptions.defaults().withLocation(foreign)))
                .isInstanceOf(IOException.class)
                .hasMessage(foreign
                        + ": expected an index of format 1, got one of another program; name another place with --index,"
                        + " or make it again with --rebuild");
    }

    @Test
    void oneWritesAtATimeAndOthersCanSearch() throws IOException {
        refresh();
        write("new.png", "new");
        Path files = folder.resolve(PictureIndex.FOLDER);
        try (FSDirectory directory = FSDirectory.open(files);
                Lock lock = directory.obtainLock(IndexWriter.WRITE_LOCK_NAME);
                PictureIndex index = open()) {
            lock.ensureValid();
            assertThatThrownBy(() -> index.refresh(listener))
                    .isInstanceOf(IndexLockedException.class)
                    .hasMessage(
                            files + ": expected to be the only one to write this index, but another process or another"
                                    + " part of this program does; wait until it is done");
            assertThat(index.search("pear", BY_COSINE)).hasSize(4);
        }
        assertThat(refresh().added()).isEqualTo(1);
    }

    @Test
    void aPlaceThatCannotBeWrittenIsNamed() throws IOException {
        Path file = write("file", "");
        assertThatThrownBy(() -> open(IndexOptions.defaults().withLocation(file)))
                .hasMessage(file + ": expected a folder for the index, got a file; name another place with --index");
        Path below = file.resolve("below");
        try (PictureIndex index = open(IndexOptions.defaults().withLocation(below))) {
            assertThatThrownBy(() -> index.refresh(listener))
                    .isInstanceOf(IOException.class)
                    .hasMessageStartingWith(below + ": expected to write the index here, got ")
                    .hasMessageEndingWith("or name another place with --index");
        }
    }

    @Test
    void foldersAreChecked() {
        Path file = folder.resolve("apple.png");
        assertThatThrownBy(() -> PictureIndex.open(file, encoder, IndexOptions.defaults()))
                .hasMessage(file + ": expected a folder of pictures, got a file; name the folder that it lies in");
        Path nothing = folder.resolve("nothing");
        assertThatThrownBy(() -> PictureIndex.open(nothing, encoder, IndexOptions.defaults()))
                .hasMessage(nothing + ": expected a folder of pictures, got nothing there; check the name");
    }

    @Test
    void argumentsAreChecked() throws IOException {
        assertThatThrownBy(() -> BY_COSINE.withTop(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("top: expected 1 or more, got 0; it is how many pictures come out");
        assertThatThrownBy(() -> BY_COSINE.withRerank(-1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("rerank: expected 0 or more, got -1; 0 looks at none again");
        assertThatThrownBy(() -> IndexOptions.defaults().withCommitAfter(Duration.ofSeconds(-1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("commitAfter: expected 0 or more, got PT-1S");
        try (PictureIndex index = open()) {
            for (double threshold : new double[] {0, 1.5, Double.NaN}) {
                assertThatThrownBy(() -> index.duplicates(threshold, (task, done, total) -> {}))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("threshold: expected above 0 and up to 1, got " + threshold
                                + "; it is the least cosine of two pictures that are alike");
            }
        }
    }

    @Test
    void aClosedIndexSaysSo() throws IOException {
        PictureIndex index = open();
        index.close();
        assertThatThrownBy(() -> index.refresh(listener))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("index: expected it to be open, but it was closed");
        assertThatThrownBy(() -> index.search("any", BY_COSINE)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(index::size).isInstanceOf(IllegalStateException.class);
        index.close();
    }

    @Test
    void duplicatesAreGroupedAndCopiesMarked() throws IOException {
        write("a/plum again.png", "plum");
        write("z.png", "pear");
        Files.createSymbolicLink(folder.resolve("link.png"), folder.resolve("apple.png"));
        refresh();
        try (PictureIndex index = open()) {
            List<DuplicateGroup> groups = index.duplicates(0.9, (task, done, total) -> {});
            assertThat(groups).hasSize(2);
            List<DuplicateGroup.Member> plums = groups.get(0).pictures();
            assertThat(plums).extracting(DuplicateGroup.Member::path).containsExactly("a/plum again.png", "plum.png");
            assertThat(plums.get(0).copyOf()).isEmpty();
            assertThat(plums.get(1).copyOf()).contains("a/plum again.png");
            assertThat(groups.get(1).pictures())
                    .extracting(DuplicateGroup.Member::path)
                    .containsExactly("pear.png", "z.png");
        }
    }

    @Test
    void manyCopiesAreOneGroup() throws IOException {
        for (int i = 0; i < 100; i++) {
            write("copies/" + i + ".png", "same");
        }
        refresh();
        try (PictureIndex index = open()) {
            List<DuplicateGroup> groups = index.duplicates(1, (task, done, total) -> {});
            assertThat(groups).hasSize(1);
            assertThat(groups.get(0).pictures()).hasSize(100);
        }
    }

    @Test
    void searchesGoOnWhileTheIndexIsRefreshed() throws Exception {
        refresh();
        for (int i = 0; i < 400; i++) {
            write("many/" + i + ".png", "word" + i);
        }
        AtomicBoolean done = new AtomicBoolean();
        ExecutorService threads = Executors.newFixedThreadPool(3);
        try (PictureIndex index = open(IndexOptions.defaults().withCommitAfter(Duration.ZERO))) {
            List<Future<Integer>> searches = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                searches.add(threads.submit(() -> {
                    int last = 4;
                    while (!done.get()) {
                        List<PictureHit> hits = index.search("pear", BY_COSINE.withTop(1000));
                        assertThat(hits.get(0).path()).isEqualTo("pear.png");
                        assertThat(hits.size()).isGreaterThanOrEqualTo(last);
                        last = hits.size();
                    }
                    return last;
                }));
            }
            try {
                assertThat(index.refresh(listener).added()).isEqualTo(400);
            } finally {
                done.set(true);
            }
            for (Future<Integer> search : searches) {
                assertThat(search.get()).isBetween(4, 404);
            }
            assertThat(index.size()).isEqualTo(404);
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void anInterruptedRefreshKeepsWhatItEncoded() throws IOException {
        for (int i = 0; i < 40; i++) {
            write("many/" + i + ".png", "word" + i);
        }
        encoder.before = () -> {
            if (encoder.encoded.get() >= 20) {
                Thread.currentThread().interrupt();
            }
        };
        try (PictureIndex index = open()) {
            assertThatThrownBy(() -> index.refresh(listener)).isInstanceOf(CancellationException.class);
            assertThat(Thread.interrupted()).isTrue();
        }
        encoder.before = () -> {};
        assertThat(paths()).hasSize(24);
        assertThat(refresh().encoded()).isEqualTo(20);
        assertThat(paths()).hasSize(44);
    }

    @Test
    void aModelThatFailsLosesNothing() throws IOException {
        encoder.before = () -> {
            if (encoder.encoded.get() >= 4) {
                throw new IllegalStateException("out of luck");
            }
        };
        write("more.png", "more");
        assertThatThrownBy(this::refresh).hasMessage("out of luck");
        encoder.before = () -> {};
        assertThat(refresh()).isEqualTo(new RefreshSummary(5, 1, 0, 0, 1, 0, 0));
    }

    @Test
    void partsAreMadeOneWhenTheyAreMoreThanATenth() throws IOException {
        List<String> tidied = new ArrayList<>();
        RefreshListener hears = new RefreshListener() {
            @Override
            public void tidying() {
                tidied.add("tidied");
            }
        };
        IndexOptions options = IndexOptions.defaults().withCommitAfter(Duration.ZERO);
        for (int i = 0; i < 40; i++) {
            write("many/" + i + ".png", "word" + i);
        }
        try (PictureIndex index = open(options)) {
            index.refresh(hears);
            assertThat(tidied).hasSize(1);
            assertThat(parts(index)).isEqualTo(1);
            write("one.png", "one");
            index.refresh(hears);
            assertThat(tidied).hasSize(1);
            assertThat(parts(index)).isEqualTo(2);
            for (int i = 0; i < 5; i++) {
                write("more/" + i + ".png", "more" + i);
            }
            index.refresh(hears);
            assertThat(tidied).hasSize(2);
            assertThat(parts(index)).isEqualTo(1);
        }
    }

    private static int parts(PictureIndex index) throws IOException {
        return index.read(searcher -> searcher.getIndexReader().leaves().size());
    }

    @Test
    void otherProgramsFindWhatIsDocumented() throws IOException {
        refresh();
        try (DirectoryReader reader = DirectoryReader.open(FSDirectory.open(folder.resolve(PictureIndex.FOLDER)))) {
            assertThat(reader.getIndexCommit().getUserData())
                    .containsEntry("format", "1")
                    .containsEntry("queries", "3")
                    .containsKeys("pictures", "probe");
            Documents documents = new Documents(reader);
            int doc = documents.find("path", new BytesRef("plum.png"));
            assertThat(documents.number("size", doc)).isEqualTo(4);
            assertThat(documents.number("modified", doc))
                    .isEqualTo(Files.getLastModifiedTime(folder.resolve("plum.png"))
                            .to(TimeUnit.NANOSECONDS));
            assertThat(documents.bytes("sha256", doc)).hasSize(32);
            assertThat(documents.bytes("queries", doc)).hasSize(3 * 16 * 2);
            assertThat(documents.embedding(doc)).hasSize(16);
        }
    }
}
