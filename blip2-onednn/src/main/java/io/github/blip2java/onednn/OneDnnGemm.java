/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.onednn;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SCRATCHPAD;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_WEIGHTS;

import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.internal.matrix.GemmProvider;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import org.bytedeco.dnnl.IntMemoryMap;
import org.bytedeco.dnnl.dnnl_version_t;
import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.global.dnnl.fpmath_mode;
import org.bytedeco.dnnl.global.dnnl.scratchpad_mode;
import org.bytedeco.dnnl.matmul;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.primitive_attr;
import org.bytedeco.dnnl.reorder;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The matmul of oneDNN, on weights of 32 or 16 bits where they lie: no second copy of the model, and nothing to do at load.
 *
 * <p>Weights are widened to float32 within the product; in oneDNN's strict floating-point mode the input is never narrowed.
 * Its threads are those of OpenMP, as many as there are cores, unless the environment variable
 * {@code OMP_NUM_THREADS}, which OpenMP reads when it is loaded, is 1: then it has none, and blip2-java shares products out.
 */
public final class OneDnnGemm implements GemmProvider {
    private static final Logger LOG = LoggerFactory.getLogger(OneDnnGemm.class);

    private engine cpu;

    /** For {@code ServiceLoader}. */
    public OneDnnGemm() {}

    @Override
    public synchronized boolean isAvailable() {
        if (cpu != null) {
            return true;
        }
        try {
            cpu = new engine(engine.kind.cpu, 0);
            return true;
        } catch (LinkageError | RuntimeException e) {
            LOG.warn(
                    "oneDNN could not be loaded, another library is used; add org.bytedeco:dnnl and org.bytedeco:opencl with"
                            + " the classifier of this platform to the class path: {}",
                    e.toString());
            return false;
        }
    }

    @Override
    public String description() {
        dnnl_version_t version = dnnl.dnnl_version();
        return "oneDNN " + version.major() + "." + version.minor() + "." + version.patch() + " ("
                + instructions(dnnl.dnnl_get_effective_cpu_isa()) + ")";
    }

    private static boolean has(int instructions) {
        return (dnnl.dnnl_get_effective_cpu_isa() & instructions) == instructions;
    }

    /** With AVX-512 float16 is widened on the way to the product; five rows take half the time of the Vector API's loop. */
    @Override
    public boolean suitsFewRows(DType weights) {
        return weights == DType.F16 && has(dnnl.dnnl_cpu_isa_avx512_core);
    }

    /** Reference: the values of dnnl_cpu_isa_t. */
    private static String instructions(int isa) {
        return switch (isa) {
            case dnnl.dnnl_cpu_isa_sse41 -> "SSE4.1";
            case dnnl.dnnl_cpu_isa_avx -> "AVX";
            case dnnl.dnnl_cpu_isa_avx2 -> "AVX2";
            case dnnl.dnnl_cpu_isa_avx2_vnni -> "AVX2, VNNI";
            case dnnl.dnnl_cpu_isa_avx2_vnni_2 -> "AVX2, VNNI 2";
            case dnnl.dnnl_cpu_isa_avx512_core -> "AVX-512";
            case dnnl.dnnl_cpu_isa_avx512_core_vnni -> "AVX-512, VNNI";
            case dnnl.dnnl_cpu_isa_avx512_core_bf16 -> "AVX-512, VNNI, BF16";
            case dnnl.dnnl_cpu_isa_avx512_core_fp16 -> "AVX-512, VNNI, BF16, FP16";
            case dnnl.dnnl_cpu_isa_avx512_core_amx -> "AVX-512, VNNI, BF16, FP16, AMX";
            case dnnl.dnnl_cpu_isa_avx512_core_amx_fp16 -> "AVX-512, VNNI, BF16, FP16, AMX with FP16";
            default -> "instruction set 0x" + Integer.toHexString(isa);
        };
    }

    @Override
    public boolean hasOwnThreads() {
        return !"1".equals(System.getenv("OMP_NUM_THREADS"));
    }

    @Override
    public boolean supports(DType weights) {
        return weights.isWeight();
    }

    @Override
    public void multiply(FloatBuffer x, int rows, ByteBuffer weights, DType dtype, int out, int in, FloatBuffer y) {
        try (PointerScope scope = new PointerScope()) {
            multiply(
                    matrix(rows, in, memory.data_type.f32),
                    new FloatPointer(x),
                    transposed(out, in, type(dtype)),
                    new BytePointer(weights),
                    matrix(rows, out, memory.data_type.f32),
                    new FloatPointer(y));
        } finally {
            Reference.reachabilityFence(x);
            Reference.reachabilityFence(weights);
            Reference.reachabilityFence(y);
        }
    }

    /** AVX2 with VNNI 2 only widens bfloat16. */
    @Override
    public boolean supportsBf16() {
        return has(dnnl.dnnl_cpu_isa_avx512_core_bf16);
    }

    /** The first factor's rows are what the tiles of AMX are loaded with; of the second four bytes of a column belong side by side. */
    @Override
    public boolean readsFirstFactorInPlace() {
        return has(dnnl.dnnl_cpu_isa_avx512_core_amx);
    }

    @Override
    public void roundToBf16(ByteBuffer from, DType dtype, int n, ByteBuffer to) {
        try (PointerScope scope = new PointerScope()) {
            memory source = new memory(numbers(n, type(dtype)), cpu, new BytePointer(from));
            memory target = new memory(numbers(n, memory.data_type.bf16), cpu, new BytePointer(to));
            if (dtype == DType.F16 && !has(dnnl.dnnl_cpu_isa_avx512_core_fp16)) {
                // Without the instructions for halves oneDNN refuses to go from one 16-bit type to the other at once.
                memory floats = new memory(numbers(n, memory.data_type.f32), cpu);
                reorder(source, floats);
                source = floats;
            }
            reorder(source, target);
        } finally {
            Reference.reachabilityFence(from);
            Reference.reachabilityFence(to);
        }
    }

    private void reorder(memory source, memory target) {
        stream queue = new stream(cpu);
        new reorder(source, target).execute(queue, source, target);
        queue._wait();
    }

    @Override
    public void multiplyBf16(ByteBuffer x, int rows, ByteBuffer weights, int out, int in, FloatBuffer y) {
        try (PointerScope scope = new PointerScope()) {
            multiply(
                    matrix(rows, in, memory.data_type.bf16),
                    new BytePointer(x),
                    transposed(out, in, memory.data_type.bf16),
                    new BytePointer(weights),
                    matrix(rows, out, memory.data_type.f32),
                    new FloatPointer(y));
        } finally {
            Reference.reachabilityFence(x);
            Reference.reachabilityFence(weights);
            Reference.reachabilityFence(y);
        }
    }

    @Override
    public boolean supportsInt8() {
        return true;
    }

    @Override
    public void multiplyInt8(
            ByteBuffer x, boolean unsigned, int rows, ByteBuffer weights, int out, int in, IntBuffer y) {
        try (PointerScope scope = new PointerScope()) {
            multiply(
                    matrix(rows, in, unsigned ? memory.data_type.u8 : memory.data_type.s8),
                    new BytePointer(x),
                    transposed(out, in, memory.data_type.s8),
                    new BytePointer(weights),
                    matrix(rows, out, memory.data_type.s32),
                    new IntPointer(y));
        } finally {
            Reference.reachabilityFence(x);
            Reference.reachabilityFence(weights);
            Reference.reachabilityFence(y);
        }
    }

    private void multiply(
            memory.desc source, Pointer x, memory.desc matrix, Pointer weights, memory.desc target, Pointer y) {
        primitive_attr attributes = new primitive_attr();
        // The library's own working memory must not be shared by threads.
        attributes.set_scratchpad_mode(scratchpad_mode.user);
        // Whatever ONEDNN_DEFAULT_FPMATH_MODE says: inputs are never narrowed.
        attributes.set_fpmath_mode(fpmath_mode.strict);
        // Same products are found again in oneDNN's own cache of primitives.
        matmul.primitive_desc described = new matmul.primitive_desc(cpu, source, matrix, target, attributes, false);
        IntMemoryMap arguments = new IntMemoryMap();
        arguments.put(DNNL_ARG_SRC, new memory(source, cpu, x));
        arguments.put(DNNL_ARG_WEIGHTS, new memory(matrix, cpu, weights));
        arguments.put(DNNL_ARG_DST, new memory(target, cpu, y));
        arguments.put(DNNL_ARG_SCRATCHPAD, new memory(described.scratchpad_desc(), cpu));
        stream queue = new stream(cpu);
        new matmul(described).execute(queue, arguments);
        queue._wait();
    }

    private static memory.desc numbers(int n, memory.data_type type) {
        return new memory.desc(new long[] {n}, type, memory.format_tag.a);
    }

    private static memory.desc matrix(int rows, int columns, memory.data_type type) {
        return new memory.desc(new long[] {rows, columns}, type, memory.format_tag.ab);
    }

    /** {@code [in, out]} for oneDNN: the transposed view of the rows on disk. */
    private static memory.desc transposed(int out, int in, memory.data_type type) {
        return new memory.desc(new long[] {in, out}, type, new long[] {1, in});
    }

    private static memory.data_type type(DType dtype) {
        return switch (dtype) {
            case F16 -> memory.data_type.f16;
            case BF16 -> memory.data_type.bf16;
            default -> memory.data_type.f32;
        };
    }
}
