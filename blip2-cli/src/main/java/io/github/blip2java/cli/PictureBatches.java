/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.memory.CallMemory;
import io.github.blip2java.pipeline.Blip2RetrievalPipeline;
import io.github.blip2java.processor.Blip2ImageProcessor;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.PictureFiles;
import io.github.blip2java.processor.PictureFiles.ReadFile;
import io.github.blip2java.processor.ReadOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Any number of pictures in bounded memory; those that cannot be read are reported, and the others still come out. */
final class PictureBatches {
    private final List<String> names;
    private final ReadOptions reading;
    private final PrintWriter err;
    private final Progress progress;
    private int done;
    private int failed;

    /**
     * Knows what to read.
     *
     * @param names   files, one of which may be {@code -} for standard input
     * @param reading how
     */
    PictureBatches(List<String> names, ReadOptions reading, PrintWriter err, Progress progress) {
        this.names = names;
        this.reading = reading;
        this.err = err;
        this.progress = progress;
    }

    /** Refuses what cannot be read, before a model is loaded. */
    static void check(List<String> names) {
        if (Collections.frequency(names, PictureArgument.STANDARD_INPUT) > 1) {
            throw new IllegalArgumentException(
                    "IMAGE: expected - once, got it several times; standard input holds one picture");
        }
    }

    /** Some pictures in the order of the command line, of the model's size. */
    record Batch(List<Item> items) {
        List<Item> readable() {
            return items.stream().filter(item -> item.image() != null).toList();
        }

        List<Image> images() {
            return readable().stream().map(Item::image).toList();
        }
    }

    /** A picture, or null where it cannot be read. */
    record Item(String name, Image image) {}

    /** What is done with a batch. */
    interface Use {
        /** Hears of at least one picture; none may be readable. */
        void accept(Batch batch) throws IOException;
    }

    /**
     * Reads as many pictures at a time as the model encodes together, the next ones meanwhile.
     *
     * @return the exit code
     */
    int forEach(Blip2RetrievalPipeline blip2, Use use) throws IOException {
        Blip2ImageProcessor images = blip2.processor().imageProcessor();
        int size = CallMemory.picturesAtATime(
                blip2.model().config().visionConfig(),
                images.config().height(),
                images.config().width());
        PictureFiles files = new PictureFiles(images, reading, blip2.model().threads(), size);
        progress.progress("looking at pictures", 0, names.size());
        try {
            for (int from = 0; from < names.size(); ) {
                String name = names.get(from);
                List<Path> some = files(from);
                if (!some.isEmpty()) {
                    files.forEachBatch(some.iterator(), read -> hand(read, use));
                } else if (name.equals(PictureArgument.STANDARD_INPUT)) {
                    hand(List.of(files.read(System.in, Path.of("standard input"))), use);
                } else {
                    report(name(name));
                    use.accept(new Batch(List.of(new Item(name, null))));
                    done++;
                }
                from = done;
            }
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        progress.clear();
        return failed == 0 ? Blip2.OK : Blip2.SOME_FAILED;
    }

    /** The files from here on, up to standard input or a name that this system cannot express. */
    private List<Path> files(int from) {
        List<Path> files = new ArrayList<>();
        for (String name : names.subList(from, names.size())) {
            if (name.equals(PictureArgument.STANDARD_INPUT) || name(name) != null) {
                break;
            }
            files.add(Path.of(name));
        }
        return files;
    }

    /** What is wrong with a name; null for a good one. */
    private static String name(String name) {
        try {
            Path.of(name);
            return null;
        } catch (InvalidPathException e) {
            return Blip2.message(e);
        }
    }

    private void hand(List<ReadFile> read, Use use) {
        List<Item> items = new ArrayList<>();
        for (ReadFile file : read) {
            if (file.error() != null) {
                report(Blip2.message(file.error()));
            }
            items.add(new Item(names.get(done++), file.image()));
        }
        try {
            use.accept(new Batch(items));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        progress.progress("looking at pictures", done, names.size());
    }

    private void report(String message) {
        progress.clear();
        err.println("blip2: " + message);
        err.flush();
        failed++;
    }
}
