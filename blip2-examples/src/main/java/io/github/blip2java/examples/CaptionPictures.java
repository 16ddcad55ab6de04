/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.examples;

import io.github.blip2java.pipeline.Blip2Pipeline;
import io.github.blip2java.pipeline.GeneratedText;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ImageReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Describes several pictures. */
public final class CaptionPictures {
    private CaptionPictures() {}

    /**
     * Describes pictures.
     *
     * @param checkpoint a checkpoint folder
     * @param pictures   picture files
     * @return a caption for each
     * @throws IOException if a file is missing or unreadable
     */
    public static List<String> run(Path checkpoint, List<Path> pictures) throws IOException {
        try (Blip2Pipeline blip2 = Blip2Pipeline.load(checkpoint)) {
            List<Image> images = new ArrayList<>();
            for (Path picture : pictures) {
                images.add(ImageReader.read(picture));
            }
            return blip2.captions(images).stream().map(GeneratedText::text).toList();
        }
    }

    /**
     * Runs the program.
     *
     * @param args a checkpoint folder and picture files
     * @throws IOException if a file is missing or unreadable
     */
    public static void main(String[] args) throws IOException {
        List<Path> paths = Arrays.stream(args).map(Path::of).toList();
        run(paths.get(0), paths.subList(1, paths.size())).forEach(System.out::println);
    }
}
