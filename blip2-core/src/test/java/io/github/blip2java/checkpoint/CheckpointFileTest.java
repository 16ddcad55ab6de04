/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CheckpointFileTest {
    private static final String POINTER =
            "version https://git-lfs.github.com/spec/v1\noid sha256:d60acb128cf7b7f2536e8f38a5b18a05\nsize 791656\n";

    @TempDir
    Path directory;

    private Path file;

    @BeforeEach
    void name() {
        file = directory.resolve("a.json");
    }

    private Path write(String text) throws IOException {
        return Files.writeString(file, text);
    }

    @Test
    void byteOrderMarkAndLineEndsOfWindowsAreAccepted() throws IOException {
        assertThat(CheckpointFile.json(write("\ufeff{\r\n \"a\": 1\r\n}\r\n"))
                        .get("a")
                        .intValue())
                .isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {`a`: 1,} | 1, column 9: expected JSON, got a syntax error: Unexpected character ('}' (code 125)): was expecting double-quote to start field name
            {¶ `a`: [1, 2,]} | 2, column 13: expected JSON, got a syntax error: Unexpected character (']' (code 93)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')
            {¶ `a`: 1,¶ `a`: 2} | 3, column 5: expected JSON, got a syntax error: Duplicate field 'a'
            {`a`: NaN} | 1, column 10: expected JSON, got a syntax error: Non-standard token 'NaN': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow
            {`a`: 1} x | 1, column 10: expected JSON, got a syntax error: Unrecognized token 'x': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')
            {`a`: 1} {} | 1, column 10: expected JSON, got a syntax error: Trailing token (of type START_OBJECT) found after value (bound as `com.fasterxml.jackson.databind.JsonNode`): not allowed as per `DeserializationFeature.FAIL_ON_TRAILING_TOKENS`
            """)
    void syntaxErrorsComeWithLineAndColumn(String text, String message) throws IOException {
        write(text.replace('`', '"').replace('¶', '\n'));
        assertThatThrownBy(() -> CheckpointFile.json(file))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessage("a.json, line " + message + "; download it again");
    }

    @Test
    void whatIsNoObjectIsNamed() throws IOException {
        write("[" + "1, ".repeat(300) + "2]");
        assertThatThrownBy(() -> CheckpointFile.json(file))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessage("a.json: expected a JSON object, got [" + "1,".repeat(99) + "1…; download it again");
        for (String empty : new String[] {"", " \n", "\ufeff"}) {
            write(empty);
            assertThatThrownBy(() -> CheckpointFile.json(file))
                    .isInstanceOf(MalformedCheckpointException.class)
                    .hasMessage("a.json: expected a JSON object, got an empty file; download it again");
        }
    }

    @Test
    void nestingIsBounded() throws IOException {
        write("{\"a\": " + "[".repeat(100_000));
        assertThatThrownBy(() -> CheckpointFile.json(file))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessageStartingWith("a.json: expected JSON, got a syntax error: Document nesting"
                        + " depth (65) exceeds the maximum allowed (64");
    }

    @Test
    void otherEncodingsAreRefused() throws IOException {
        Files.write(file, "{\"ä\": 1}".getBytes(StandardCharsets.ISO_8859_1));
        assertThatThrownBy(() -> CheckpointFile.json(file))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessage("a.json, byte 2: expected UTF-8, got byte 228; download it again");
        Files.write(file, "{\"a\": 1}".getBytes(StandardCharsets.UTF_16));
        assertThatThrownBy(() -> CheckpointFile.json(file))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessage("a.json, byte 0: expected UTF-8, got byte 254; download it again");
    }

    @Test
    void pointersOfGitLfsAreNamed() throws IOException {
        write(POINTER);
        assertThatThrownBy(() -> CheckpointFile.json(file))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessage("a.json: expected the file itself, got a pointer of Git LFS to it; run: git lfs pull");
        Path weights = Files.writeString(directory.resolve("model.safetensors"), POINTER);
        assertThatThrownBy(() -> SafetensorsFile.open(weights))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessage("model.safetensors: expected the file itself, got a pointer of Git LFS to it; run: git lfs"
                        + " pull");
    }

    @Test
    void missingFilesAndFoldersAreNamed() {
        assertThatThrownBy(() -> CheckpointFile.bytes(file))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessage(file + ": expected a configuration file, found none; pass a folder downloaded from the"
                        + " Hugging Face Hub");
        assertThatThrownBy(() -> CheckpointFile.bytes(directory))
                .isInstanceOf(IOException.class)
                .hasMessage(directory + ": expected a file, got a folder or a device; download it again");
    }

    @Test
    void filesThatTheHeapCannotHoldAreRefusedUnread() throws IOException {
        long size = CheckpointFile.largest() + 1;
        try (var channel = Files.newByteChannel(
                file, java.nio.file.StandardOpenOption.CREATE, java.nio.file.StandardOpenOption.WRITE)) {
            channel.position(size - 1).write(java.nio.ByteBuffer.allocate(1)); // takes no room on the disk
        }
        assertThatThrownBy(() -> CheckpointFile.json(file))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessage("a.json: expected at most " + (size - 1) + " bytes with this heap, got " + size
                        + "; download it again, or start Java with a larger heap (-Xmx)");
    }

    @Test
    void linesEndWithALineFeedAlone() throws IOException {
        write("a\r\nb\u0085c\rd\n\n e\u2028f");
        assertThat(CheckpointFile.lines(file)).containsExactly("a", "b\u0085c\rd", "", " e\u2028f");
        write("a\n");
        assertThat(CheckpointFile.lines(file)).containsExactly("a");
        write("");
        assertThat(CheckpointFile.lines(file)).isEmpty();
    }
}
