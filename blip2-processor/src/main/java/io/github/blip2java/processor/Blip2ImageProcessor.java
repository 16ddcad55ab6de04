/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

import io.github.blip2java.PixelValues;
import io.github.blip2java.memory.InsufficientMemoryException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Pictures to the pixel values that the vision model reads, equal to the bit to {@code transformers}'
 * {@code BlipImageProcessorPil}.
 *
 * <p>Resizes with {@link BicubicResampler}, then {@code (x * rescaleFactor - mean) / std} per channel.
 *
 * <p>Precision: the product is rounded from double to float, the rest is float, as NumPy does it.
 *
 * <p>Reference class: {@code BlipImageProcessorPil}. Immutable, safe for many threads at once.
 */
public final class Blip2ImageProcessor {

    private static final int CHANNELS = 3;

    /** A picture that is resized exists three times: as it was, resized in one direction, and in both. */
    private static final long WORKING_BYTES = 3;

    /** Java's arrays end here. */
    private static final int MOST_VALUES = Integer.MAX_VALUE - 8;

    private final ImageProcessorConfig config;
    /** The pixel value of each byte, by channel: there are only 256 of them. */
    private final float[][] values;

    /**
     * Makes a processor.
     *
     * @param config size, factors and means
     * @throws InsufficientMemoryException when the pixel values of one picture of that size cannot fit into Java's heap
     */
    public Blip2ImageProcessor(ImageProcessorConfig config) {
        if (config.doResize()) {
            requireMemory(1, config.width(), config.height());
        }
        this.config = config;
        this.values = new float[CHANNELS][256];
        for (int channel = 0; channel < CHANNELS; channel++) {
            float mean = config.imageMean().get(channel).floatValue();
            float std = config.imageStd().get(channel).floatValue();
            for (int level = 0; level < 256; level++) {
                float value = config.doRescale() ? (float) (level * config.rescaleFactor()) : level;
                values[channel][level] = config.doNormalize() ? (value - mean) / std : value;
            }
        }
    }

    /**
     * Makes the processor of a checkpoint.
     *
     * @param directory the checkpoint's folder, with {@code preprocessor_config.json} or {@code processor_config.json}
     * @return the processor
     * @throws IOException when the file is missing or unreadable
     * @throws io.github.blip2java.checkpoint.MalformedCheckpointException when a value has the wrong type or range
     * @throws io.github.blip2java.checkpoint.UnsupportedModelException when the file asks for what is not supported
     * @throws InsufficientMemoryException as {@link #Blip2ImageProcessor} does
     */
    public static Blip2ImageProcessor fromPretrained(Path directory) throws IOException {
        return new Blip2ImageProcessor(ImageProcessorConfig.fromPretrained(directory));
    }

    /**
     * Returns the configuration.
     *
     * @return size, factors and means
     */
    public ImageProcessorConfig config() {
        return config;
    }

    /**
     * Resizes a picture as {@link #preprocess} does first.
     *
     * @param image the picture
     * @return the picture at the configured size, or unchanged when the configuration says not to resize
     */
    public Image resize(Image image) {
        return config.doResize() ? BicubicResampler.resize(image, config.width(), config.height()) : image;
    }

    /**
     * Makes the pixel values of some pictures, which may be of different sizes.
     *
     * @param images at least one picture
     * @return float32 {@code [images, 3, height, width]}, row-major
     * @throws IllegalArgumentException when there is no picture, or when pictures that are not resized differ in size
     * @throws InsufficientMemoryException when the values of that many pictures cannot fit into Java's heap
     */
    public INDArray preprocess(List<Image> images) {
        return pixelValues(images).toINDArray();
    }

    /**
     * Makes the pixel values of some pictures, as {@link #preprocess} does, without ND4J.
     *
     * @param images at least one picture
     * @return their values
     * @throws IllegalArgumentException as there
     * @throws InsufficientMemoryException as there
     */
    public PixelValues pixelValues(List<Image> images) {
        if (images.isEmpty()) {
            throw new IllegalArgumentException("images: expected at least one picture, got none");
        }
        requireMemory(
                images.size(),
                config.doResize() ? config.width() : images.get(0).width(),
                config.doResize() ? config.height() : images.get(0).height());
        Image first = resize(images.get(0));
        int pixels = first.width() * first.height();
        float[] batch = new float[images.size() * CHANNELS * pixels];
        for (int i = 0; i < images.size(); i++) {
            Image resized = i == 0 ? first : resize(images.get(i));
            if (resized.width() != first.width() || resized.height() != first.height()) {
                throw new IllegalArgumentException("images: do_resize is false, so expected pictures of one size, got "
                        + first.width() + "x" + first.height() + " and " + resized.width() + "x" + resized.height());
            }
            byte[] rgb = resized.sharedRgb();
            for (int channel = 0; channel < CHANNELS; channel++) {
                int plane = (CHANNELS * i + channel) * pixels;
                for (int pixel = 0; pixel < pixels; pixel++) {
                    batch[plane + pixel] = values[channel][rgb[CHANNELS * pixel + channel] & 0xff];
                }
            }
        }
        return new PixelValues(batch, images.size(), first.height(), first.width());
    }

    /** Refuses a batch whose one array of values could not be made, before any work on it. */
    private static void requireMemory(int images, int width, int height) {
        long values = (long) CHANNELS * width * height * images;
        long needed = values * Float.BYTES + WORKING_BYTES * CHANNELS * width * height;
        long heap = Runtime.getRuntime().maxMemory();
        if (values > MOST_VALUES || needed > heap) {
            throw new InsufficientMemoryException("pictures: expected room for the pixel values of " + images + " of "
                    + width + "x" + height + ", " + (needed >> 20) + " MiB, got " + (heap >> 20)
                    + " MiB of heap in all; take fewer at a time, or start Java with a larger heap (-Xmx)");
        }
    }
}
