/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.ImageTextMatch;
import io.github.blip2java.pipeline.Blip2RetrievalPipeline;
import io.github.blip2java.processor.Image;
import io.github.blip2java.search.IndexLockedException;
import io.github.blip2java.search.PictureHit;
import io.github.blip2java.search.PictureIndex;
import io.github.blip2java.search.SearchOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Finds pictures of a folder by words or by a picture. */
@Command(
        name = "search",
        mixinStandardHelpOptions = true,
        description = {
            "Finds the pictures of a folder that fit a text best, or are most like a picture. The folder's index is made or brought up"
                    + " to date first, see `blip2 index`.",
            "A line holds the picture, the cosine and, where the matching head looked, the probability of a match, separated by tabs;"
                    + " the best is first."
        },
        footer = {
            "",
            "Examples:",
            "  blip2 search ~/Pictures \"a dog on a beach\" --model models/blip2-itm-vit-g",
            "  blip2 search ~/Pictures --like dog.jpg --top 20 --html dogs.html --model models/blip2-itm-vit-g"
        })
final class SearchCommand implements Callable<Integer> {
    @Mixin
    private IndexedFolder folder;

    @Parameters(index = "1..*", arity = "0..*", paramLabel = "TEXT", description = "What to look for, in words.")
    private List<String> words = List.of();

    @Option(
            names = "--like",
            paramLabel = "IMAGE",
            description = "A picture to look for in place of a text; - reads it from standard input.")
    private String like;

    @Option(names = "--top", paramLabel = "N", description = "How many pictures come out (default: ${DEFAULT-VALUE}).")
    private int top = SearchOptions.defaults().top();

    @ArgGroup
    private Rerank rerank = new Rerank();

    /** One of the two. */
    static final class Rerank {
        @Option(
                names = "--rerank",
                paramLabel = "K",
                description =
                        "How many of the best by cosine the matching head looks at again, for a text: better, and takes as long as"
                                + " encoding so many pictures (default: " + SearchOptions.DEFAULT_RERANK + ").")
        private Integer pictures;

        @Option(names = "--no-rerank", description = "Go by cosines alone.")
        private boolean none;

        /** Made by picocli. */
        Rerank() {}

        int pictures() {
            return none ? 0 : pictures == null ? SearchOptions.DEFAULT_RERANK : pictures;
        }
    }

    @Option(
            names = "--exact",
            description =
                    "Compare every picture, not only those that the index leads to; takes longer where there are many.")
    private boolean exact;

    @Option(names = "--no-refresh", description = "Search the index as it is.")
    private boolean asItIs;

    @Option(
            names = "--html",
            paramLabel = "FILE",
            description = "Also write a page that shows the pictures, for any browser, with nothing else needed.")
    private Path html;

    @Option(names = "--links", description = "Let that page link to the pictures, in place of holding small ones.")
    private boolean links;

    @Mixin
    private RetrievalOptions options;

    @Spec
    private CommandSpec spec;

    /** Made by picocli. */
    SearchCommand() {}

    @Override
    public Integer call() throws Exception {
        String text = String.join(" ", words);
        SearchOptions search = check(text);
        folder.check();
        if (html != null) {
            ContactSheet.check(html);
        }
        Image picture = like == null ? null : PictureArgument.read(like, options.reading());
        PrintWriter err = spec.commandLine().getErr();
        try (Progress progress = new Progress(err);
                Blip2RetrievalPipeline blip2 = options.load(progress);
                PictureIndex index = folder.open(blip2, options)) {
            if (!asItIs) {
                refresh(index, progress, err);
            } else if (index.size() == 0) {
                throw new IOException(
                        folder.folder() + ": expected an index to search as it is, found none with pictures;"
                                + " leave --no-refresh out");
            }
            progress.show(like == null && search.rerank() > 0 ? "looking again at the best " + search.rerank() : "");
            List<PictureHit> hits = picture == null ? index.search(text, search) : index.searchLike(picture, search);
            progress.clear();
            if (html != null) { // first, as who reads the results may stop at any line
                show(hits, picture == null ? text : "like " + like);
            }
            print(hits);
            return Blip2.OK;
        }
    }

    private SearchOptions check(String text) {
        if (text.isBlank() == (like == null)) {
            throw new IllegalArgumentException(
                    text.isBlank()
                            ? "TEXT: expected words, or a picture with --like, got neither; say what to look for"
                            : "TEXT: expected words, or a picture with --like, got both; leave one of the two out");
        }
        return new SearchOptions(top, rerank.pictures(), exact);
    }

    private void refresh(PictureIndex index, Progress progress, PrintWriter err) throws IOException {
        try {
            folder.refresh(index, progress);
        } catch (IndexLockedException e) {
            if (index.size() == 0) {
                throw e;
            }
            progress.clear();
            err.println("blip2: " + e.getMessage() + ". This searches what it holds so far");
        }
    }

    private void print(List<PictureHit> hits) {
        TextPrinter printer = new TextPrinter(spec.commandLine().getOut(), options.json(), true);
        int rank = 0;
        for (PictureHit hit : hits) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("rank", ++rank);
            fields.put("cosine", hit.cosine());
            hit.match().ifPresent(match -> {
                fields.put("match_probability", match.matchProbability());
                fields.put("no_match_logit", match.noMatchLogit());
                fields.put("match_logit", match.matchLogit());
            });
            Object[] columns = hit.match().isPresent()
                    ? new Object[] {hit.cosine(), hit.match().get().matchProbability()}
                    : new Object[] {hit.cosine()};
            printer.printAbout(hit.file().toString(), fields, columns);
        }
    }

    private void show(List<PictureHit> hits, String wanted) throws IOException {
        String subtitle = hits.size() + (hits.size() == 1 ? " picture" : " pictures") + " of " + folder.folder();
        try (ContactSheet sheet = ContactSheet.create(html, wanted, subtitle, options.reading(), links)) {
            for (PictureHit hit : hits) {
                sheet.add(hit.file(), hit.path(), scores(hit));
            }
            sheet.finish();
        }
    }

    private static List<String> scores(PictureHit hit) {
        String cosine = String.format(Locale.ROOT, "cosine %.3f", hit.cosine());
        return hit.match()
                .map(ImageTextMatch::matchProbability)
                .map(probability -> List.of(String.format(Locale.ROOT, "match %.1f %%", 100 * probability), cosine))
                .orElse(List.of(cosine));
    }
}
