/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import jdk.incubator.vector.FloatVector;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What this machine can do at all, on all cores: what products are measured against. docs/performance.md says how to run it.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(
        value = 1,
        jvmArgsAppend = {"-Xmx3g", "--add-modules", "jdk.incubator.vector"})
public class MachineBenchmark {
    /** Multiply-adds that each thread does in one call of {@link #multiplyAdd}. */
    static final long MULTIPLY_ADDS = 1L << 26;

    /** Bytes that are read by one call of {@link #read}. */
    static final int BYTES = 1 << 30;

    private static final int PIECE = 1 << 20;
    private static final int L = Lanes.L;

    private final float[] memory = new float[BYTES / Float.BYTES];
    private final float[] factors = new float[16];

    /** Made by JMH. */
    public MachineBenchmark() {}

    /**
     * Multiply-adds of float32 in registers: {@value #MULTIPLY_ADDS} on each thread, twice as many floating-point operations.
     */
    @Benchmark
    public float[] multiplyAdd() {
        float[] sums = new float[Parallel.threads()];
        Parallel.forRange(sums.length, thread -> sums[thread] = multiplyAdds(factors));
        return sums;
    }

    private static float multiplyAdds(float[] factors) {
        FloatVector a = FloatVector.fromArray(Lanes.F, factors, 0);
        FloatVector b = a.add(1);
        FloatVector s0 = a;
        FloatVector s1 = a;
        FloatVector s2 = a;
        FloatVector s3 = a;
        FloatVector s4 = a;
        FloatVector s5 = a;
        FloatVector s6 = a;
        FloatVector s7 = a;
        FloatVector s8 = a;
        FloatVector s9 = a;
        FloatVector s10 = a;
        FloatVector s11 = a;
        for (long i = 0; i < MULTIPLY_ADDS / 12 / L; i++) {
            s0 = s0.fma(a, b);
            s1 = s1.fma(a, b);
            s2 = s2.fma(a, b);
            s3 = s3.fma(a, b);
            s4 = s4.fma(a, b);
            s5 = s5.fma(a, b);
            s6 = s6.fma(a, b);
            s7 = s7.fma(a, b);
            s8 = s8.fma(a, b);
            s9 = s9.fma(a, b);
            s10 = s10.fma(a, b);
            s11 = s11.fma(a, b);
        }
        return s0.add(s1)
                .add(s2)
                .add(s3)
                .add(s4)
                .add(s5)
                .add(s6)
                .add(s7)
                .add(s8)
                .add(s9)
                .add(s10)
                .add(s11)
                .lane(0);
    }

    /** Sums up {@value #BYTES} bytes that lie in memory. */
    @Benchmark
    public double read() {
        int pieces = memory.length / PIECE;
        float[] sums = new float[pieces];
        Parallel.forRange(pieces, piece -> sums[piece] = sum(memory, piece * PIECE));
        return IntStream.range(0, pieces).mapToDouble(piece -> sums[piece]).sum();
    }

    private static float sum(float[] memory, int from) {
        FloatVector s0 = FloatVector.zero(Lanes.F);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        for (int i = from; i < from + PIECE; i += 4 * L) {
            s0 = s0.add(FloatVector.fromArray(Lanes.F, memory, i));
            s1 = s1.add(FloatVector.fromArray(Lanes.F, memory, i + L));
            s2 = s2.add(FloatVector.fromArray(Lanes.F, memory, i + 2 * L));
            s3 = s3.add(FloatVector.fromArray(Lanes.F, memory, i + 3 * L));
        }
        return s0.add(s1).add(s2.add(s3)).lane(0);
    }
}
