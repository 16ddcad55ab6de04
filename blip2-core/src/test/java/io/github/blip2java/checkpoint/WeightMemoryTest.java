/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class WeightMemoryTest {
    private static final String CLOSED = "model: expected an open model, got one that was closed; load it again";

    @TempDir
    Path directory;

    @Test
    void itIsFullOfZerosAndBeyondTheLimitOfDirectBuffers() {
        long limit = Runtime.getRuntime().maxMemory();
        int piece = 1 << 30;
        try (WeightMemory memory = new WeightMemory()) {
            for (long total = 0; total <= limit; total += piece) { // nothing is touched, so nothing is taken
                ByteBuffer bytes = memory.allocate(piece);
                assertThat(bytes.capacity()).isEqualTo(piece);
                assertThat(bytes.getInt(piece - 4)).isZero();
            }
        }
    }

    @Test
    void whatIsTooLargeForABufferIsRefused() {
        try (WeightMemory memory = new WeightMemory()) {
            assertThatThrownBy(() -> memory.allocate(1L << 31))
                    .isInstanceOf(UnsupportedModelException.class)
                    .hasMessage(
                            "memory outside the heap: expected at most 2147483647 bytes for one tensor, got 2147483648;"
                                    + " keep it with 16 bits or fewer");
        }
    }

    @Test
    void usesAreRefusedAfterClosing() {
        WeightMemory memory = new WeightMemory();
        memory.allocate(100);
        memory.close();
        memory.close();
        assertThatThrownBy(memory::enter)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage(CLOSED);
        assertThatThrownBy(() -> memory.allocate(1)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void whoHasBegunMayEnd() {
        WeightMemory memory = new WeightMemory();
        ByteBuffer bytes = memory.allocate(1 << 20);
        memory.enter();
        memory.enter();
        memory.close();
        assertThatThrownBy(memory::enter)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage(CLOSED);
        memory.leave();
        bytes.putInt(0, 7);
        assertThat(bytes.getInt(0)).isEqualTo(7);
        memory.leave();
        assertThatThrownBy(memory::enter).isInstanceOf(IllegalStateException.class);
    }

    /** Whether a file is among the mapped ones of this process. */
    private static boolean isMapped(Path file) throws IOException {
        return Files.readString(Path.of("/proc/self/maps")).contains(file.toString());
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void filesAreUnmappedByWhoLeavesLast() throws IOException {
        Path file = Files.write(directory.resolve("file"), new byte[10_000]).toRealPath();
        try (FileChannel channel = FileChannel.open(file)) {
            WeightMemory memory = new WeightMemory();
            ByteBuffer first = memory.map(channel, 3, 9_000);
            ByteBuffer empty = memory.map(channel, 3, 0);
            assertThat(first.isReadOnly()).isTrue();
            assertThat(first.capacity()).isEqualTo(9_000);
            assertThat(empty.capacity()).isZero();
            memory.enter();
            memory.close();
            assertThat(first.getInt(8_996)).isZero();
            assertThat(isMapped(file)).isTrue();
            memory.leave();
            assertThat(isMapped(file)).isFalse();
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void whatNobodyClosedIsFreedByACollection() throws Exception {
        Path file = Files.write(directory.resolve("file"), new byte[10_000]).toRealPath();
        try (FileChannel channel = FileChannel.open(file)) {
            new WeightMemory().map(channel, 0, 10_000);
            for (int attempt = 0; attempt < 100 && isMapped(file); attempt++) {
                System.gc();
                Thread.sleep(10);
            }
            assertThat(isMapped(file)).isFalse();
        }
    }

    @Test
    void aFailureToCloseIsToldWithTheFirstOne() {
        IllegalStateException failure = new IllegalStateException("first");
        Failures.close(failure, () -> {
            throw new IOException("second");
        });
        assertThat(failure.getSuppressed()).singleElement().isInstanceOf(IOException.class);
        assertThatCode(() -> Failures.close(failure, null)).doesNotThrowAnyException();
    }
}
