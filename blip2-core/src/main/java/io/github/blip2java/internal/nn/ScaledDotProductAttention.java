/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.nn;

import io.github.blip2java.internal.kernel.Frame;
import io.github.blip2java.internal.kernel.Kernels;
import io.github.blip2java.internal.kernel.Parallel;
import io.github.blip2java.internal.kernel.Rows;
import io.github.blip2java.internal.kernel.Scratch;
import io.github.blip2java.internal.tensor.Tensor;
import java.util.function.Consumer;

/**
 * softmax(scale · Q · Kᵀ + bias) · V for every head of every sequence.
 *
 * <p>Q {@code [rows, heads * headDim]}, K and V likewise with their own rows; result {@code [query rows, heads *
 * headDim]}. Works on the projections where they lie; heads and blocks of queries run in parallel. Reference:
 * {@code torch.nn.functional.scaled_dot_product_attention}.
 */
public final class ScaledDotProductAttention {
    private static final Kernels KERNELS = Kernels.get();
    private static final Scratch<float[]> SCALED = Scratch.of(float[]::new);
    private static final Scratch<float[]> SCORES = Scratch.of(float[]::new);

    /** Queries handled at once: all of a picture, so that its keys are turned once, and their scores fit a core's cache. */
    private static final int BLOCK = 288;

    /** Where there are fewer heads than threads, blocks are smaller, but have so many queries that turning the keys is worth it. */
    private static final int FEWEST = 64;

    private final int heads;
    private final int headDim;
    private final float scale;

    /**
     * Describes the heads.
     *
     * @param heads   number of heads
     * @param headDim width of one
     * @param scale   factor on Q · Kᵀ: {@code 1/√headDim} mostly, 1 for T5
     */
    public ScaledDotProductAttention(int heads, int headDim, double scale) {
        this.heads = heads;
        this.headDim = headDim;
        this.scale = (float) scale;
    }

    /**
     * Attends.
     *
     * @param q          queries
     * @param k          keys; as many sequences as q has
     * @param v          values; spans as k
     * @param bias       added to the scores
     * @param attentions receives the probabilities {@code [batch, heads, most queries, most keys]}, or null; zeros behind shorter
     *                   sequences
     * @return {@code [query rows, heads * headDim]}; a query that sees no key gives zeros
     */
    public Tensor forward(HeadRows q, HeadRows k, HeadRows v, AttentionBias bias, Consumer<Tensor> attentions) {
        int batch = q.spans().batch();
        int rows = 0;
        int longest = 0;
        for (int sequence = 0; sequence < batch; sequence++) {
            int length = q.spans().length(sequence);
            rows += length;
            longest = Math.max(longest, length);
        }
        int blocks = blocks(longest, batch * heads);
        int width = heads * headDim;
        Tensor out = Tensor.of(Frame.floats(Math.multiplyExact(rows, width)), rows, width);
        Tensor probabilities = attentions == null
                ? null
                : Tensor.zeros(batch, heads, q.spans().longest(), k.spans().longest());
        Parallel.forRange(batch * heads * blocks, task -> {
            int sequence = task / (heads * blocks);
            int head = task / blocks % heads;
            int block = task % blocks;
            int length = q.spans().length(sequence);
            int own = Math.min(blocks, Math.max(1, length / FEWEST));
            int first = block * length / own;
            int queries = (block + 1) * length / own - first;
            if (block < own && queries > 0) {
                attend(q, k, v, bias, sequence, head, first, queries, out, probabilities);
            }
        });
        if (attentions != null) {
            attentions.accept(probabilities);
        }
        return out;
    }

    /** How many blocks so many queries are cut into, each for so many heads. */
    private static int blocks(int queries, int heads) {
        int wanted = (2 * Parallel.threads() + heads - 1) / Math.max(1, heads);
        return Math.max((queries + BLOCK - 1) / BLOCK, Math.min(wanted, queries / FEWEST));
    }

    private void attend(
            HeadRows q,
            HeadRows k,
            HeadRows v,
            AttentionBias bias,
            int sequence,
            int head,
            int first,
            int queries,
            Tensor out,
            Tensor probabilities) {
        int keys = k.spans().length(sequence);
        int column = head * headDim;
        float[] scaled = SCALED.get(queries * headDim);
        for (int i = 0; i < queries; i++) {
            int from = q.index(sequence, first + i) + column;
            for (int d = 0; d < headDim; d++) {
                scaled[i * headDim + d] = q.data()[from + d] * scale;
            }
        }
        float[] scores = SCORES.get(queries * keys);
        bias.fill(sequence, head, first, queries, keys, scores);
        int width = heads * headDim;
        KERNELS.attention(
                new Rows(scaled, 0, headDim),
                queries,
                new Rows(k.data(), k.index(sequence, 0) + column, k.stride()),
                new Rows(v.data(), v.index(sequence, 0) + column, v.stride()),
                keys,
                headDim,
                scores,
                new Rows(out.data(), (q.spans().start(sequence) + first) * width + column, width));
        if (probabilities != null) {
            int most = probabilities.dim(3);
            int to = ((sequence * heads + head) * probabilities.dim(2) + first) * most;
            for (int i = 0; i < queries; i++) {
                System.arraycopy(scores, i * keys, probabilities.data(), to + i * most, keys);
            }
        }
    }

    /**
     * Derivatives of one sequence's attention.
     *
     * @param q             by the queries {@code [queries, heads * headDim]}
     * @param k             by the keys {@code [keys, heads * headDim]}
     * @param v             by the values {@code [keys, heads * headDim]}
     * @param probabilities by the probabilities {@code [heads, queries, keys]}, each as if the others did not depend on it
     */
    public record Gradients(Tensor q, Tensor k, Tensor v, Tensor probabilities) {}

    /**
     * Carries derivatives of one sequence from the result back to queries, keys and values.
     *
     * @param q             {@code [queries, heads * headDim]}
     * @param k             {@code [keys, heads * headDim]}
     * @param v             {@code [keys, heads * headDim]}
     * @param probabilities {@code [heads, queries, keys]}, as {@link #forward} gave them
     * @param gradient      derivatives by its result, of the shape of q
     * @return derivatives by each: with P the probabilities, dP = gradient · Vᵀ, dV = Pᵀ · gradient, and with dS = P · (dP − Σ dP · P),
     *     dQ = scale · dS · K and dK = scale · dSᵀ · Q
     */
    public Gradients backward(Tensor q, Tensor k, Tensor v, Tensor probabilities, Tensor gradient) {
        int queries = q.rows();
        int keys = k.rows();
        Gradients by = new Gradients(
                Tensor.zeros(queries, q.cols()),
                Tensor.zeros(keys, k.cols()),
                Tensor.zeros(keys, v.cols()),
                Tensor.zeros(heads, queries, keys));
        Parallel.forRange(heads, head -> {
            int column = head * headDim;
            for (int i = 0; i < queries; i++) {
                backward(q, k, v, probabilities.data(), gradient, by, (head * queries + i) * keys, i, column);
            }
        });
        return by;
    }

    /** Of one query of one head, whose probabilities begin at {@code first}. */
    private void backward(
            Tensor q, Tensor k, Tensor v, float[] p, Tensor gradient, Gradients by, int first, int query, int column) {
        int keys = k.rows();
        int width = heads * headDim;
        int at = query * width + column;
        float[] dp = by.probabilities().data();
        double sum = 0;
        for (int key = 0; key < keys; key++) {
            int row = key * width + column;
            dp[first + key] = KERNELS.dot(gradient.data(), at, v.data(), row, headDim);
            sum += (double) dp[first + key] * p[first + key];
            addScaled(p[first + key], gradient.data(), at, by.v().data(), row);
        }
        for (int key = 0; key < keys; key++) {
            int row = key * width + column;
            float ds = (float) (p[first + key] * (dp[first + key] - sum)) * scale;
            addScaled(ds, k.data(), row, by.q().data(), at);
            addScaled(ds, q.data(), at, by.k().data(), row);
        }
    }

    private void addScaled(float factor, float[] x, int xFrom, float[] y, int yFrom) {
        for (int d = 0; d < headDim; d++) {
            y[yFrom + d] += factor * x[xFrom + d];
        }
    }
}
