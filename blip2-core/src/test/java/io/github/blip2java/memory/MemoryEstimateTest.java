/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.blip2java.Blip2Config;
import io.github.blip2java.checkpoint.Checkpoint;
import io.github.blip2java.checkpoint.TestFiles;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.internal.config.ConfigNode;
import io.github.blip2java.vision.Blip2VisionConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MemoryEstimateTest {
    private static final long GIB = 1L << 30;
    private static final Path FOLDER = Path.of("models", "x");
    private static final String OR_FORCE =
            "; or load it all the same with --force (LoadOptions.withMemoryCheck(false))";

    /** A checkpoint of 7 GiB at 16 bits. */
    private static final Function<WeightFormat, MemoryEstimate> ESTIMATES = format -> switch (format) {
        case AUTO, F16 -> new MemoryEstimate(7 * GIB, 0, GIB);
        case F32 -> new MemoryEstimate(0, 14 * GIB, GIB);
        case BF16 -> new MemoryEstimate(0, 7 * GIB, GIB);
        case INT8 -> new MemoryEstimate(GIB / 4, 7 * GIB / 2, GIB);
        case INT4 -> new MemoryEstimate(GIB / 4, 2 * GIB, GIB);
    };

    @TempDir
    Path directory;

    private static void check(WeightFormat dtype, long totalGib, long availableGib) {
        MachineMemory memory = new MachineMemory(totalGib * GIB, availableGib * GIB);
        MemoryEstimate.check(FOLDER, dtype, ESTIMATES, memory);
    }

    @Test
    void whatFitsIsLoaded() {
        // Mapped weights may take the place of file copies, so that only the rest must be available.
        assertThatCode(() -> check(WeightFormat.AUTO, 8, 1)).doesNotThrowAnyException();
        assertThatCode(() -> check(WeightFormat.F32, 15, 15)).doesNotThrowAnyException();
    }

    @Test
    void aSmallMachineIsToldWhichDtypeFits() {
        assertThatThrownBy(() -> check(WeightFormat.AUTO, 6, 5))
                .isInstanceOf(InsufficientMemoryException.class)
                .hasMessage(FOLDER
                        + ": expected 8.0 GiB of memory for weights as stored, got 6.0 GiB in all, so that every"
                        + " token would read weights from the disk; take dtype int8, which needs 4.8 GiB" + OR_FORCE);
        assertThatThrownBy(() -> check(WeightFormat.AUTO, 2, 2))
                .hasMessageEndingWith("from the disk; take a machine with more memory" + OR_FORCE);
    }

    @Test
    void aBusyMachineIsToldToCloseOtherPrograms() {
        assertThatThrownBy(() -> check(WeightFormat.F32, 16, 12))
                .isInstanceOf(InsufficientMemoryException.class)
                .hasMessage(FOLDER + ": expected 15.0 GiB of free memory for weights as f32, got 12.0 GiB; close other"
                        + " programs; take dtype auto, which needs 8.0 GiB" + OR_FORCE);
    }

    @Test
    void headersSayWhatIsMappedAndWhatIsCopied() throws IOException {
        TestFiles.raw(
                directory.resolve("model.safetensors"),
                "{\"norm.weight\":{\"dtype\":\"F16\",\"shape\":[8],\"data_offsets\":[0,16]},"
                        + "\"fc.weight\":{\"dtype\":\"F16\",\"shape\":[8,64],\"data_offsets\":[16,1040]},"
                        + "\"embed_tokens.weight\":{\"dtype\":\"F32\",\"shape\":[4,8],\"data_offsets\":[1040,1168]}}",
                1168);
        Blip2Config config = Blip2Config.of(Map.of());
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            long working =
                    MemoryEstimate.of(checkpoint, config, WeightFormat.AUTO).working();
            assertThat(working).isBetween(GIB / 2, 2 * GIB);
            assertThat(MemoryEstimate.of(checkpoint, config, WeightFormat.AUTO))
                    .isEqualTo(new MemoryEstimate(1024 + 128, 32, working));
            assertThat(MemoryEstimate.of(checkpoint, config, WeightFormat.F32))
                    .isEqualTo(new MemoryEstimate(128, 32 + 2048, working));
            assertThat(MemoryEstimate.of(checkpoint, config, WeightFormat.F16))
                    .isEqualTo(new MemoryEstimate(1024, 32 + 64, working));
            assertThat(MemoryEstimate.of(checkpoint, config, WeightFormat.BF16))
                    .isEqualTo(new MemoryEstimate(0, 32 + 1024 + 64, working));
            assertThat(MemoryEstimate.of(checkpoint, config, WeightFormat.INT8))
                    .isEqualTo(new MemoryEstimate(128, 32 + 512, working));
            assertThat(MemoryEstimate.of(checkpoint, config, WeightFormat.INT4))
                    .isEqualTo(new MemoryEstimate(128, 32 + 320, working));
        }
    }

    @Test
    void largeModelsAndPicturesTakeSmallBatches() {
        Blip2VisionConfig full = Blip2VisionConfig.of(ConfigNode.of(Map.of()));
        assertThat(CallMemory.picturesAtATime(full, 224, 224)).isEqualTo(8);
        assertThat(CallMemory.picturesAtATime(full, 364, 364)).isEqualTo(3);
        assertThat(CallMemory.picturesAtATime(full, 1400, 1400)).isEqualTo(1);
        Blip2VisionConfig small = Blip2VisionConfig.of(ConfigNode.of(Map.of(
                "hidden_size",
                192,
                "intermediate_size",
                768,
                "num_attention_heads",
                4,
                "image_size",
                96,
                "patch_size",
                8)));
        assertThat(CallMemory.picturesAtATime(small, 96, 96)).isEqualTo(32);
    }

    private void write(String file, String content) throws IOException {
        Path path = directory.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, content);
    }

    @Test
    void fileCopiesCountAsAvailable() throws IOException {
        assertThat(MachineMemory.read(directory, 8 * GIB)).isEmpty();
        write("proc/meminfo", "MemTotal:  8388608 kB\nMemFree:  1024 kB\nMemAvailable:  6291456 kB\n");
        assertThat(MachineMemory.read(directory, 8 * GIB)).contains(new MachineMemory(8 * GIB, 6 * GIB));
    }

    @Test
    void limitsOfContainersCount() throws IOException {
        write("proc/meminfo", "MemTotal:  8388608 kB\nMemAvailable:  6291456 kB\n");
        write("proc/self/cgroup", "0::/job/1\n");
        assertThat(MachineMemory.read(directory, 4 * GIB)).contains(new MachineMemory(4 * GIB, 4 * GIB));
        write("sys/fs/cgroup/memory.stat", "anon 1073741824\nfile 3221225472\n");
        assertThat(MachineMemory.read(directory, 4 * GIB)).contains(new MachineMemory(4 * GIB, 3 * GIB));
        write("sys/fs/cgroup/job/1/memory.stat", "anon 2147483648\nfile 0\n");
        assertThat(MachineMemory.read(directory, 4 * GIB)).contains(new MachineMemory(4 * GIB, 2 * GIB));
        // A machine whose programs fill it leaves less than the container's limit.
        assertThat(MachineMemory.read(directory, 15 * GIB / 2).orElseThrow().available())
                .isEqualTo(11 * GIB / 2);
    }

    @Test
    void limitsOfOlderContainersCountToo() throws IOException {
        write("proc/meminfo", "MemTotal:  8388608 kB\nMemAvailable:  6291456 kB\n");
        write("proc/self/cgroup", "9:cpu,cpuacct:/\n4:memory:/job\n0::/\n");
        write("sys/fs/cgroup/memory/job/memory.stat", "rss 0\ntotal_rss 1073741824\ntotal_cache 3221225472\n");
        assertThat(MachineMemory.read(directory, 4 * GIB)).contains(new MachineMemory(4 * GIB, 3 * GIB));
    }

    @Test
    void javaCppsLimitIsNamedBeforeTheWork() {
        MemoryEstimate needed = new MemoryEstimate(6L << 30, 1L << 30, 1L << 30);
        assertThatThrownBy(() -> MemoryEstimate.checkLimit(Path.of("model"), needed, OptionalLong.of(4L << 30)))
                .isInstanceOf(InsufficientMemoryException.class)
                .hasMessage(
                        "model: expected that this process may take 8.0 GiB, got JavaCPP's limit of 4.0 GiB, which was"
                                + " set, or read before this library could turn it off; start Java with"
                                + " -Dorg.bytedeco.javacpp.maxPhysicalBytes=0, or load the model before JavaCPP is used");
        MemoryEstimate.checkLimit(Path.of("model"), needed, OptionalLong.of(8L << 30));
        MemoryEstimate.checkLimit(Path.of("model"), needed, OptionalLong.empty());
    }
}
