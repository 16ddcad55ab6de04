/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.Blip2ForConditionalGeneration;
import io.github.blip2java.LoadOptions;
import io.github.blip2java.ProgressListener;
import io.github.blip2java.checkpoint.Checkpoint;
import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.checkpoint.MalformedCheckpointException;
import io.github.blip2java.checkpoint.UnsupportedModelException;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.cli.verify.Check;
import io.github.blip2java.cli.verify.Verifier;
import io.github.blip2java.conversion.CheckpointConverter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointConverterTest {
    @TempDir
    Path directory;

    /** Verifies a reference case with another checkpoint in place of its own. */
    private List<Check> verify(String name, Path checkpoint) throws IOException {
        Path changed = directory.resolve("case");
        Files.createDirectories(changed);
        for (String file : List.of("reference.json", "reference.safetensors")) {
            Files.copy(Resources.reference().resolve(name).resolve(file), changed.resolve(file));
        }
        Path images = Resources.reference().resolve(name).resolve("images");
        if (Files.exists(images)) {
            Resources.copy(images, changed.resolve("images"));
        }
        Files.move(checkpoint, changed.resolve("checkpoint"));
        List<Check> checks = new ArrayList<>();
        Verifier.verify(changed, LoadOptions.defaults(), checks::add);
        return checks;
    }

    @Test
    void wideningLosesNothingAndTheResultIsACompleteCheckpoint() throws IOException {
        Path target = directory.resolve("wide");
        List<Long> steps = new ArrayList<>();
        CheckpointConverter.convert(
                Resources.checkpoint("opt-sharded"), target, WeightFormat.F32, (task, done, total) -> steps.add(done));
        assertThat(steps).hasSizeGreaterThan(100).isSorted();
        assertThat(verify("opt-sharded", target)).allMatch(Check::ok);
    }

    @Test
    void sixteenBitsGoThereAndBack() throws IOException {
        Path narrow = directory.resolve("narrow");
        CheckpointConverter.convert(Resources.checkpoint("opt-f16"), narrow, WeightFormat.F16, ProgressListener.NONE);
        Path wide = directory.resolve("wide");
        CheckpointConverter.convert(narrow, wide, WeightFormat.F32, ProgressListener.NONE);
        assertThat(verify("opt-f16", wide)).allMatch(Check::ok);
    }

    @Test
    void matricesAreNarrowedAndVectorsKept() throws IOException {
        Path target = directory.resolve("narrow");
        CheckpointConverter.convert(Resources.checkpoint("opt-tiny"), target, WeightFormat.BF16, ProgressListener.NONE);
        try (Checkpoint checkpoint = Checkpoint.open(target)) {
            checkpoint.tensors().forEach((name, tensor) -> {
                boolean matrix = tensor.info().shape().length > 1 && !name.equals("query_tokens");
                assertThat(tensor.dtype()).as(name).isEqualTo(matrix ? DType.BF16 : DType.F32);
            });
        }
        assertThat(Files.readString(target.resolve("config.json"))).contains("\"dtype\" : \"bfloat16\"");
        assertThat(target.resolve("tokenizer.json")).exists();
    }

    @Test
    void aWeightTooLargeForFloat16IsRefused() throws IOException {
        Path large = Resources.copy(Resources.checkpoint("opt-tiny"), directory.resolve("large"));
        String tensor = "language_model.model.decoder.layers.0.fc1.weight";
        Path target = directory.resolve("narrow");
        for (float value : new float[] {65520f, -70000f}) {
            putFloat(large.resolve("model.safetensors"), tensor, value);
            assertThatThrownBy(
                            () -> CheckpointConverter.convert(large, target, WeightFormat.F16, ProgressListener.NONE))
                    .isInstanceOf(UnsupportedModelException.class)
                    .hasMessageStartingWith("tensor \"" + tensor + "\"")
                    .hasMessageEndingWith("expected values below 65520 for f16, got " + value + "; take bf16");
            assertThat(target).doesNotExist();
        }
        // The largest that is rounded down, to 65504.
        putFloat(large.resolve("model.safetensors"), tensor, 65519f);
        CheckpointConverter.convert(large, target, WeightFormat.F16, ProgressListener.NONE);
        try (Checkpoint checkpoint = Checkpoint.open(target)) {
            assertThat(checkpoint.tensor(tensor).toFloats()[1]).isEqualTo(65504f);
        }
    }

    /** Overwrites the second value of a float32 tensor. */
    private static void putFloat(Path file, String tensor, float value) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        int header = Math.toIntExact(bytes.getLong());
        int from = new ObjectMapper()
                .readTree(bytes.array(), Long.BYTES, header)
                .get(tensor)
                .get("data_offsets")
                .get(0)
                .intValue();
        bytes.putFloat(Long.BYTES + header + from + Float.BYTES, value);
        Files.write(file, bytes.array());
    }

    @Test
    void nothingIsLeftWhenItFails() throws IOException {
        Path target = directory.resolve("target");
        assertThatThrownBy(() -> CheckpointConverter.convert(
                        Resources.checkpoint("opt-tiny"), target, WeightFormat.F16, (task, done, total) -> {
                            if (done == 20) {
                                throw new IllegalStateException("stopped");
                            }
                        }))
                .hasMessage("stopped");
        try (Stream<Path> left = Files.list(directory)) {
            assertThat(left).isEmpty();
        }
    }

    @Test
    void wrongTargetsAreRefused() throws IOException {
        Path source = Resources.checkpoint("opt-tiny");
        Files.createDirectory(directory.resolve("there"));
        assertThatThrownBy(() -> CheckpointConverter.convert(
                        source, directory.resolve("there"), WeightFormat.F16, ProgressListener.NONE))
                .isInstanceOf(FileAlreadyExistsException.class)
                .hasMessageEndingWith("there: expected a folder that does not exist yet; remove it, or choose another");
        assertThatThrownBy(() -> CheckpointConverter.convert(
                        source, directory.resolve("x"), WeightFormat.AUTO, ProgressListener.NONE))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessage("dtype AUTO cannot be written; supported: f32, f16, bf16, int8, int4");
    }

    @Test
    void onlyWhatACheckpointNeedsGoesAlong() throws IOException {
        Path source = Resources.copy(Resources.checkpoint("opt-tiny"), directory.resolve("trained"));
        List<String> kept =
                List.of("LICENSE", "LICENSE.txt", "README.md", "NOTICE", "merges.txt", "chat_template.jinja");
        List<String> left = List.of(
                "optimizer.pt",
                "scheduler.pt",
                "rng_state.pth",
                "training_args.bin",
                "trainer_state.json",
                "pytorch_model.bin",
                "pytorch_model.bin.index.json",
                "model.safetensors.index.json",
                "model.fp16.safetensors",
                "tf_model.h5",
                "flax_model.msgpack",
                "model.onnx",
                "README.pt",
                "adapter_config.json",
                "events.out.tfevents.1",
                ".gitattributes");
        for (String name : Stream.concat(kept.stream(), left.stream()).toList()) {
            Files.writeString(source.resolve(name), "x");
        }
        Path target = directory.resolve("f16");
        CheckpointConverter.convert(source, target, WeightFormat.F16, ProgressListener.NONE);
        for (String name : kept) {
            assertThat(target.resolve(name)).hasContent("x");
        }
        for (String name : left) {
            assertThat(target.resolve(name)).doesNotExist();
        }
        try (Stream<Path> own = Files.list(Resources.checkpoint("opt-tiny"))) {
            assertThat(own)
                    .allSatisfy(file ->
                            assertThat(target.resolve(file.getFileName())).exists());
        }
    }

    @Test
    void tiedTensorsAreConvertedUnderWhateverNameTheyAreStored() throws IOException {
        for (String name : List.of("opt-save-model", "t5-save-model", "t5-head-table", "t5-two-tables")) {
            Path wide = directory.resolve(name);
            CheckpointConverter.convert(Resources.checkpoint(name), wide, WeightFormat.F32, ProgressListener.NONE);
            assertThat(verify(name, wide)).as(name).allMatch(Check::ok);
            Resources.delete(directory.resolve("case"));
            Path narrow = directory.resolve(name + "-int8");
            CheckpointConverter.convert(Resources.checkpoint(name), narrow, WeightFormat.INT8, ProgressListener.NONE);
            // A table is no matrix to be quantised, even where it is stored as the head.
            try (Checkpoint checkpoint = Checkpoint.open(narrow)) {
                assertThat(checkpoint.tensors().entrySet())
                        .filteredOn(tensor -> tensor.getKey().matches(".*(embed_tokens|shared|lm_head).*"))
                        .isNotEmpty()
                        .allMatch(tensor -> tensor.getValue().dtype() == DType.F32);
            }
            Blip2ForConditionalGeneration.fromPretrained(narrow).close();
        }
    }

    @Test
    void aHeadThatIsNotTiedIsNoTable() throws IOException {
        for (String name : List.of("opt-save-model", "t5-head-table")) {
            Path own = Resources.copy(Resources.checkpoint(name), directory.resolve(name));
            Path config = own.resolve("config.json");
            Files.writeString(
                    config,
                    Files.readString(config)
                            .replace("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false"));
            // What save_model writes of dropped names would still lead there.
            Path weights = own.resolve("model.safetensors");
            Files.write(
                    weights,
                    new String(Files.readAllBytes(weights), StandardCharsets.ISO_8859_1)
                            .replace("decoder.embed_tokens.weight\":\"", "decoder.embed_tokens.weighs\":\"")
                            .getBytes(StandardCharsets.ISO_8859_1));
            assertThatThrownBy(() -> Blip2ForConditionalGeneration.fromPretrained(own))
                    .isInstanceOf(MalformedCheckpointException.class)
                    .hasMessageContaining(
                            name.startsWith("opt")
                                    ? "expected a tensor \"language_model.model.decoder.embed_tokens.weight\", found none"
                                    : "expected a tensor \"language_model.shared.weight\", found none");
        }
    }

    @Test
    void quantisedCheckpointsSaySoAndAreConvertedNoFurther() throws IOException {
        Path target = directory.resolve("int8");
        CheckpointConverter.convert(Resources.checkpoint("opt-tiny"), target, WeightFormat.INT8, ProgressListener.NONE);
        Path config = target.resolve("config.json");
        assertThat(Files.readString(config))
                .contains("quantization_config", "\"quant_method\" : \"blip2-java-1\"", "\"format\" : \"int8\"");
        assertThatThrownBy(() -> CheckpointConverter.convert(
                        target, directory.resolve("x"), WeightFormat.F16, ProgressListener.NONE))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessage(target
                        + ": expected a checkpoint of floats, got one of int8; convert the one that it was made from");
        assertThatThrownBy(() -> Blip2ForConditionalGeneration.fromPretrained(
                        target, LoadOptions.defaults().withDtype(WeightFormat.F32)))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining(
                        "expected floats to make dtype f32 of, got int8; load with dtype auto or int8, or")
                .hasMessageContaining("take the checkpoint that this one was converted from");

        Files.writeString(config, Files.readString(config).replace("blip2-java-1", "gptq"));
        assertThatThrownBy(() -> Blip2ForConditionalGeneration.fromPretrained(target, LoadOptions.defaults()))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessage("config.json: quantization_config.quant_method \"gptq\" is not supported; supported:"
                        + " blip2-java-1. Take the checkpoint that this one was made from");
    }
}
