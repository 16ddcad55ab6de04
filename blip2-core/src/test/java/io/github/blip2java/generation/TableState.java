/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import io.github.blip2java.generation.search.Frontier;
import io.github.blip2java.generation.search.Search;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.language.DecoderPass;
import io.github.blip2java.language.DecoderState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A language model whose scores a function gives, so that a test can work out by itself what a search should find. Forgets nothing:
 * rows that are mixed up are seen at once.
 */
final class TableState implements DecoderState {
    /** What the model says after some tokens. */
    interface Table {
        float[] logits(int prompt, int[] tokens);

        /** The hidden state after some tokens; at first that of a prompt of one position. */
        default float[] hidden(int prompt, int[] tokens) {
            return logits(prompt, tokens);
        }

        /** Numbers that look like chance, others for all tokens that came before. */
        static Table random(int seed, int vocab, double spread) {
            return (prompt, tokens) -> {
                java.util.Random random =
                        new java.util.Random(31L * (31L * seed + prompt) + 1_000_003L * Arrays.hashCode(tokens));
                float[] logits = new float[vocab];
                for (int token = 0; token < vocab; token++) {
                    logits[token] = (float) (spread * random.nextGaussian());
                }
                return logits;
            };
        }
    }

    private record Row(int prompt, int[] tokens, int lastPass) {
        Row with(int... more) {
            int[] longer = Arrays.copyOf(tokens, tokens.length + more.length);
            System.arraycopy(more, 0, longer, tokens.length, more.length);
            return new Row(prompt, longer, more.length);
        }

        int[] first(int count) {
            return Arrays.copyOf(tokens, count);
        }
    }

    private final Table table;
    private List<Row> rows = new ArrayList<>();
    private Tensor logits;
    /** How many rows each pass had. */
    final List<Integer> passes = new ArrayList<>();

    TableState(Table table, int... prompts) {
        this.table = table;
        for (int prompt : prompts) {
            rows.add(new Row(prompt, new int[0], 1));
        }
    }

    /** Logits that are the logarithms of probabilities. */
    static float[] log(double... probabilities) {
        float[] logs = new float[probabilities.length];
        for (int i = 0; i < logs.length; i++) {
            logs[i] = (float) Math.log(probabilities[i]);
        }
        return logs;
    }

    /** Runs a search over prompts of the table, each with one id before the new tokens. */
    static List<Hypothesis> run(Table table, Search search, int results, int... prompts) {
        return run(table, search, results, (hypothesis, scores) -> {}, prompts);
    }

    static List<Hypothesis> run(Table table, Search search, int results, LogitsProcessor processor, int... prompts) {
        List<Hypothesis> starts = new ArrayList<>();
        for (int row = 0; row < prompts.length; row++) {
            starts.add(Hypothesis.of(row, new int[] {0}, new int[0]));
        }
        return new DecodingLoop(
                        search, results, processor, Frontier.Kept.NOTHING, (sequence, tokens) -> {}, new Cancellation())
                .run(new TableState(table, prompts), starts);
    }

    private static Tensor tensor(List<float[]> rows) {
        int cols = rows.get(0).length;
        Tensor all = Tensor.zeros(rows.size(), cols);
        for (int row = 0; row < rows.size(); row++) {
            System.arraycopy(rows.get(row), 0, all.data(), row * cols, cols);
        }
        return all;
    }

    @Override
    public Tensor logits() {
        if (logits == null) {
            logits = tensor(rows.stream()
                    .map(row -> table.logits(row.prompt, row.tokens))
                    .toList());
        }
        return logits;
    }

    @Override
    public DecoderPass pass(int row) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Tensor hidden(int row) {
        Row each = rows.get(row);
        List<float[]> states = new ArrayList<>();
        for (int i = each.lastPass - 1; i >= 0; i--) {
            states.add(table.hidden(each.prompt, each.first(each.tokens.length - i)));
        }
        return tensor(states);
    }

    @Override
    public void advance(int... tokens) {
        advance(Arrays.stream(tokens).mapToObj(token -> new int[] {token}).toArray(int[][]::new));
    }

    @Override
    public Tensor advance(int[][] tokens) {
        if (tokens.length != rows.size()) {
            throw new IllegalArgumentException(rows.size() + " rows, tokens for " + tokens.length);
        }
        logits = null;
        passes.add(tokens.length);
        List<float[]> all = new ArrayList<>();
        for (int row = 0; row < tokens.length; row++) {
            Row longer = rows.get(row).with(tokens[row]);
            rows.set(row, longer);
            for (int i = tokens[row].length - 1; i >= 0; i--) {
                all.add(table.logits(longer.prompt, longer.first(longer.tokens.length - i)));
            }
        }
        return tensor(all);
    }

    @Override
    public void drop(int... counts) {
        logits = null;
        for (int row = 0; row < counts.length; row++) {
            Row each = rows.get(row);
            rows.set(row, new Row(each.prompt, each.first(each.tokens.length - counts[row]), 0));
        }
    }

    @Override
    public void select(int... selected) {
        logits = null;
        rows = new ArrayList<>(Arrays.stream(selected).mapToObj(rows::get).toList());
    }
}
