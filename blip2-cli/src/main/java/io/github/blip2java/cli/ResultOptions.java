/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import picocli.CommandLine.Option;

/** What to tell of a text: how many of them, how probable they are, and when. */
final class ResultOptions {
    @Option(
            names = "--candidates",
            paramLabel = "N",
            description = "Texts for each picture or question, the best first, a line each; with as many beams, unless"
                    + " --beams or --sample says otherwise (default: 1).")
    private int candidates = 1;

    @Option(names = "--stream", description = "Print a text while it is written.")
    private boolean stream;

    @Option(
            names = "--logprobs",
            description = "Print behind each text the natural logarithm of its probability; with --json for each token"
                    + " too.")
    private boolean logProbabilities;

    /** Made by picocli. */
    ResultOptions() {}

    int candidates() {
        return candidates;
    }

    boolean stream() {
        return stream;
    }

    boolean logProbabilities() {
        return logProbabilities;
    }

    /** Refuses what cannot be printed. */
    void check() {
        if (stream && candidates > 1) {
            throw new IllegalArgumentException("--stream: expected --candidates 1, got " + candidates
                    + "; several texts at once would be mixed, leave one of the two out");
        }
    }
}
