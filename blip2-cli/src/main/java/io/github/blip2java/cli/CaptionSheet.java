/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.pipeline.GeneratedText;
import io.github.blip2java.pipeline.folder.CaptionStore;
import io.github.blip2java.pipeline.folder.PictureFile;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A page with a card for each picture and all that was said about it in a row. */
final class CaptionSheet implements Closeable {
    private final ContactSheet sheet;
    private final List<String> lines = new ArrayList<>();
    private Path picture;
    private String name;

    CaptionSheet(ContactSheet sheet) {
        this.sheet = sheet;
    }

    /**
     * Adds a text.
     *
     * @param file     the picture
     * @param title    what it is called
     * @param question what was asked; null for a caption
     * @param text     the text
     */
    void add(Path file, String title, String question, String text) throws IOException {
        if (!file.equals(picture)) {
            endCard();
            picture = file;
            name = title;
        }
        lines.add(question == null ? text : question + " " + text);
    }

    private void endCard() throws IOException {
        if (picture != null) {
            sheet.add(picture, name, lines);
            lines.clear();
        }
    }

    void finish() throws IOException {
        endCard();
        sheet.finish();
    }

    @Override
    public void close() throws IOException {
        sheet.close();
    }

    /** Texts that are shown on the page, too. */
    CaptionStore beside(CaptionStore store) {
        return new CaptionStore() {
            @Override
            public boolean isDone(PictureFile file, String question) {
                return store.isDone(file, question);
            }

            @Override
            public void check(PictureFile file) throws IOException {
                store.check(file);
            }

            @Override
            public void write(PictureFile file, String question, GeneratedText text) throws IOException {
                store.write(file, question, text);
                add(file.path(), file.name(), question, text.text());
            }

            @Override
            public void close() throws IOException {
                store.close();
            }
        };
    }
}
