/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.examples;

import io.github.blip2java.demo.DemoModel;
import io.github.blip2java.pipeline.Blip2Pipeline;
import io.github.blip2java.processor.ImageReader;
import java.io.IOException;
import java.nio.file.Path;

/** Describes a drawing with the small model that comes with these programs: the shortest program there is. */
public final class FirstCaption {
    private FirstCaption() {}

    /**
     * Describes a drawing.
     *
     * @param picture a picture file
     * @return its caption
     * @throws IOException if a file is missing or unreadable
     */
    public static String run(Path picture) throws IOException {
        try (Blip2Pipeline blip2 = Blip2Pipeline.load(DemoModel.checkpoint())) {
            return blip2.caption(ImageReader.read(picture)).text();
        }
    }

    /**
     * Runs the program.
     *
     * @param args a picture file
     * @throws IOException if a file is missing or unreadable
     */
    public static void main(String[] args) throws IOException {
        System.out.println(run(Path.of(args[0])));
    }
}
