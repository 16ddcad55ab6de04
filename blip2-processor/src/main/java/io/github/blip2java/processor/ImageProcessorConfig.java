/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * How pictures become pixel values: the fields of {@code preprocessor_config.json}, with the defaults of
 * {@code transformers}' {@code BlipImageProcessor}.
 *
 * @param doResize whether to resize to {@code height} by {@code width}
 * @param height rows after resizing, at least 1
 * @param width pixels in a row after resizing, at least 1
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
    private static final int BICUBIC = 3;
    private static final String FILE = "preprocessor_config.json";
    private static final String NESTED_FILE = "processor_config.json";

    /**
     * Checks the values.
     *
     * @param doResize whether to resize
     * @param height at least 1
     * @param width at least 1
     * @param doRescale whether to rescale
     * @param rescaleFactor any number
     * @param doNormalize whether to normalise
     * @param imageMean three numbers; copied
     * @param imageStd three numbers other than zero; copied
     * @throws IllegalArgumentException when a size is below 1, a list has not three values, or a deviation is zero
     */
    public ImageProcessorConfig {
        imageMean = List.copyOf(imageMean);
        imageStd = List.copyOf(imageStd);
        if (height < 1 || width < 1) {
            throw new IllegalArgumentException(
                    "size: expected height and width of at least 1, got " + height + "x" + width);
        }
        if (imageMean.size() != 3 || imageStd.size() != 3 || imageStd.contains(0.0)) {
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
     * @param newHeight rows after resizing, at least 1
     * @param newWidth pixels in a row after resizing, at least 1
     * @return a new configuration
     * @throws IllegalArgumentException when a size is below 1
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
     * @throws io.github.blip2java.weights.MalformedCheckpointException when a value has the wrong type or range
     * @throws io.github.blip2java.weights.UnsupportedModelException when the file asks for another filter than
     *     bicubic, for cropping or padding, or for a size that keeps the aspect ratio
     */
    public static ImageProcessorConfig fromPretrained(Path directory) throws IOException {
        Path nested = directory.resolve(NESTED_FILE);
        if (Files.isRegularFile(nested)) {
            JsonObject entry = JsonObject.read(nested).object("image_processor");
            if (entry != null) {
                return of(entry);
            }
        }
        Path file = directory.resolve(FILE);
        if (!Files.isRegularFile(file)) {
            throw new IOException(directory + ": expected " + FILE + ", or " + NESTED_FILE
                    + " with an entry image_processor; found neither, copy the file from the original checkpoint");
        }
        return of(JsonObject.read(file));
    }

    private static ImageProcessorConfig of(JsonObject json) {
        ImageProcessorConfig defaults = defaults();
        int resample = json.integer("resample", BICUBIC);
        if (resample != BICUBIC) {
            throw json.unsupported("resample " + resample, "3 (bicubic)");
        }
        for (String step : List.of("do_center_crop", "do_pad")) {
            if (json.bool(step, false)) {
                throw json.unsupported(step + " true", "false");
            }
        }
        int[] size = size(json);
        try {
            return new ImageProcessorConfig(
                    json.bool("do_resize", true),
                    size[0],
                    size[1],
                    json.bool("do_rescale", true),
                    json.number("rescale_factor", defaults.rescaleFactor),
                    json.bool("do_normalize", true),
                    channels(json, "image_mean", defaults.imageMean),
                    channels(json, "image_std", defaults.imageStd));
        } catch (IllegalArgumentException e) {
            throw json.malformed(e.getMessage());
        }
    }

    /** Height and width: an object with both, or one number for a square. */
    private static int[] size(JsonObject json) {
        JsonNode size = json.value("size");
        if (size == null) {
            return new int[] {DEFAULT_SIZE, DEFAULT_SIZE};
        }
        if (size.isInt()) {
            return new int[] {size.intValue(), size.intValue()};
        }
        if (size.path("height").isInt() && size.path("width").isInt()) {
            return new int[] {size.get("height").intValue(), size.get("width").intValue()};
        }
        throw json.unsupported("size " + size, "{\"height\": …, \"width\": …} or one number");
    }

    /** Three numbers, or one for all channels. */
    private static List<Double> channels(JsonObject json, String key, List<Double> fallback) {
        JsonNode values = json.value(key);
        if (values == null) {
            return fallback;
        }
        if (values.isNumber()) {
            return List.of(values.doubleValue(), values.doubleValue(), values.doubleValue());
        }
        List<Double> list = new ArrayList<>();
        for (JsonNode value : values) {
            if (!value.isNumber()) {
                throw json.malformed(key + ": expected numbers, got " + values);
            }
            list.add(value.doubleValue());
        }
        return list;
    }
}
