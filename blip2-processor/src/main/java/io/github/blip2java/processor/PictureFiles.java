/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

import io.github.blip2java.ComputeThreads;
import io.github.blip2java.internal.codec.PictureErrors;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/** Any number of picture files in bounded memory: while somebody works with some of them, the next are read. */
public final class PictureFiles {
    private final Blip2ImageProcessor images;
    private final ReadOptions options;
    private final ComputeThreads threads;
    private final int batch;

    /**
     * Reads with some threads.
     *
     * @param images  shrinks pictures
     * @param options how files are read
     * @param threads read several at once; beside the calling thread unless it is the only one
     * @param batch   pictures at a time
     */
    public PictureFiles(Blip2ImageProcessor images, ReadOptions options, ComputeThreads threads, int batch) {
        this.images = images;
        this.options = options;
        this.threads = threads;
        this.batch = batch;
    }

    /**
     * What became of a picture file.
     *
     * @param file  the file
     * @param image a picture of the model's size, which takes little memory however large the file is; null where it cannot be read
     * @param error why it cannot be read; null where there is an image
     */
    public record ReadFile(Path file, Image image, IOException error) {
        /** Whether it needs so much memory that nothing else should be done meanwhile. */
        private boolean postponed() {
            return image == null && error == null;
        }
    }

    /**
     * Reads all files.
     *
     * @param files picture files, asked for when their turn comes, on this thread: no more than two batches ahead of what was used
     * @param use   hears of them, some at a time and in the same order, on this thread
     * @throws CancellationException if this thread is interrupted; it stays marked as interrupted
     */
    public void forEachBatch(Iterator<Path> files, Consumer<List<ReadFile>> use) {
        CompletableFuture<List<ReadFile>> next = files.hasNext() ? readNext(files) : null;
        while (next != null) {
            List<ReadFile> read = await(next).stream()
                    .map(file -> file.postponed() ? read(file.file(), true) : file)
                    .toList();
            next = files.hasNext() ? readNext(files) : null;
            use.accept(read);
        }
    }

    private static <T> T await(CompletableFuture<T> future) {
        try {
            return future.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException(
                    "interrupted: the thread that waits for pictures was interrupted, so the call was given up");
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            if (e.getCause() instanceof RuntimeException exception) {
                throw exception;
            }
            throw new IllegalStateException(e.getCause());
        }
    }

    private static void startThread(Runnable task) {
        Thread thread = new Thread(task, "blip2-reader");
        thread.setDaemon(true);
        thread.start();
    }

    /** Starts to read a batch. */
    private CompletableFuture<List<ReadFile>> readNext(Iterator<Path> files) {
        List<Path> some = new ArrayList<>(batch);
        while (some.size() < batch && files.hasNext()) {
            some.add(files.next());
        }
        Executor reader = threads.size() == 1 ? Runnable::run : PictureFiles::startThread;
        return CompletableFuture.supplyAsync(
                () -> {
                    ReadFile[] read = new ReadFile[some.size()];
                    threads.forRange(read.length, i -> read[i] = read(some.get(i), false));
                    return List.of(read);
                },
                reader);
    }

    /**
     * Reads a picture from a stream, as the files are read.
     *
     * @param stream a picture file's bytes; read to its end, not closed
     * @param name   what the result and its error call it
     * @return what became of it
     */
    public ReadFile read(InputStream stream, Path name) {
        return explained(name, () -> {
            try {
                return images.resize(ImageReader.read(stream, options));
            } catch (IOException e) {
                throw new IOException(name + ": " + e.getMessage(), e);
            }
        });
    }

    private ReadFile read(Path file, boolean alone) {
        return explained(file, () -> {
            PictureLoader loader = ImageReader.loader(file, options);
            return alone
                    ? loader.alone(images::resize)
                    : loader.besideOthers(images::resize).orElse(null);
        });
    }

    /** What gives a picture, or throws why there is none. */
    private interface Reading {
        Image read() throws IOException;
    }

    private static ReadFile explained(Path file, Reading reading) {
        try {
            return new ReadFile(file, reading.read(), null);
        } catch (IOException e) {
            return new ReadFile(file, null, e);
        } catch (IllegalArgumentException e) { // a picture that is too long to be resized
            return new ReadFile(file, null, new IOException(file + ": " + e.getMessage(), e));
        } catch (Error e) { // no reason to give up the others
            return new ReadFile(file, null, PictureErrors.of(e, file.toString()));
        }
    }
}
