/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.pipeline.Blip2Pipeline;
import io.github.blip2java.pipeline.Blip2Request;
import io.github.blip2java.pipeline.ScoredText;
import io.github.blip2java.processor.Image;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Says how probable given texts about a picture are. */
@Command(
        name = "score",
        mixinStandardHelpOptions = true,
        description = {
            "Says how probable given texts about a picture are, the most probable first.",
            "A line holds the text, the natural logarithm of its probability, and the same for a token on average,"
                    + " separated by tabs."
        },
        footer = {
            "",
            "Examples:",
            "  blip2 score --model models/blip2-opt-2.7b cat.jpg \"a cat\" \"a dog\"",
            "  blip2 score --model models/blip2-opt-2.7b cat.jpg --prompt \"Question: is it asleep? Answer:\" yes no"
        })
final class ScoreCommand implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "IMAGE", description = "A picture file; - reads it from standard input.")
    private String image;

    @Parameters(index = "1..*", arity = "1..*", paramLabel = "CANDIDATE", description = "What may be said of it.")
    private List<String> candidates;

    @Option(names = "--prompt", paramLabel = "TEXT", description = "What stands before each candidate.")
    private String prompt;

    @Mixin
    private PipelineOptions pipeline;

    @Spec
    private CommandSpec spec;

    /** Made by picocli. */
    ScoreCommand() {}

    @Override
    public Integer call() throws Exception {
        for (String candidate : candidates) {
            if (candidate.isBlank()) {
                throw new IllegalArgumentException("CANDIDATE: expected words, got \"" + candidate + '"');
            }
        }
        PrintWriter err = spec.commandLine().getErr();
        TextPrinter printer = new TextPrinter(spec.commandLine().getOut(), pipeline.json(), false);
        try (Progress progress = new Progress(err);
                Blip2Pipeline blip2 = pipeline.load(progress)) {
            blip2.check(Blip2Request.builder().prompt(prompt).build());
            Image picture;
            try {
                picture = PictureArgument.read(image, pipeline.reading());
            } catch (IOException e) {
                progress.clear();
                err.println("blip2: " + e.getMessage());
                return Blip2.SOME_FAILED;
            }
            progress.show("looking at " + image);
            List<ScoredText> scored = blip2.score(picture, prompt, candidates);
            progress.clear();
            for (ScoredText one : scored) {
                Map<String, Object> fields = new LinkedHashMap<>();
                fields.put("file", image);
                fields.put("text", one.text());
                fields.put("log_probability", one.logProbability());
                fields.put("mean_log_probability", one.meanLogProbability());
                fields.put("perplexity", one.perplexity());
                fields.put("token_ids", one.tokenIds());
                fields.put("token_log_probabilities", one.logProbabilities());
                printer.print(fields, one.text(), one.logProbability(), one.meanLogProbability());
            }
        }
        return Blip2.OK;
    }
}
