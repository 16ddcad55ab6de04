/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.checkpoint.Arithmetic;
import io.github.blip2java.checkpoint.Checkpoint;
import io.github.blip2java.checkpoint.CheckpointFolder;
import io.github.blip2java.checkpoint.Failures;
import io.github.blip2java.checkpoint.UnsupportedModelException;
import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.kernel.Parallel;
import io.github.blip2java.internal.matrix.Gemm;
import io.github.blip2java.internal.matrix.NativeMemory;
import io.github.blip2java.internal.tensor.JavaCpp;
import io.github.blip2java.memory.InsufficientMemoryException;
import io.github.blip2java.memory.MemoryEstimate;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An open checkpoint and the threads that compute with it: what every facade owns, whichever parts it loads. Closing it frees the
 * weights.
 */
final class OpenModel implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(OpenModel.class);
    private static final AtomicBoolean ENVIRONMENT_LOGGED = new AtomicBoolean();

    final Blip2Config config;
    private final Checkpoint checkpoint;
    private final WeightScope weights;
    private final Reading reading;
    private final ProgressListener progress;
    private final Parallel pool;
    private final Admission admission;
    private int partsDone;
    private volatile boolean closed;

    /**
     * What a facade reads.
     *
     * @param kind  the checkpoints that have it
     * @param parts the first names of the tensors that it loads, in the order in which it does
     */
    record Reading(ModelKind kind, List<String> parts) {

        static Reading of(ModelKind kind, String... parts) {
            return new Reading(kind, List.of(parts));
        }

        /** Whether others load it that read the same checkpoints, such as the image side for one that reads texts alone. */
        boolean leavesToOthers(String tensor) {
            String part = firstName(tensor);
            return !parts.contains(part)
                    && (ImageSide.PARTS.contains(part) || kind.ownParts().contains(part));
        }

        private static String firstName(String tensor) {
            int dot = tensor.indexOf('.');
            return dot < 0 ? tensor : tensor.substring(0, dot);
        }
    }

    private OpenModel(Blip2Config config, Checkpoint checkpoint, Parallel pool, LoadOptions options, Reading reading) {
        this.config = config;
        this.checkpoint = checkpoint;
        this.weights = checkpoint.root(options.dtype(), options.arithmetic());
        this.reading = reading;
        this.progress = options.progress();
        this.pool = pool;
        this.admission = new Admission(
                pool,
                options.maxWaiting(),
                this::checkOpen,
                Runtime.getRuntime().maxMemory());
    }

    /**
     * Opens a checkpoint and lets a facade load its parts.
     *
     * @param given   the folder, or what {@link CheckpointFolder#resolve} finds it by
     * @param options how to keep the weights
     * @param reading what the facade needs
     * @param facade  loads the parts, on the threads of the model
     * @return what {@code facade} made; closing the model is its business from then on
     */
    static <T> T load(Path given, LoadOptions options, Reading reading, Function<OpenModel, T> facade)
            throws IOException {
        JavaCpp.prepare();
        if (options.arithmetic() == Arithmetic.BF16) {
            Gemm.requireBf16();
        }
        Path directory = CheckpointFolder.resolve(given);
        Parallel pool = options.threads() == LoadOptions.ALL_CORES ? Parallel.shared() : Parallel.of(options.threads());
        logEnvironment(pool);
        Checkpoint checkpoint = null;
        try {
            Blip2Config config = Blip2Config.fromPretrained(directory);
            checkpoint = Checkpoint.open(directory, config.tiedWeights());
            Optional<String> adapter = CheckpointFolder.adapter(directory);
            if (adapter.isPresent()) {
                LOG.warn("{}; the model beside it is used without it", adapter.get());
            }
            checkKind(directory, checkpoint, reading.kind());
            if (options.memoryCheck()) {
                MemoryEstimate.check(
                        directory, checkpoint, config, name -> !reading.leavesToOthers(name), options.dtype());
            }
            OpenModel model = new OpenModel(config, checkpoint, pool, options, reading);
            T made = pool.call(() -> facade.apply(model));
            model.loaded(directory);
            return made;
        } catch (Throwable e) {
            Failures.close(e, checkpoint);
            Failures.close(e, pool);
            if (e instanceof OutOfMemoryError) {
                throw new InsufficientMemoryException(
                        directory + ": expected memory for the weights, got too little: " + e.getMessage()
                                + "; start Java with a larger heap (-Xmx), or take a smaller dtype such as int8",
                        e);
            }
            throw e;
        }
    }

    private static void logEnvironment(Parallel pool) {
        if (!ENVIRONMENT_LOGGED.getAndSet(true)) {
            LOG.info("{}", ComputeEnvironment.of(pool.size()));
            if (ComputeEnvironment.flushesSubnormals()) {
                LOG.warn(
                        "a native library has made this thread take very small numbers for zero, so small half-precision weights"
                                + " are lost; load the model before that library or in another thread, or run Java 21 or newer");
            }
        }
    }

    private static void checkKind(Path directory, Checkpoint checkpoint, ModelKind expected) {
        ModelKind got = ModelKind.of(checkpoint);
        if (got != expected) {
            throw new UnsupportedModelException(directory + ": expected " + expected.description() + ", got "
                    + got.description() + "; read this one with " + got.classes() + ", or take one such as "
                    + expected.example());
        }
    }

    /** Loads a part, and tells who listens. */
    <P> P part(String name, Function<WeightScope, P> load) {
        progress.progress("loading " + name, partsDone++, reading.parts().size());
        return load.apply(weights.at(name));
    }

    /** All weights, for what is no part of its own. */
    WeightScope weights() {
        return weights;
    }

    private void loaded(Path directory) {
        progress.progress("loaded", reading.parts().size(), reading.parts().size());
        Set<String> unused = checkpoint.unused().stream()
                .filter(name -> !reading.leavesToOthers(name))
                .collect(Collectors.toCollection(TreeSet::new));
        if (!unused.isEmpty()) {
            LOG.warn("{}: {} tensors belong to nothing and were ignored: {}", directory, unused.size(), unused);
        }
    }

    /** Does a call's work when its turn has come; see {@link Admission#call}. */
    <T> T admitted(long bytes, Supplier<T> work) {
        return admission.call(bytes, work);
    }

    Parallel pool() {
        return pool;
    }

    void checkOpen() {
        if (closed) {
            throw new IllegalStateException("model: expected an open model, got one that was closed; load it again");
        }
        checkpoint.checkLengths();
    }

    @Override
    public void close() {
        closed = true;
        try {
            checkpoint.close();
        } finally {
            pool.close();
            NativeMemory.freeIdle();
        }
    }
}
