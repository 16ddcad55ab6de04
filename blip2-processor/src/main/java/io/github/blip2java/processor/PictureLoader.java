/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

import io.github.blip2java.internal.codec.PictureDecoder;
import io.github.blip2java.internal.codec.PictureErrors;
import io.github.blip2java.internal.codec.Pixels;
import java.io.IOException;
import java.util.Optional;
import java.util.function.Function;

/**
 * Brings a picture into memory when there is room for its file and for all that decoding takes, which is known when the file has been
 * read: where too little is left then, the file's bytes are dropped, and read again when the picture's turn comes.
 */
final class PictureLoader {
    private static final int START_BYTES = 1 << 16;

    /** A picture file. */
    interface Source {
        /** What error messages call it. */
        String name();

        /** Bytes of heap that {@link #read} takes, as far as they are known; 0 where its bytes are there already. */
        long size() throws IOException;

        /** All its bytes; may be asked for again. */
        byte[] read() throws IOException;

        /** The first of them. */
        byte[] start(int bytes) throws IOException;
    }

    private final PictureAdmission admission;
    private final Source source;
    private final ReadOptions options;

    PictureLoader(PictureAdmission admission, Source source, ReadOptions options) {
        this.admission = admission;
        this.source = source;
        this.options = options;
    }

    /** Loads a picture for a caller, who holds it as long as he likes. */
    Image load() throws IOException {
        admission.awaitCallers();
        Optional<Image> beside = besideOthers(this::lend);
        return beside.isPresent() ? beside.get() : alone(this::lend);
    }

    private Image lend(Image image) {
        admission.lent().lend(image);
        return image;
    }

    /**
     * Loads a picture while others are loaded, too.
     *
     * @param use what to do with it while its room is kept
     * @return what that gave; empty where there is too little memory for it beside others
     */
    <T> Optional<T> besideOthers(Function<Image, T> use) throws IOException {
        long bytes = source.size();
        while (!admission.needsAll(bytes)) {
            try (PictureAdmission.Place place = admission.enter(bytes)) {
                PictureDecoder decoder = open(source.read());
                long needed = source.size() + decoder.heapBytes();
                if (needed <= bytes || place.grow(needed)) {
                    return Optional.of(use.apply(image(decoder)));
                }
                bytes = needed;
            } catch (OutOfMemoryError e) {
                return Optional.empty(); // the heap holds more than pictures
            }
        }
        return Optional.empty();
    }

    /**
     * Loads a picture while no others are loaded.
     *
     * @param use what to do with it meanwhile
     * @return what that gave
     * @throws IOException also when there is too little memory; names a heap that would do
     */
    <T> T alone(Function<Image, T> use) throws IOException {
        try (PictureAdmission.Place place = admission.enter(Long.MAX_VALUE)) {
            for (boolean again = false; ; again = true) {
                long held = admission.lent().bytes();
                long needed = 0;
                try {
                    PictureDecoder decoder = open(source.read());
                    needed = source.size() + decoder.heapBytes();
                    if (needed > admission.heap()) {
                        throw PictureErrors.noRoom(source.name(), needed, null);
                    }
                    return use.apply(image(decoder));
                } catch (OutOfMemoryError e) {
                    // What was in the way may be gone already.
                    if (again && !admission.lent().await(() -> admission.lent().bytes() < held)) {
                        throw PictureErrors.noRoom(source.name(), needed == 0 ? guess() : needed, e);
                    }
                }
            }
        }
    }

    /** What a file needs that is too large to be read: its first bytes tell, in most formats. */
    private long guess() throws IOException {
        try {
            return source.size() + open(source.start(START_BYTES)).heapBytes();
        } catch (IOException e) {
            return 2 * source.size(); // pixels that are not compressed take as much again
        }
    }

    private PictureDecoder open(byte[] file) throws IOException {
        return PictureDecoder.open(
                file,
                source.name(),
                options.applyExifOrientation(),
                options.maxPixels(),
                options.background(),
                options.allowTruncated());
    }

    private static Image image(PictureDecoder decoder) throws IOException {
        Pixels pixels = decoder.decode();
        return Image.wrap(pixels.width(), pixels.height(), pixels.rgb());
    }
}
