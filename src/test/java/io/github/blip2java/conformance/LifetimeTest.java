/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.github.blip2java.Blip2ForConditionalGeneration;
import io.github.blip2java.ImageEncoding;
import io.github.blip2java.LoadOptions;
import io.github.blip2java.ProgressListener;
import io.github.blip2java.checkpoint.Checkpoint;
import io.github.blip2java.checkpoint.StoredTensor;
import io.github.blip2java.checkpoint.UnsupportedModelException;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.conversion.CheckpointConverter;
import io.github.blip2java.demo.DemoModel;
import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.internal.kernel.Parallel;
import io.github.blip2java.language.LanguageModel;
import io.github.blip2java.pipeline.Blip2Pipeline;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ImageReader;
import io.github.blip2java.qformer.Blip2QFormerModel;
import io.github.blip2java.vision.Blip2VisionModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.ClosedFileSystemException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** What happens to memory, files, threads and calls in flight when a model is closed, or its loading or a call fails. */
class LifetimeTest {
    private static final String CLOSED = "model: expected an open model, got one that was closed; load it again";
    private static final GenerationConfig LONG =
            GenerationConfig.builder().maxNewTokens(30).minNewTokens(30).build();

    @TempDir
    Path directory;

    private static Image picture() throws IOException {
        return ImageReader.read(HeldOutDrawings.all().get(0).file());
    }

    private static LoadOptions as(WeightFormat dtype) {
        return LoadOptions.defaults().withDtype(dtype);
    }

    @ParameterizedTest
    @EnumSource(names = {"AUTO", "F16", "INT8", "INT4"})
    void componentsAreClosedWithTheirModel(WeightFormat dtype) throws IOException {
        Blip2ForConditionalGeneration model =
                Blip2ForConditionalGeneration.fromPretrained(Resources.checkpoint("t5-gated"), as(dtype));
        int side = model.config().visionConfig().imageSize();
        INDArray pixels = Nd4j.zeros(DataType.FLOAT, 1, 3, side, side);
        Blip2VisionModel vision = model.visionModel();
        Blip2QFormerModel qformer = model.qformer();
        LanguageModel text = model.languageModel();
        INDArray image = vision.forward(pixels, false, false, false).lastHiddenState();
        INDArray queries =
                Nd4j.zeros(DataType.FLOAT, 1, 2, model.config().qformerConfig().hiddenSize());
        ImageEncoding encoding = model.encodeImages(pixels);
        model.close();
        assertThatThrownBy(() -> vision.forward(pixels, false, false, false))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage(CLOSED);
        assertThatThrownBy(() -> qformer.forward(queries, image, false, false)).hasMessage(CLOSED);
        assertThatThrownBy(() -> text.embedTokens(new long[][] {{1}})).hasMessage(CLOSED);
        assertThatThrownBy(() -> model.generate(encoding, null, null, LONG)).hasMessage(CLOSED);
        assertThat(encoding.features().length()).isPositive();
    }

    @ParameterizedTest
    @EnumSource(names = {"AUTO", "F16", "INT8", "INT4"})
    void callsInFlightAreRefusedAndNothingCrashes(WeightFormat dtype) throws Exception {
        Image picture = picture();
        for (int round = 0; round < 2; round++) {
            Blip2Pipeline blip2 = Blip2Pipeline.load(DemoModel.checkpoint(), as(dtype), LONG);
            List<Throwable> ends = Collections.synchronizedList(new ArrayList<>());
            List<Thread> callers = new ArrayList<>();
            CountDownLatch called = new CountDownLatch(3);
            for (int caller = 0; caller < 6; caller++) {
                Thread thread = new Thread(() -> ends.add(catchThrowable(() -> {
                    while (true) { // until it is refused
                        blip2.caption(picture);
                        called.countDown();
                    }
                })));
                thread.start();
                callers.add(thread);
            }
            called.await();
            blip2.close();
            for (Thread caller : callers) {
                caller.join();
            }
            assertThat(ends)
                    .hasSize(6)
                    .allSatisfy(end -> assertThat(end)
                            .isInstanceOf(IllegalStateException.class)
                            .hasMessageContaining("closed"));
        }
    }

    @Test
    void interruptingAThreadEndsItsCall() throws Exception {
        Image picture = picture();
        try (Blip2Pipeline blip2 = Blip2Pipeline.load(DemoModel.checkpoint(), LoadOptions.defaults(), LONG)) {
            CountDownLatch called = new CountDownLatch(1);
            AtomicReference<Throwable> thrown = new AtomicReference<>();
            AtomicBoolean marked = new AtomicBoolean();
            Thread caller = new Thread(() -> {
                thrown.set(catchThrowable(() -> {
                    while (true) {
                        blip2.caption(picture);
                        called.countDown();
                    }
                }));
                marked.set(Thread.currentThread().isInterrupted());
            });
            caller.start();
            called.await();
            caller.interrupt();
            caller.join();
            assertThat(thrown.get())
                    .isInstanceOf(CancellationException.class)
                    .hasMessageStartingWith("interrupted: the thread that waits for ");
            assertThat(marked).isTrue();
            assertThat(blip2.caption(picture).text()).isNotEmpty();
        }
    }

    @Test
    void aDerivedPipelineClosesNothing() throws IOException {
        Image picture = picture();
        Blip2Pipeline blip2 = Blip2Pipeline.load(DemoModel.checkpoint());
        String text = blip2.caption(picture).text();
        Blip2Pipeline derived =
                blip2.withOptions(GenerationConfig.builder().maxNewTokens(1).build());
        try (derived) {
            assertThat(derived.caption(picture).tokenIds()).hasSize(1);
        }
        assertThat(blip2.caption(picture).text()).isEqualTo(text);
        blip2.close();
        assertThatThrownBy(() -> derived.caption(picture))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage(CLOSED);
    }

    @Test
    void eachModelHasThreadsOfItsOwn() throws IOException {
        Image picture = picture();
        Path checkpoint = DemoModel.checkpoint();
        try (Blip2Pipeline one =
                        Blip2Pipeline.load(checkpoint, LoadOptions.defaults().withThreads(1));
                Blip2Pipeline three =
                        Blip2Pipeline.load(checkpoint, LoadOptions.defaults().withThreads(3));
                Blip2Pipeline all = Blip2Pipeline.load(checkpoint)) {
            assertThat(threads(one)).isEqualTo(1);
            assertThat(threads(three)).isEqualTo(3);
            assertThat(threads(all)).isEqualTo(Parallel.shared().size());
            assertThat(one.caption(picture)).isEqualTo(three.caption(picture)).isEqualTo(all.caption(picture));
        }
    }

    private static int threads(Blip2Pipeline blip2) {
        return blip2.model().asOneCall(1, GenerationConfig.defaults(), Parallel::threads);
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void everythingIsGivenBackWithoutACollection() throws IOException {
        for (WeightFormat dtype : List.of(WeightFormat.AUTO, WeightFormat.INT8)) {
            ManyCallers.round(dtype);
            long files = ManyCallers.openFiles();
            long mapped = mapped();
            for (int round = 0; round < 3; round++) {
                assertThat(ManyCallers.round(dtype)).isNotEmpty();
                assertThat(ManyCallers.openFiles()).isEqualTo(files);
                assertThat(mapped()).isEqualTo(mapped);
            }
            assertThat(mapped).isZero();
        }
    }

    /** Parts of the demo model's weights in memory. Other tests read files of their own, which a collection unmaps at any time. */
    private static long mapped() throws IOException {
        String folder = DemoModel.checkpoint().toRealPath().toString();
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines.filter(line -> line.contains(folder) && line.endsWith(".safetensors"))
                    .count();
        }
    }

    @Test
    void errorsOfReadingArriveAsTheyAre() throws IOException {
        Path zip = directory.resolve("pictures.zip");
        Path gone;
        try (FileSystem files = FileSystems.newFileSystem(zip, Map.of("create", "true"))) {
            gone = files.getPath("cat.jpg");
        }
        try (Blip2Pipeline blip2 = Blip2Pipeline.load(DemoModel.checkpoint())) {
            assertThatThrownBy(() -> blip2.captionFiles(List.of(gone), null))
                    .isInstanceOf(ClosedFileSystemException.class);
        }
    }

    /** Puts a value into the first weight of a float32 matrix. */
    private Path damaged(String tensor, float value) throws IOException {
        Path copy = directory.resolve("damaged");
        Resources.copy(Resources.checkpoint("opt-tiny"), copy);
        long begin;
        Path file;
        try (Checkpoint checkpoint = Checkpoint.open(copy)) {
            StoredTensor stored = checkpoint.tensor(tensor);
            begin = stored.info().begin();
            file = stored.file().path();
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(
                    ByteBuffer.allocate(4)
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .putFloat(value)
                            .flip(),
                    begin);
        }
        return copy;
    }

    @Test
    void aWeightThatDoesNotFitIsRefusedInTheSameWords() throws IOException {
        String tensor = "language_model.model.decoder.layers.0.fc1.weight";
        Path checkpoint = damaged(tensor, 70_000f);
        String message = "tensor \"" + tensor + "\": expected values below 65520 for f16, got 70000.0; take bf16";
        assertThatThrownBy(() -> Blip2ForConditionalGeneration.fromPretrained(checkpoint, as(WeightFormat.F16)))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessage(message);
        assertThatThrownBy(() -> CheckpointConverter.convert(
                        checkpoint, directory.resolve("f16"), WeightFormat.F16, ProgressListener.NONE))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessage(message);
        try (Stream<Path> left = Files.list(directory)) {
            assertThat(left).containsExactly(checkpoint);
        }
        try (Blip2ForConditionalGeneration model =
                Blip2ForConditionalGeneration.fromPretrained(checkpoint, as(WeightFormat.BF16))) {
            assertThat(model.config()).isNotNull();
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void anErrorWhileLoadingLeavesNothingOpen() throws IOException {
        ManyCallers.round(WeightFormat.AUTO);
        long files = ManyCallers.openFiles();
        for (long stage = 0; stage < 4; stage++) {
            long when = stage;
            StackOverflowError error = new StackOverflowError("a failure that is no exception");
            assertThatThrownBy(() -> Blip2Pipeline.load(
                            Resources.checkpoint("opt-sharded"),
                            as(WeightFormat.INT8).withProgress((task, done, total) -> {
                                if (done == when) {
                                    throw error;
                                }
                            })))
                    .isSameAs(error);
            assertThat(ManyCallers.openFiles()).isEqualTo(files);
        }
    }

    @Test
    void tooLittleMemoryWhileLoadingIsToldAsThat() {
        Path checkpoint = Resources.checkpoint("opt-tiny");
        assertThatThrownBy(() ->
                        Blip2Pipeline.load(checkpoint, LoadOptions.defaults().withProgress((task, done, total) -> {
                            throw new OutOfMemoryError("Java heap space");
                        })))
                .isInstanceOf(io.github.blip2java.memory.InsufficientMemoryException.class)
                .hasMessage(checkpoint
                        + ": expected memory for the weights, got too little: Java heap space; start Java with a"
                        + " larger heap (-Xmx), or take a smaller dtype such as int8")
                .hasCauseInstanceOf(OutOfMemoryError.class);
    }

    @Test
    void anErrorWhileConvertingLeavesNothing() throws IOException {
        OutOfMemoryError error = new OutOfMemoryError("Java heap space");
        for (WeightFormat format : List.of(WeightFormat.BF16, WeightFormat.INT4)) {
            assertThatThrownBy(() -> CheckpointConverter.convert(
                            Resources.checkpoint("opt-tiny"),
                            directory.resolve("target"),
                            format,
                            (task, done, total) -> {
                                if (done == 20) {
                                    throw error;
                                }
                            }))
                    .isSameAs(error);
            try (Stream<Path> left = Files.list(directory)) {
                assertThat(left).isEmpty();
            }
        }
    }
}
