/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.pipeline.GeneratedText;
import io.github.blip2java.pipeline.folder.CaptionStore;
import io.github.blip2java.pipeline.folder.PictureFile;
import java.io.PrintWriter;
import java.util.List;

/** Texts that are printed and nowhere kept. */
final class PrintedTexts implements CaptionStore {
    private final TextPrinter printer;

    /**
     * Prints to a stream.
     *
     * @param out  results go here
     * @param json whether to print JSON
     * @param both whether a question stands between a file and its text, as there are several
     */
    PrintedTexts(PrintWriter out, boolean json, boolean both) {
        printer = new TextPrinter(out, json, (file, question) -> both ? List.of(file, question) : List.of(file));
    }

    @Override
    public boolean isDone(PictureFile picture, String question) {
        return false;
    }

    @Override
    public void write(PictureFile picture, String question, GeneratedText text) {
        printer.print(picture.name(), question, text, Double.NaN);
    }

    @Override
    public void close() {}
}
