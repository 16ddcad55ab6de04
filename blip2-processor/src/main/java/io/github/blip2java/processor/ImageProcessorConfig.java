/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

import io.github.blip2java.checkpoint.CheckpointFile;
import io.github.blip2java.checkpoint.CheckpointFolder;
import io.github.blip2java.internal.config.ConfigNode;
import io.github.blip2java.internal.config.Limits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * How pictures become pixel values: the fields of {@code preprocessor_config.json}, with the defaults of
 * {@code transformers}' {@code BlipImageProcessor}.
 *
 * @param doResize whether to resize to {@code height} by {@code width}
 * @param height rows after resizing, from 1 to 4096
 * @param width pixels in a row after resizing, from 1 to 4096
 * @param doRescale whether to multiply by {@code rescaleFactor}
 * @param rescaleFactor what byte values are multiplied by, 1/255 by default
 * @param doNormalize whether to subtract {@code imageMean} and divide by {@code imageStd}
 * @param imageMean mean of red, green and blue, in units after rescaling
 * @param imageStd standard deviation of red, green and blue, in units after rescaling; not zero
 */
public record ImageProcessorConfig(
        boolean doResize,
        int height,
        int width,
        boolean doRescale,
        double rescaleFactor,
        boolean doNormalize,
        List<Double> imageMean,
        List<Double> imageStd) {

    private static final int DEFAULT_SIZE = 384;
    private static final int MOST_SIDE = Limits.IMAGE_SIDE;
    private static final int CHANNELS = 3;
    private static final int BICUBIC = 3;
    private static final String FILE = "preprocessor_config.json";
    private static final String NESTED_FILE = "processor_config.json";

    /**
     * Checks the values.
     *
     * @param doResize whether to resize
     * @param height from 1 to 4096
     * @param width from 1 to 4096
     * @param doRescale whether to rescale
     * @param rescaleFactor any number
     * @param doNormalize whether to normalise
     * @param imageMean three numbers; copied
     * @param imageStd three numbers other than zero; copied
     * @throws IllegalArgumentException when a size is out of range, a list has not three values, or a deviation is zero
     */
    public ImageProcessorConfig {
        imageMean = List.copyOf(imageMean);
        imageStd = List.copyOf(imageStd);
        if (height < 1 || width < 1 || height > MOST_SIDE || width > MOST_SIDE) {
            throw new IllegalArgumentException(
                    "size: expected height and width from 1 to " + MOST_SIDE + ", got " + height + "x" + width);
        }
        if (imageMean.size() != CHANNELS || imageStd.size() != CHANNELS || imageStd.contains(0.0)) {
            throw new IllegalArgumentException("image_mean and image_std: expected three numbers each, deviations not"
                    + " zero, got " + imageMean + " and " + imageStd);
        }
    }

    /**
     * Returns the defaults: 384x384, 1/255, CLIP's mean and deviation.
     *
     * @return the defaults
     */
    public static ImageProcessorConfig defaults() {
        return new ImageProcessorConfig(
                true,
                DEFAULT_SIZE,
                DEFAULT_SIZE,
                true,
                1 / 255.0,
                true,
                List.of(0.48145466, 0.4578275, 0.40821073),
                List.of(0.26862954, 0.26130258, 0.27577711));
    }

    /**
     * Returns this configuration with another size.
     *
     * @param newHeight rows after resizing, from 1 to 4096
     * @param newWidth pixels in a row after resizing, from 1 to 4096
     * @return a new configuration
     * @throws IllegalArgumentException when a size is out of range
     */
    public ImageProcessorConfig withSize(int newHeight, int newWidth) {
        return new ImageProcessorConfig(
                doResize, newHeight, newWidth, doRescale, rescaleFactor, doNormalize, imageMean, imageStd);
    }

    /**
     * Reads the configuration of a checkpoint: the entry {@code image_processor} of {@code processor_config.json} if
     * there is one, else {@code preprocessor_config.json}.
     *
     * @param directory the checkpoint's folder
     * @return the configuration
     * @throws IOException when neither file is there, or one cannot be read
     * @throws io.github.blip2java.checkpoint.MalformedCheckpointException when a value has the wrong type or range
     * @throws io.github.blip2java.checkpoint.UnsupportedModelException when the file asks for another filter than
     *     bicubic, for cropping or padding, or for a size that keeps the aspect ratio
     */
    public static ImageProcessorConfig fromPretrained(Path directory) throws IOException {
        return read(CheckpointFolder.resolve(directory));
    }

    private static ImageProcessorConfig read(Path directory) throws IOException {
        Path nested = directory.resolve(NESTED_FILE);
        if (Files.isRegularFile(nested)) {
            ConfigNode json = ConfigNode.read(nested);
            if (json.has("image_processor")) {
                return of(json.object("image_processor"));
            }
        }
        Path file = directory.resolve(FILE);
        if (!Files.isRegularFile(file)) {
            throw new IOException(directory + ": expected " + FILE + ", or " + NESTED_FILE
                    + " with an entry image_processor; found neither, copy the file from the original checkpoint");
        }
        return of(ConfigNode.read(file));
    }

    private static ImageProcessorConfig of(ConfigNode json) {
        ImageProcessorConfig defaults = defaults();
        int resample = json.integer("resample", BICUBIC, 0, Integer.MAX_VALUE);
        if (resample != BICUBIC) {
            throw json.unsupported("resample", resample + " is not supported; supported: 3 (bicubic)");
        }
        for (String step : List.of("do_center_crop", "do_pad")) {
            if (json.flag(step, false)) {
                throw json.unsupported(step, "true is not supported; supported: false");
            }
        }
        int[] size = size(json);
        List<Double> deviations = json.numbers("image_std", CHANNELS, defaults.imageStd);
        if (deviations.contains(0.0)) {
            throw json.malformed("image_std", "expected numbers other than 0, got " + deviations);
        }
        return new ImageProcessorConfig(
                json.flag("do_resize", true),
                size[0],
                size[1],
                json.flag("do_rescale", true),
                json.signedNumber("rescale_factor", defaults.rescaleFactor),
                json.flag("do_normalize", true),
                json.numbers("image_mean", CHANNELS, defaults.imageMean),
                deviations);
    }

    /** Height and width: an object with both, or one number for a square. */
    private static int[] size(ConfigNode json) {
        if (!json.hasObject("size")) {
            int side = json.size("size", DEFAULT_SIZE, MOST_SIDE);
            return new int[] {side, side};
        }
        ConfigNode size = json.object("size");
        if (!size.has("height") || !size.has("width")) {
            throw json.unsupported(
                    "size",
                    CheckpointFile.shown(size)
                            + " is not supported; supported: {\"height\": …, \"width\": …} or one number");
        }
        return new int[] {size.size("height", 0, MOST_SIDE), size.size("width", 0, MOST_SIDE)};
    }
}
