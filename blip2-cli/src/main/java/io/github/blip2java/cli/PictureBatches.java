/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.memory.CallMemory;
import io.github.blip2java.pipeline.Blip2RetrievalPipeline;
import io.github.blip2java.processor.Blip2ImageProcessor;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ImageReader;
import io.github.blip2java.processor.ReadOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Any number of pictures in bounded memory; those that cannot be read are reported, and the others still come out. */
final class PictureBatches {
    private final List<String> names;
    private final ReadOptions reading;
    private final PrintWriter err;
    private final Progress progress;

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
     * Reads as many pictures at a time as the model encodes together.
     *
     * @return the exit code
     */
    int forEach(Blip2RetrievalPipeline blip2, Use use) throws IOException {
        Blip2ImageProcessor images = blip2.processor().imageProcessor();
        int size = CallMemory.picturesAtATime(
                blip2.model().config().visionConfig(),
                images.config().height(),
                images.config().width());
        boolean allRead = true;
        for (int from = 0; from < names.size(); from += size) {
            progress.progress("looking at pictures", from, names.size());
            List<Item> items = new ArrayList<>();
            for (String name : names.subList(from, Math.min(from + size, names.size()))) {
                Image image = read(name, images);
                allRead &= image != null;
                items.add(new Item(name, image));
            }
            use.accept(new Batch(items));
        }
        progress.clear();
        return allRead ? Blip2.OK : Blip2.SOME_FAILED;
    }

    private Image read(String name, Blip2ImageProcessor images) {
        String message;
        try {
            return images.resize(PictureArgument.read(name, reading));
        } catch (IOException e) {
            message = e.getMessage();
        } catch (IllegalArgumentException e) { // a picture that is too long to be resized
            message = name + ": " + e.getMessage();
        } catch (Error e) { // no reason to give up the others
            message = ImageReader.explain(e, name).getMessage();
        }
        progress.clear();
        err.println("blip2: " + message);
        err.flush();
        return null;
    }
}
