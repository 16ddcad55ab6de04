/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsFileTest {
    private static final String GOOD =
            "{\"__metadata__\":{\"format\":\"pt\"},\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                    + "\"b\":{\"dtype\":\"BF16\",\"shape\":[1,2],\"data_offsets\":[8,12]}}";

    @TempDir
    Path directory;

    private Path file() {
        return directory.resolve("m.safetensors");
    }

    @Test
    void readsHeaderMetadataAndData() throws IOException {
        TestFiles.raw(file(), GOOD, 12);
        try (RandomAccessFile out = new RandomAccessFile(file().toFile(), "rw")) {
            out.seek(8 + GOOD.length() + 4);
            out.write(new byte[] {0, 0, (byte) 0x80, 0x3f});
        }
        try (SafetensorsFile file = SafetensorsFile.open(file())) {
            assertThat(file.tensors()).containsOnlyKeys("a", "b");
            assertThat(file.tensors().get("b").shape()).containsExactly(1, 2);
            assertThat(file.tensors().get("b").elements()).isEqualTo(2);
            assertThat(file.map("a").getFloat(4)).isEqualTo(1f);
            assertThat(file.map("a").isReadOnly()).isTrue();
            ByteBuffer part = ByteBuffer.allocate(2);
            file.read("a", 6, part);
            assertThat(part.array()).containsExactly(0x80, 0x3f);
            assertThatThrownBy(() -> file.read("a", 7, ByteBuffer.allocate(2)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("a: expected a range within 8 bytes, got 7 to 9");
        }
    }

    @Test
    void acceptsAFileWithoutTensors() throws IOException {
        TestFiles.raw(file(), "{}", 0);
        try (SafetensorsFile file = SafetensorsFile.open(file())) {
            assertThat(file.tensors()).isEmpty();
        }
    }

    @Test
    void closedFileIsRefusedButMappedDataStays() throws IOException {
        TestFiles.raw(file(), GOOD, 12);
        SafetensorsFile file = SafetensorsFile.open(file());
        ByteBuffer mapped = file.map("a");
        file.close();
        assertThat(mapped.getFloat(0)).isZero();
        assertThatThrownBy(() -> file.map("a"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("m.safetensors: expected an open file, got one that was closed");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[10,4]}} | 4 | header byte 9: tensor \"a\" spans [10, 4]: it ends before it begins",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}} | 8 | tensor \"a\" spans [0, 8]: expected 12 bytes for F32 [3], got 8",
                "{\"a\":{\"dtype\":\"F33\",\"shape\":[2],\"data_offsets\":[0,8]}} | 8 | tensor \"a\" expected one of the dtypes",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[9223372036854775807,2],\"data_offsets\":[0,8]}} | 8 | tensor \"a\" expected a size below 2^63 bytes",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}} | 8 | expected whole numbers from 0 in shape, got -2",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2.5],\"data_offsets\":[0,8]}} | 8 | expected whole numbers from 0 in shape, got 2.5",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,8]}} | 8 | expected whole numbers from 0 in shape",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}} | 8 | expected dtype, shape and two data_offsets",
                "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}} | 8 | expected dtype, shape and two data_offsets",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}} | 8 | expected dtype, shape and data_offsets, got \"x\"",
                "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}} | 8 | expected \"dtype\" once, got it twice",
                "{\"a\":7} | 0 | tensor \"a\" expected an object with dtype, shape and data_offsets, got VALUE_NUMBER_INT",
                "{\"__metadata__\":{\"k\":7}} | 0 | expected a text for \"k\", got VALUE_NUMBER_INT",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}} | 16 | expected every name once, got it twice",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}} | 12 | it overlaps the tensor before it",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[12,20]}} | 20 | there is a hole before it",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}} | 4 | the file is cut off; download or convert the file again",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}} | 9 | there are bytes that belong to nothing",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]} | 8 | expected JSON, got a syntax error",
                "[] | 0 | header byte 8: expected '{', got byte 91",
                "{} {} | 0 | expected nothing behind the closing '}'",
            })
    void wrongHeaderIsNamed(String header, int dataBytes, String message) throws IOException {
        TestFiles.raw(file(), header.strip(), dataBytes);
        assertThatThrownBy(() -> SafetensorsFile.open(file()))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessageStartingWith("m.safetensors")
                .hasMessageContaining(message.strip())
                .satisfies(e ->
                        assertThat(((MalformedCheckpointException) e).path()).isEqualTo(file()));
    }

    @ParameterizedTest
    @CsvSource({"-1", "0", "9223372036854775807", "100000001", "3000"})
    void wrongHeaderLengthIsRefusedBeforeMemoryIsTaken(long length) throws IOException {
        TestFiles.raw(file(), length, "{}".getBytes(StandardCharsets.UTF_8), 100);
        assertThatThrownBy(() -> SafetensorsFile.open(file()))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessage("m.safetensors, byte 0: expected a header length from 2 to 102, got "
                        + Long.toUnsignedString(length)
                        + ": this is no safetensors file, or it is cut off; download or convert the file again");
    }

    @Test
    void fileOfAFewBytesIsRefused() throws IOException {
        Files.write(file(), new byte[3]);
        assertThatThrownBy(() -> SafetensorsFile.open(file()))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessageContaining("expected a safetensors file of at least 8 bytes, got 3");
    }

    @Test
    void deepNestingIsRefused() throws IOException {
        TestFiles.raw(file(), "{\"a\":" + "[".repeat(5000) + "]".repeat(5000) + "}", 0);
        assertThatThrownBy(() -> SafetensorsFile.open(file())).isInstanceOf(MalformedCheckpointException.class);
    }

    @Test
    void damagedHeadersNeverCauseAnythingElse() throws IOException {
        Random random = new Random(1);
        byte[] good = GOOD.getBytes(StandardCharsets.UTF_8);
        int refused = 0;
        for (int round = 0; round < 3000; round++) {
            byte[] bad = good.clone();
            for (int change = 0; change <= random.nextInt(3); change++) {
                bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
            }
            TestFiles.raw(file(), bad.length, bad, 12);
            try (SafetensorsFile file = SafetensorsFile.open(file())) {
                file.tensors().keySet().forEach(file::map);
            } catch (MalformedCheckpointException e) {
                refused++;
            }
        }
        assertThat(refused).isGreaterThan(2000);
    }

    @Test
    void readsBeyondFourGigabytes() throws IOException {
        long begin = 5_000_000_000L;
        String header = "{\"big\":{\"dtype\":\"U8\",\"shape\":[" + begin + "],\"data_offsets\":[0," + begin + "]},"
                + "\"last\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[" + begin + "," + (begin + 4) + "]}}";
        TestFiles.raw(file(), header, 0);
        try (RandomAccessFile sparse = new RandomAccessFile(file().toFile(), "rw")) {
            sparse.seek(8 + header.length() + begin);
            sparse.write(new byte[] {0, 0, (byte) 0x80, 0x3f});
        }
        try (SafetensorsFile file = SafetensorsFile.open(file())) {
            assertThat(file.map("last").getFloat()).isEqualTo(1f);
            assertThatThrownBy(() -> file.map("big"))
                    .isInstanceOf(UnsupportedModelException.class)
                    .hasMessage("m.safetensors: tensor \"big\": expected at most 2147483647 bytes, got 5000000000;"
                            + " store it with 16 bits");
        }
    }
}
