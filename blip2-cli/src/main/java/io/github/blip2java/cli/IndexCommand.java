/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.pipeline.Blip2RetrievalPipeline;
import io.github.blip2java.search.PictureIndex;
import io.github.blip2java.search.RefreshSummary;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Makes or refreshes the index of a folder of pictures. */
@Command(
        name = "index",
        mixinStandardHelpOptions = true,
        description = {
            "Makes a folder of pictures ready for `blip2 search`, or brings it up to date: encodes pictures that are new or have another"
                    + " time or size, and drops those that are gone.",
            "Stopped at any moment, it goes on where it was. A picture that cannot be read is reported on stderr once, and tried again"
                    + " when it has changed.",
            "Prints one line: pictures that can be found, and how many of them are new, changed, gone and unreadable."
        },
        footer = {"", "Example:", "  blip2 index ~/Pictures --model models/blip2-itm-vit-g"})
final class IndexCommand implements Callable<Integer> {
    @Mixin
    private IndexedFolder folder;

    @Mixin
    private RetrievalOptions options;

    @Spec
    private CommandSpec spec;

    /** Made by picocli. */
    IndexCommand() {}

    @Override
    public Integer call() throws Exception {
        folder.check();
        PrintWriter err = spec.commandLine().getErr();
        try (Progress progress = new Progress(err);
                Blip2RetrievalPipeline blip2 = options.load(progress);
                PictureIndex index = folder.open(blip2, options)) {
            RefreshSummary summary = folder.refresh(index, progress);
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("folder", folder.folder().toString());
            fields.put("pictures", summary.pictures());
            fields.put("added", summary.added());
            fields.put("changed", summary.changed());
            fields.put("removed", summary.removed());
            fields.put("encoded", summary.encoded());
            fields.put("unreadable", summary.unreadable());
            new TextPrinter(spec.commandLine().getOut(), options.json(), false)
                    .print(
                            fields,
                            summary.pictures() + (summary.pictures() == 1 ? " picture" : " pictures") + ": "
                                    + summary.added() + " new, " + summary.changed() + " changed, "
                                    + summary.removed() + " gone; " + summary.unreadable() + " unreadable");
            return summary.failed() == 0 ? Blip2.OK : Blip2.SOME_FAILED;
        }
    }
}
