/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli.folder;

import io.github.blip2java.pipeline.Blip2Pipeline;
import io.github.blip2java.pipeline.Blip2Request;
import io.github.blip2java.pipeline.FileResult;
import io.github.blip2java.pipeline.GeneratedText;
import io.github.blip2java.pipeline.folder.CaptionStore;
import io.github.blip2java.pipeline.folder.PictureFile;
import io.github.blip2java.processor.ReadOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

/** Describes the pictures that are not described yet; one that fails is told of and counted, and the others go on. */
public final class FolderRun implements AutoCloseable {
    private final PictureInputs inputs;
    private final CaptionStore store;
    private final List<String> questions;
    private final Affixes around;
    private final String onStop;
    private final Console console;
    private final Selection selection;
    private final Thread onShutdown = new Thread(this::stop, "blip2-stop");
    /** Held while something is written, and for good once the process is told to end. */
    private final Object writing = new Object();

    /** Pictures that were found, when all are; negative before. */
    private volatile long total = -1;

    private Rate rate = new Rate();
    private long done;
    private long skipped;
    private long failed;
    private boolean stopped;

    /**
     * Prepares a run.
     *
     * @param inputs    which pictures
     * @param store     where texts go; closed with this
     * @param questions what to ask about each; one null for a caption
     * @param around    what stands before and behind each text
     * @param onStop    what is said when the run is stopped: how to go on
     * @param console   hears of all
     * @throws IOException when the list of pictures cannot be opened
     */
    public FolderRun(
            PictureInputs inputs,
            CaptionStore store,
            List<String> questions,
            Affixes around,
            String onStop,
            Console console)
            throws IOException {
        this.inputs = inputs;
        this.store = store;
        this.questions = questions;
        this.around = around;
        this.onStop = onStop;
        this.console = console;
        this.selection = new Selection(inputs.open(this::fail));
        Runtime.getRuntime().addShutdownHook(onShutdown);
    }

    /** {@return whether there is a picture that is not described yet; without one no model is needed} */
    public boolean hasWork() {
        return selection.hasNext();
    }

    /**
     * Describes pictures.
     *
     * @param blip2   the model
     * @param request how; with a prompt for each question
     * @param reading how files are read
     * @throws IOException when results cannot be written
     */
    public void run(Blip2Pipeline blip2, Blip2Request request, ReadOptions reading) throws IOException {
        startCounting();
        rate = new Rate();
        show();
        try {
            blip2.generateForFiles(selection, request, reading, this::write);
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /** Says how it went. */
    public void summarize() {
        console.show("");
        console.note(summary());
    }

    /** {@return pictures that failed} */
    public long failed() {
        return failed;
    }

    /** {@return pictures that were found, whatever became of them} */
    public long found() {
        return done + skipped + failed;
    }

    private String summary() {
        return done
                + (questions.get(0) == null ? " captioned" : " answered")
                + (skipped == 0 ? "" : ", " + skipped + " done before")
                + (failed == 0 ? "" : ", " + failed + " failed")
                + (done == 0 ? "" : ", in " + rate.elapsed() + ", " + rate.of(done));
    }

    /** So that the time left can be told; walking a folder takes little beside describing it. */
    private void startCounting() {
        if (inputs.canRepeat()) {
            Thread counter = new Thread(
                    () -> {
                        try {
                            long count = 0;
                            Iterator<PictureFile> all = inputs.inAnyOrder().open(reason -> {});
                            for (; all.hasNext(); count++) {
                                all.next();
                            }
                            total = count;
                        } catch (IOException | RuntimeException e) {
                            // Then the time left is not told.
                        }
                    },
                    "blip2-counter");
            counter.setDaemon(true);
            counter.start();
        }
    }

    private void fail(Throwable problem) {
        failed++;
        console.error(problem);
    }

    private void write(List<FileResult> results) {
        synchronized (writing) {
            awaitEndIfStopped();
            try {
                for (FileResult result : results) {
                    PictureFile picture = selection.pending.remove();
                    if (result.error().isPresent()) {
                        fail(result.error().get());
                    } else {
                        keep(picture, result.texts());
                    }
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        show();
    }

    private void keep(PictureFile picture, List<GeneratedText> texts) throws IOException {
        try {
            for (int i = 0; i < questions.size(); i++) {
                if (!store.isDone(picture, questions.get(i))) {
                    store.write(picture, questions.get(i), around.put(texts.get(i)));
                }
            }
            done++;
        } catch (IOException e) {
            if (!store.failsAlone()) {
                throw e;
            }
            fail(e);
        }
    }

    private void show() {
        long seen = done + failed;
        long more = total - seen - skipped;
        console.show((done + failed + skipped) + (total < 0 ? "" : " of " + total) + " pictures"
                + (seen == 0
                        ? ""
                        : ", " + rate.of(seen)
                                + (total < 0 || more < 0 ? "" : ", " + rate.left(seen, more) + " left")));
    }

    /** What is written stays whole when the process is told to end, as by Ctrl-C. */
    private void stop() {
        synchronized (writing) {
            stopped = true;
            try {
                store.close();
            } catch (IOException e) {
                console.error(e);
            }
            console.show("");
            console.note("stopped: " + summary() + onStop);
        }
    }

    private void awaitEndIfStopped() {
        while (stopped) {
            try {
                writing.wait();
            } catch (InterruptedException e) {
                // The process ends in a moment.
            }
        }
    }

    @Override
    public void close() throws IOException {
        synchronized (writing) {
            awaitEndIfStopped();
            try {
                Runtime.getRuntime().removeShutdownHook(onShutdown);
            } catch (IllegalStateException e) { // the process is ending: it closes the store
                stopped = true;
                awaitEndIfStopped();
            }
            store.close();
        }
    }

    /** Pictures with something left to do, and what was asked for last. */
    private final class Selection implements Iterator<Path> {
        private final Iterator<PictureFile> found;
        /** Handed out, without a result yet. */
        private final Deque<PictureFile> pending = new ArrayDeque<>();

        private PictureFile next;

        Selection(Iterator<PictureFile> found) {
            this.found = found;
        }

        @Override
        public boolean hasNext() {
            while (next == null && found.hasNext()) {
                PictureFile picture = found.next();
                if (!picture.hasPlainName()) {
                    fail(new IOException(
                            picture.path() + ": expected a name in UTF-8, got bytes that are none, shown as"
                                    + " \ufffd; rename it, for example with: convmv -f latin1 -t utf8 --notest FILE"));
                } else if (isDone(picture)) {
                    skipped++;
                } else if (isKept(picture)) {
                    next = picture;
                }
            }
            return next != null;
        }

        private boolean isDone(PictureFile picture) {
            return questions.stream().allMatch(question -> store.isDone(picture, question))
                    || pending.stream().anyMatch(other -> other.name().equals(picture.name())); // named twice
        }

        private boolean isKept(PictureFile picture) {
            try {
                store.check(picture);
                return true;
            } catch (IOException e) {
                fail(e);
                return false;
            }
        }

        @Override
        public Path next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            PictureFile picture = next;
            next = null;
            pending.add(picture);
            return picture.path();
        }
    }
}
