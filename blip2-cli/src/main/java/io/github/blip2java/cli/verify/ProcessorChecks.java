/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli.verify;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.blip2java.processor.Blip2Processor;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ImageReader;
import io.github.blip2java.processor.ProcessorOutput;
import io.github.blip2java.processor.ReadOptions;
import io.github.blip2java.processor.TextOptions;
import java.io.IOException;
import java.util.List;
import java.util.function.Consumer;

/** Checks what the processor makes of the case's texts and pictures. */
final class ProcessorChecks {
    private ProcessorChecks() {}

    static void run(ReferenceCase reference, Consumer<Check> report) throws IOException {
        JsonNode texts = reference.json().path("texts");
        JsonNode images = reference.json().path("images");
        if (texts.isEmpty() && images.isEmpty()) {
            return;
        }
        try (Blip2Processor processor = Blip2Processor.fromPretrained(reference.checkpoint())) {
            for (JsonNode image : images) {
                report.accept(image(reference, processor, image.asText()));
            }
            for (int i = 0; i < texts.size(); i++) {
                report.accept(text(processor, texts.get(i), "text/" + i));
            }
        }
    }

    private static Check image(ReferenceCase reference, Blip2Processor processor, String name) throws IOException {
        String key = "expected.images." + name;
        // The reference reads pictures as they lie, without turning them as their EXIF data says.
        Image picture =
                ImageReader.read(reference.image(name), ReadOptions.defaults().withApplyExifOrientation(false));
        float[] pixels =
                processor.imageProcessor().preprocess(List.of(picture)).data().asFloat();
        // Pixels are equal to the bit or wrong.
        return Comparison.tensors(key, reference.floats(key), pixels, reference.shape(key), null, 0);
    }

    private static Check text(Blip2Processor processor, JsonNode entry, String name) {
        String text = entry.path("text").asText();
        ProcessorOutput output = entry.path("with_image").asBoolean()
                ? processor.prompts(List.of(text), TextOptions.defaults())
                : processor.process(null, List.of(text));
        long[][] expected = {row(entry.path("input_ids")), row(entry.path("attention_mask"))};
        long[][] actual = {output.inputIds()[0], output.attentionMask()[0]};
        Check ids = Comparison.ids(name, expected, actual);
        String decoded = processor.decode(output.inputIds()[0], true);
        if (ids.ok()
                && entry.has("decoded")
                && !decoded.equals(entry.path("decoded").asText())) {
            return Check.failed(
                    name, "text", "expected \"" + entry.path("decoded").asText() + "\", got \"" + decoded + '"');
        }
        return ids;
    }

    private static long[] row(JsonNode ids) {
        long[] row = new long[ids.size()];
        for (int i = 0; i < row.length; i++) {
            row[i] = ids.get(i).asLong();
        }
        return row;
    }
}
