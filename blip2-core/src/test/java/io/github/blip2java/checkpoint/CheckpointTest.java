/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {
    @TempDir
    Path directory;

    private void index(String weightMap) throws IOException {
        Files.writeString(directory.resolve("model.safetensors.index.json"), "{\"weight_map\":" + weightMap + "}");
    }

    @Test
    void scopesFindTensorsByPath() throws IOException {
        TestFiles.vectors(directory, "a.0.weight", "a.1.weight");
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            WeightScope scope = checkpoint.root(WeightFormat.AUTO).at("a").at(1);
            assertThat(scope.contains("weight")).isTrue();
            assertThat(scope.contains("bias")).isFalse();
            assertThat(scope.floats("weight", 2)).containsExactly(1f, 1.5f);
            assertThat(checkpoint.unused()).containsExactly("a.0.weight");
        }
    }

    @Test
    void shardsAreOneCheckpoint() throws IOException {
        TestFiles.floats(directory.resolve("1.safetensors"), Map.of("x", new float[] {1}), Map.of("x", new long[] {1}));
        TestFiles.floats(directory.resolve("2.safetensors"), Map.of("y", new float[] {2}), Map.of("y", new long[] {1}));
        index("{\"x\":\"1.safetensors\",\"y\":\"2.safetensors\"}");
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            assertThat(checkpoint.root(WeightFormat.AUTO).floats("y", 1)).containsExactly(2f);
        }
    }

    @Test
    void missingShardIsNamed() throws IOException {
        index("{\"x\":\"1.safetensors\"}");
        assertThatThrownBy(() -> Checkpoint.open(directory))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessage(
                        directory.resolve("1.safetensors") + ": expected the shard that model.safetensors.index.json"
                                + " names, found no such file; download it");
    }

    @Test
    void tensorMissingFromItsShardIsNamed() throws IOException {
        TestFiles.floats(directory.resolve("1.safetensors"), Map.of("x", new float[] {1}), Map.of("x", new long[] {1}));
        index("{\"x\":\"1.safetensors\",\"y\":\"1.safetensors\"}");
        assertThatThrownBy(() -> Checkpoint.open(directory))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessage(
                        "model.safetensors.index.json: expected tensor \"y\" in 1.safetensors, which has none of that"
                                + " name; download both again");
    }

    @Test
    void shardOutsideTheFolderIsRefused() throws IOException {
        for (String shard : new String[] {"../1.safetensors", "/etc/1.safetensors", "a\\\\1.safetensors", "passwd"}) {
            index("{\"x\":\"" + shard + "\"}");
            assertThatThrownBy(() -> Checkpoint.open(directory))
                    .isInstanceOf(MalformedCheckpointException.class)
                    .hasMessageContaining("expected a plain file name ending in .safetensors")
                    .hasMessageEndingWith("do not trust this checkpoint");
        }
    }

    @Test
    void indexMustBeJsonWithEveryNameOnce() throws IOException {
        index("{\"x\":\"1.safetensors\",\"x\":\"2.safetensors\"}");
        assertThatThrownBy(() -> Checkpoint.open(directory))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessageContaining("line 1, column 39: expected JSON, got a syntax error: Duplicate field 'x'");
        index("[]");
        assertThatThrownBy(() -> Checkpoint.open(directory))
                .hasMessageContaining("expected an object weight_map from tensor names to file names");
    }

    @Test
    void foldersWithoutWeightsAreExplained() throws IOException {
        assertThatThrownBy(() -> Checkpoint.open(directory))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessage(directory + ": no model.safetensors and no model.safetensors.index.json; pass a folder"
                        + " downloaded from the Hugging Face Hub");
        Files.createFile(directory.resolve("pytorch_model-00001-of-00002.bin"));
        assertThatThrownBy(() -> Checkpoint.open(directory))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining("only pytorch_model*.bin")
                .hasMessageContaining("save_pretrained(\"" + directory + "\", safe_serialization=True)");
        assertThatThrownBy(() -> Checkpoint.open(directory.resolve("nowhere")))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining("expected a checkpoint folder, found nothing there; check the path");
        assertThatThrownBy(() -> Checkpoint.open(directory.resolve("pytorch_model-00001-of-00002.bin")))
                .isInstanceOf(NotDirectoryException.class)
                .hasMessageContaining("expected a checkpoint folder, got a file; pass the folder it is in");
    }

    @Test
    void theSingleFileCountsBesideAnOldIndex() throws IOException {
        index("{\"x\":\"1.safetensors\"}"); // whose shard is gone
        TestFiles.floats(
                directory.resolve("model.safetensors"), Map.of("x", new float[] {2}), Map.of("x", new long[] {1}));
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            assertThat(checkpoint.root(WeightFormat.AUTO).floats("x", 1)).containsExactly(2f);
        }
        TestFiles.floats(directory.resolve("1.safetensors"), Map.of("x", new float[] {1}), Map.of("x", new long[] {1}));
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            assertThat(checkpoint.root(WeightFormat.AUTO).floats("x", 1)).containsExactly(2f);
        }
    }

    @Test
    void weightsUnderAnotherNameAreNamed() throws IOException {
        TestFiles.floats(
                directory.resolve("model.fp16.safetensors"), Map.of("x", new float[] {2}), Map.of("x", new long[] {1}));
        assertThatThrownBy(() -> Checkpoint.open(directory))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessage(directory + ": no model.safetensors and no model.safetensors.index.json, only"
                        + " model.fp16.safetensors; if it holds all weights, rename it to model.safetensors, else"
                        + " download the rest");
    }

    @Test
    void aTiedTensorIsFoundUnderAnyOfItsNames() throws IOException {
        Map<String, List<String>> tied = Map.of("table", List.of("first", "second"));
        for (String stored : List.of("table", "first", "second")) {
            TestFiles.vectors(directory, "zero", stored);
            try (Checkpoint checkpoint = Checkpoint.open(directory, tied)) {
                assertThat(checkpoint.tensors()).containsOnlyKeys("table", "zero");
                assertThat(checkpoint.tensor("table").info().name()).isEqualTo("table");
                assertThat(checkpoint.root(WeightFormat.AUTO).floats("table", 2))
                        .containsExactly(1f, 1.5f);
                assertThat(checkpoint.tensor("table").map().getFloat(4)).isEqualTo(1.5f);
                assertThat(checkpoint.unused()).containsExactly("zero");
            }
        }
        TestFiles.vectors(directory, "second", "first"); // 0, 0.5 and 1, 1.5
        try (Checkpoint checkpoint = Checkpoint.open(directory, tied)) {
            WeightScope root = checkpoint.root(WeightFormat.AUTO);
            assertThat(root.floats("table", 2)).containsExactly(1f, 1.5f);
            assertThat(root.floats("second", 2)).containsExactly(0f, 0.5f);
            assertThat(root.disagree("table", "second")).isTrue();
            assertThat(root.disagree("table", "table")).isFalse();
            assertThat(root.disagree("table", "first")).isFalse(); // not there by that name
        }
    }

    @Test
    void namesThatSaveModelDroppedAreFoundByWhatItWroteOfThem() throws IOException {
        TestFiles.raw(
                directory.resolve("model.safetensors"),
                "{\"__metadata__\":{\"format\":\"pt\",\"dropped\":\"kept\",\"other\":\"nowhere\"},"
                        + "\"kept\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
                4);
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            assertThat(checkpoint.tensors()).containsOnlyKeys("dropped", "kept");
            assertThat(checkpoint.root(WeightFormat.AUTO).floats("dropped", 1)).containsExactly(0f);
        }
    }

    @Test
    void aFileThatWasCutIsNoticedAndOneThatWasReplacedDoesNoHarm() throws IOException {
        Path file = TestFiles.vectors(directory, "w");
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            checkpoint.checkLengths();
            byte[] bytes = Files.readAllBytes(file);
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.truncate(bytes.length - 1);
            }
            assertThatThrownBy(checkpoint::checkLengths)
                    .isInstanceOf(MalformedCheckpointException.class)
                    .hasMessage(file + ": expected the " + bytes.length + " bytes that it had when it was loaded, got "
                            + (bytes.length - 1) + "; put the file back and load the model again, and replace files of"
                            + " models in use by moving others to their place, not by writing over them");
            Files.move(Files.write(directory.resolve("new"), new byte[1]), file, StandardCopyOption.REPLACE_EXISTING);
            checkpoint.checkLengths();
        }
    }

    @Test
    void missingTensorComesWithItsNearestNames() throws IOException {
        TestFiles.vectors(directory, "layers.0.q_proj.weight", "layers.0.k_proj.weight", "lm_head.weight", "other");
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            WeightScope scope =
                    checkpoint.root(WeightFormat.AUTO).at("layers").at(0).at("v_proj");
            assertThatThrownBy(() -> scope.floats("weight", 2))
                    .isInstanceOf(MalformedCheckpointException.class)
                    .hasMessageStartingWith(
                            directory + ": expected a tensor \"layers.0.v_proj.weight\", found none; nearest: ")
                    .hasMessageContaining("\"layers.0.q_proj.weight\"")
                    .hasMessageContaining("\"layers.0.k_proj.weight\"");
        }
    }

    @Test
    void wrongShapeNamesBothShapes() throws IOException {
        TestFiles.vectors(directory, "w");
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            assertThatThrownBy(() -> checkpoint.root(WeightFormat.AUTO).floats("w", 3, 4))
                    .isInstanceOf(MalformedCheckpointException.class)
                    .hasMessage(
                            "model.safetensors: tensor \"w\": expected shape [3, 4] by config.json, got [2]; take both"
                                    + " files from one checkpoint")
                    .satisfies(e -> assertThat(((MalformedCheckpointException) e).tensor())
                            .isEqualTo("w"));
        }
    }

    @Test
    void integersAreNoWeights() throws IOException {
        TestFiles.raw(
                directory.resolve("model.safetensors"),
                "{\"w\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[0,2]}}",
                2);
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            assertThatThrownBy(() -> checkpoint.root(WeightFormat.AUTO).tensor("w", 2))
                    .isInstanceOf(UnsupportedModelException.class)
                    .hasMessage(
                            "model.safetensors: tensor \"w\": expected F32, F16 or BF16, got I8; save the model with one"
                                    + " of these dtypes");
        }
    }

    @Test
    void leftoversOfOlderVersionsAreNotReported() throws IOException {
        TestFiles.vectors(
                directory,
                "qformer.embeddings.position_ids",
                "embeddings.position_ids",
                "language_model.decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight",
                "language_model.encoder.embed_tokens.weight",
                "language_model.decoder.embed_tokens.weight",
                "stranger");
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            assertThat(checkpoint.unused()).containsExactly("stranger");
        }
    }

    @Test
    void closedCheckpointIsRefused() throws IOException {
        TestFiles.vectors(directory, "w");
        Checkpoint checkpoint = Checkpoint.open(directory);
        checkpoint.close();
        assertThatThrownBy(() -> checkpoint.root(WeightFormat.AUTO).floats("w", 2))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("expected an open file, got one that was closed");
    }

    @Test
    void halvesWidenAsTheReferenceDoes() throws IOException {
        // 1, -2, largest, smallest subnormal, infinity, -0, NaN
        short[] halves = {0x3c00, (short) 0xc000, 0x7bff, 0x0001, 0x7c00, (short) 0x8000, 0x7e00};
        float[] expected = {1f, -2f, 65504f, 0x1p-24f, Float.POSITIVE_INFINITY, -0f, Float.NaN};
        TestFiles.raw(
                directory.resolve("model.safetensors"),
                "{\"w\":{\"dtype\":\"F16\",\"shape\":[7],\"data_offsets\":[0,14]}}",
                14);
        byte[] file = Files.readAllBytes(directory.resolve("model.safetensors"));
        ByteBuffer data = ByteBuffer.wrap(file, file.length - 14, 14).order(ByteOrder.LITTLE_ENDIAN);
        for (short half : halves) {
            data.putShort(half);
        }
        Files.write(directory.resolve("model.safetensors"), file);
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            assertThat(checkpoint.root(WeightFormat.AUTO).floats("w", 7)).containsExactly(expected);
        }
    }
}
