/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.memory;

import io.github.blip2java.Blip2Config;
import io.github.blip2java.ModelKind;
import io.github.blip2java.checkpoint.Checkpoint;
import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.checkpoint.TensorInfo;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.internal.quantization.Quantizer;
import io.github.blip2java.internal.tensor.JavaCpp;
import io.github.blip2java.vision.Blip2VisionConfig;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * How much memory a model needs, from its headers and configuration alone, in bytes.
 *
 * @param mapped  weights that are used where they lie in the file: the system may drop their pages and read them again, but
 *                every token needs them all
 * @param copied  weights that loading makes copies of
 * @param working Java itself, and what describing a batch of pictures takes
 */
public record MemoryEstimate(long mapped, long copied, long working) {
    private static final double GIB = 1L << 30;

    /** Measured: Java with its libraries and a tiny model takes a little less. */
    private static final long PROCESS = 256L << 20;

    /**
     * Estimates.
     *
     * @param checkpoint an open checkpoint
     * @param config     its configuration
     * @param dtype      how its matrices are to be kept
     * @return the estimate
     */
    public static MemoryEstimate of(Checkpoint checkpoint, Blip2Config config, WeightFormat dtype) {
        return of(checkpoint, config, name -> true, dtype);
    }

    private static MemoryEstimate of(
            Checkpoint checkpoint, Blip2Config config, Predicate<String> loaded, WeightFormat dtype) {
        long mapped = 0;
        long copied = 0;
        for (var tensor : checkpoint.tensors().values()) {
            TensorInfo info = tensor.info();
            if (!loaded.test(info.name())) {
                continue;
            }
            if (info.dtype().isWeight() && info.shape().length != 2) {
                copied += info.elements() * Float.BYTES; // norms, biases and query tokens are kept as floats
            } else if (staysInFile(info, dtype)) {
                mapped += info.bytes();
            } else {
                copied += Math.round(info.elements() * bytesPerWeight(dtype));
            }
        }
        Blip2VisionConfig vision = config.visionConfig();
        long picture = CallMemory.activations(vision, vision.imageSize(), vision.imageSize());
        int pictures = CallMemory.picturesAtATime(vision, vision.imageSize(), vision.imageSize());
        long text = ModelKind.of(checkpoint) == ModelKind.IMAGE_TEXT_RETRIEVAL
                ? CallMemory.BATCH_BYTES
                : pictures
                        * (config.numQueryTokens() + CallMemory.TEXT_POSITIONS)
                        * config.textConfig().cacheBytesPerPosition();
        return new MemoryEstimate(mapped, copied, PROCESS + pictures * picture + text);
    }

    private static boolean staysInFile(TensorInfo info, WeightFormat dtype) {
        // Codes of quantised matrices are no floats to be converted.
        return !info.dtype().isWeight()
                || switch (dtype) {
                    case AUTO -> true;
                    case F32 -> info.dtype() == DType.F32;
                    case F16 -> info.dtype() == DType.F16;
                    case BF16 -> info.dtype() == DType.BF16;
                    case INT8, INT4 -> !Quantizer.applies(info);
                };
    }

    private static double bytesPerWeight(WeightFormat dtype) {
        return switch (dtype) {
            case AUTO, F32 -> 4;
            case F16, BF16 -> 2;
            case INT8 -> 1;
            case INT4 -> 0.625; // 32 codes share a scale and an offset of 16 bits each
        };
    }

    /**
     * Gives all memory that the model needs to run at full speed.
     *
     * @return bytes
     */
    public long total() {
        return mapped + copied + working;
    }

    /**
     * Refuses a model that would be killed by the system, or read its weights from the disk for every token.
     *
     * @param directory  the checkpoint's folder, for the message
     * @param checkpoint the open checkpoint
     * @param config     its configuration
     * @param loaded     whether a tensor is used, by its name
     * @param dtype      how its matrices are to be kept
     * @throws InsufficientMemoryException if the memory does not suffice; says what to do
     */
    public static void check(
            Path directory, Checkpoint checkpoint, Blip2Config config, Predicate<String> loaded, WeightFormat dtype) {
        Optional<MachineMemory> memory = MachineMemory.read();
        if (memory.isPresent()) {
            check(directory, dtype, format -> of(checkpoint, config, loaded, format), memory.get());
        }
        checkLimit(directory, of(checkpoint, config, loaded, dtype), JavaCpp.physicalLimit());
    }

    /** Above JavaCPP's limit every native allocation would fail, in the middle of the work. */
    static void checkLimit(Path directory, MemoryEstimate needed, OptionalLong limit) {
        if (limit.isPresent() && needed.total() > limit.getAsLong()) {
            throw new InsufficientMemoryException(directory + ": expected that this process may take "
                    + gib(needed.total()) + ", got JavaCPP's limit of " + gib(limit.getAsLong())
                    + ", which was set, or read before this library could turn it off; start Java with"
                    + " -Dorg.bytedeco.javacpp.maxPhysicalBytes=0, or load the model before JavaCPP is used");
        }
    }

    static void check(
            Path directory,
            WeightFormat dtype,
            Function<WeightFormat, MemoryEstimate> estimates,
            MachineMemory memory) {
        MemoryEstimate needed = estimates.apply(dtype);
        if (needed.fits(memory)) {
            return;
        }
        long own = needed.copied + needed.working;
        String problem;
        if (needed.total() > memory.total()) {
            problem = "expected " + gib(needed.total()) + " of memory for weights " + name(dtype) + ", got "
                    + gib(memory.total()) + " in all, so that every token would read weights from the disk";
        } else {
            problem = "expected " + gib(own) + " of free memory for weights " + name(dtype) + ", got "
                    + gib(memory.available()) + "; close other programs";
        }
        String instead = Stream.of(WeightFormat.AUTO, WeightFormat.F16, WeightFormat.INT8, WeightFormat.INT4)
                .filter(format -> estimates.apply(format).fits(memory))
                .findFirst()
                .map(format -> "take dtype " + format.name().toLowerCase(Locale.ROOT) + ", which needs "
                        + gib(estimates.apply(format).total()))
                .orElse("take a machine with more memory");
        throw new InsufficientMemoryException(directory + ": " + problem + "; " + instead
                + "; or load it all the same with --force (LoadOptions.withMemoryCheck(false))");
    }

    private boolean fits(MachineMemory memory) {
        return total() <= memory.total() && copied + working <= memory.available();
    }

    private static String name(WeightFormat dtype) {
        return dtype == WeightFormat.AUTO ? "as stored" : "as " + dtype.name().toLowerCase(Locale.ROOT);
    }

    private static String gib(long bytes) {
        return String.format(Locale.ROOT, "%.1f GiB", bytes / GIB);
    }
}
