/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.pipeline.Blip2RetrievalPipeline;
import io.github.blip2java.search.DuplicateGroup;
import io.github.blip2java.search.PictureIndex;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Finds pictures that a folder holds more than once. */
@Command(
        name = "duplicates",
        mixinStandardHelpOptions = true,
        description = {
            "Finds pictures of a folder that are the same or nearly so, such as one that was saved in another size or as another kind of"
                    + " file. The folder's index is made or brought up to date first, see `blip2 index`.",
            "A line holds the number of the group, the picture, and either the cosine with the first picture of its group or \"copy\","
                    + " where the bytes are those of an earlier one, separated by tabs. Nothing is deleted."
        },
        footer = {"", "Example:", "  blip2 duplicates ~/Pictures --model models/blip2-itm-vit-g --threshold 0.9"})
final class DuplicatesCommand implements Callable<Integer> {
    private static final double THRESHOLD = 0.95;

    @Mixin
    private IndexedFolder folder;

    @Option(
            names = "--threshold",
            paramLabel = "COSINE",
            description = "How near two pictures must be, up to 1 (default: ${DEFAULT-VALUE}).")
    private double threshold = THRESHOLD;

    @Mixin
    private RetrievalOptions options;

    @Spec
    private CommandSpec spec;

    /** Made by picocli. */
    DuplicatesCommand() {}

    @Override
    public Integer call() throws Exception {
        if (!(threshold > 0 && threshold <= 1)) {
            throw new IllegalArgumentException("--threshold: expected above 0 and up to 1, got " + threshold
                    + "; it is the least cosine of two pictures that are alike");
        }
        folder.check();
        PrintWriter err = spec.commandLine().getErr();
        try (Progress progress = new Progress(err);
                Blip2RetrievalPipeline blip2 = options.load(progress);
                PictureIndex index = folder.open(blip2, options)) {
            folder.refresh(index, progress);
            List<DuplicateGroup> groups = index.duplicates(threshold, progress);
            progress.clear();
            TextPrinter printer = new TextPrinter(spec.commandLine().getOut(), options.json(), true);
            for (int i = 0; i < groups.size(); i++) {
                for (DuplicateGroup.Member member : groups.get(i).pictures()) {
                    print(printer, i + 1, member);
                }
            }
            return Blip2.OK;
        }
    }

    private static void print(TextPrinter printer, int group, DuplicateGroup.Member member) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("group", group);
        fields.put("file", member.file().toString());
        fields.put("cosine", member.cosine());
        fields.put("copy", member.copyOf().isPresent());
        member.copyOf().ifPresent(path -> fields.put("copy_of", path));
        printer.print(fields, group, member.file(), member.copyOf().isPresent() ? "copy" : member.cosine());
    }
}
