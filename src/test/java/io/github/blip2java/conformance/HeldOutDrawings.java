/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.pipeline.Blip2Pipeline;
import io.github.blip2java.pipeline.GeneratedText;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ImageReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.StreamSupport;

/** Drawings that the demo model was not trained on, with what {@code transformers} says: {@code bundle.py} wrote it. */
final class HeldOutDrawings {
    static final Path REPOSITORY = Resources.root().resolve("../../..").normalize();

    /** One text about a drawing; {@code right} is the one that was trained for. */
    record Run(String prompt, String question, String right, List<Long> tokenIds, String text) {}

    /** A picture file, and its runs: a caption, one with a prompt, and an answer. */
    record Drawing(Path file, List<Run> runs) {
        Run caption() {
            return runs.get(0);
        }
    }

    private HeldOutDrawings() {}

    /** The drawings of the test. */
    static List<Drawing> all() throws IOException {
        return read("pictures");
    }

    /** The larger ones that the README shows. */
    static List<Drawing> examples() throws IOException {
        return read("examples");
    }

    private static List<Drawing> read(String key) throws IOException {
        List<Drawing> drawings = new ArrayList<>();
        Path file = Resources.root().resolve("demo/expected.json");
        for (JsonNode entry : new ObjectMapper().readTree(file.toFile()).get(key)) {
            List<Run> runs = new ArrayList<>();
            for (JsonNode run : entry.get("runs")) {
                runs.add(new Run(
                        run.path("prompt").textValue(),
                        run.path("question").textValue(),
                        run.get("right").textValue(),
                        StreamSupport.stream(run.get("token_ids").spliterator(), false)
                                .map(JsonNode::longValue)
                                .toList(),
                        run.get("text").textValue()));
            }
            drawings.add(new Drawing(REPOSITORY.resolve(entry.get("file").textValue()), runs));
        }
        return drawings;
    }

    static List<Image> images(List<Drawing> drawings) throws IOException {
        List<Image> images = new ArrayList<>();
        for (Drawing drawing : drawings) {
            images.add(ImageReader.read(drawing.file()));
        }
        return images;
    }

    /** The share of drawings that transformers captions exactly as it was trained to. */
    static double exactNamesOfTransformers() throws IOException {
        return share(all().stream()
                .map(drawing ->
                        drawing.caption().text().equals(drawing.caption().right()))
                .toList());
    }

    /** The same share for a model of ours. */
    static double exactNames(Blip2Pipeline blip2) throws IOException {
        List<Drawing> drawings = all();
        List<GeneratedText> captions = blip2.captions(images(drawings));
        List<Boolean> exact = new ArrayList<>();
        for (int i = 0; i < captions.size(); i++) {
            exact.add(captions.get(i).text().equals(drawings.get(i).caption().right()));
        }
        return share(exact);
    }

    private static double share(List<Boolean> good) {
        return good.stream().filter(Boolean::booleanValue).count() / (double) good.size();
    }
}
