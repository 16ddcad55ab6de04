/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

import io.github.blip2java.ImageTextMatch;
import io.github.blip2java.RetrievalImages;
import io.github.blip2java.internal.codec.PictureErrors;
import io.github.blip2java.memory.CallMemory;
import io.github.blip2java.pipeline.Blip2RetrievalPipeline;
import io.github.blip2java.processor.Blip2ImageProcessor;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ImageReader;
import io.github.blip2java.processor.ReadOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;

/** A BLIP-2 model for retrieval, as a {@link PictureIndex} uses it. */
public final class Blip2PictureEncoder implements PictureEncoder {
    private final Blip2RetrievalPipeline blip2;
    private final ReadOptions reading;
    private final ModelFingerprint fingerprint;

    /**
     * Uses a pipeline, which the caller closes after the index.
     *
     * @param blip2 the model
     * @param reading how picture files are read
     */
    public Blip2PictureEncoder(Blip2RetrievalPipeline blip2, ReadOptions reading) {
        this.blip2 = blip2;
        this.reading = reading;
        this.fingerprint = new ModelFingerprint(
                blip2.model().config().numQueryTokens(),
                pictures(blip2.processor().imageProcessor(), reading),
                encode(ModelFingerprint.PROBE));
    }

    /** All that decides which numbers a picture becomes. */
    private static String pictures(Blip2ImageProcessor processor, ReadOptions reading) {
        String background = reading.background() == null
                ? "none"
                : String.format("#%06x", reading.background().getRGB() & 0xffffff);
        return processor.config() + ", orientation " + reading.applyExifOrientation() + ", background " + background;
    }

    @Override
    public ModelFingerprint fingerprint() {
        return fingerprint;
    }

    @Override
    public int batchSize() {
        Blip2ImageProcessor images = blip2.processor().imageProcessor();
        return CallMemory.picturesAtATime(
                blip2.model().config().visionConfig(),
                images.config().height(),
                images.config().width());
    }

    @Override
    public Image read(Path file) throws IOException {
        try {
            return blip2.processor().imageProcessor().resize(ImageReader.read(file, reading));
        } catch (IllegalArgumentException e) { // a picture that is too long to be resized
            throw new IOException(file + ": " + e.getMessage(), e);
        } catch (Error e) { // no reason to give up the others
            throw PictureErrors.of(e, file.toString());
        }
    }

    @Override
    public List<float[][]> encode(List<Image> images) {
        RetrievalImages encoded = blip2.encode(images);
        return IntStream.range(0, encoded.size())
                .mapToObj(encoded::queryEmbeddings)
                .toList();
    }

    @Override
    public float[] encode(String text) {
        return blip2.embedTexts(List.of(text))[0];
    }

    @Override
    public List<ImageTextMatch> match(List<Image> images, String text) {
        return blip2.match(images, List.of(text)).stream()
                .map(texts -> texts.get(0))
                .toList();
    }
}
