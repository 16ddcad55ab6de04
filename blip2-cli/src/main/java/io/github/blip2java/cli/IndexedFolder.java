/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.pipeline.Blip2RetrievalPipeline;
import io.github.blip2java.search.Blip2PictureEncoder;
import io.github.blip2java.search.IndexOptions;
import io.github.blip2java.search.PictureIndex;
import io.github.blip2java.search.RefreshListener;
import io.github.blip2java.search.RefreshSummary;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.logging.Level;
import java.util.logging.Logger;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Which folder, and where its index is: what all commands on a folder of pictures have in common. */
final class IndexedFolder {
    /** Which loops Lucene chose is nothing to tell; kept, as Java forgets a logger that nobody holds. */
    private static final Logger LUCENE = Logger.getLogger("org.apache.lucene");

    @Parameters(index = "0", paramLabel = "DIR", description = "The folder; pictures in folders below count too.")
    private Path folder;

    @Option(
            names = "--index",
            paramLabel = "PLACE",
            description = "The folder of the index (default: " + PictureIndex.FOLDER + " in DIR).")
    private Path place;

    @Option(names = "--rebuild", description = "Make the index anew, as is needed for another model or after damage.")
    private boolean rebuild;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    /** Made by picocli. */
    IndexedFolder() {}

    private IndexOptions options() {
        return IndexOptions.defaults().withLocation(place).withRebuild(rebuild);
    }

    /** Refuses a folder without pictures before a model is loaded. */
    void check() throws IOException {
        LUCENE.setLevel(Level.SEVERE);
        if (!PictureIndex.hasPictures(folder, options())) {
            throw new IOException(
                    folder + ": expected pictures, found none here or below; name a folder that holds some");
        }
    }

    Path folder() {
        return folder;
    }

    PictureIndex open(Blip2RetrievalPipeline blip2, RetrievalOptions model) throws IOException {
        return PictureIndex.open(folder, new Blip2PictureEncoder(blip2, model.reading()), options());
    }

    /** Brings the index up to date, and says what cannot be read. */
    RefreshSummary refresh(PictureIndex index, Progress progress) throws IOException {
        PrintWriter err = command.commandLine().getErr();
        long start = System.nanoTime();
        RefreshSummary summary = index.refresh(new RefreshListener() {
            @Override
            public void walking(long pictures) {
                if (pictures % 1000 == 0) {
                    progress.show("looking for pictures (" + pictures + ")");
                }
            }

            @Override
            public void encoding(long done, long total) {
                progress.show("encoding pictures (" + done + "/" + total
                        + Progress.pace(done, total, System.nanoTime() - start) + ")");
            }

            @Override
            public void tidying() {
                progress.show("putting the index in order");
            }

            @Override
            public void failed(Path path, IOException reason) {
                progress.clear();
                err.println("blip2: " + reason.getMessage());
                err.flush();
            }
        });
        progress.clear();
        return summary;
    }
}
