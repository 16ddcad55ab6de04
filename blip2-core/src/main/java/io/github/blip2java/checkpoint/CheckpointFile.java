/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The small files of a checkpoint folder, read whole: JSON, text and bytes.
 *
 * <p>What a file may do is bounded before it is read: its size by the heap, its nesting by a constant. A byte order mark and
 * line ends of Windows are accepted; a pointer of Git LFS in place of the file is named as what it is.
 */
public final class CheckpointFile {
    private static final long LARGEST = 100_000_000;

    /** Measured: at worst, with many small objects, Java needs some forty times the bytes of a JSON file. */
    private static final int GROWTH = 64;

    private static final String POINTER = "version https://git-lfs.github.com/spec/";
    private static final String DOWNLOAD_AGAIN = "; download it again";
    private static final char BYTE_ORDER_MARK = '\ufeff';
    private static final int MOST_SHOWN = 200;

    /** Names are not interned: a vocabulary has a hundred thousand, and none is looked up twice. */
    private static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(64)
                            .maxStringLength((int) LARGEST)
                            .build())
                    .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                    .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private CheckpointFile() {}

    /**
     * Reads a file.
     *
     * @param file a file of at most 100 MB, and at most a 64th of Java's heap
     * @return its bytes
     * @throws IOException if it is missing or unreadable
     * @throws MalformedCheckpointException if it is larger, or a pointer of Git LFS
     */
    public static byte[] bytes(Path file) throws IOException {
        if (!Files.exists(file)) {
            throw Unreadable.missing(
                    file,
                    "expected a configuration file, found none; pass a folder downloaded from the Hugging Face Hub");
        }
        if (!Files.isRegularFile(file)) {
            throw new IOException(file + ": expected a file, got a folder or a device; download it again");
        }
        long most = largest();
        byte[] bytes;
        try (InputStream stream = Files.newInputStream(file)) {
            bytes = Files.size(file) > most ? null : stream.readNBytes((int) most + 1);
        } catch (AccessDeniedException e) {
            throw Unreadable.denied(file);
        }
        if (bytes == null || bytes.length > most) {
            throw new MalformedCheckpointException(
                    file,
                    file.getFileName() + ": expected at most " + most + " bytes with this heap, got " + Files.size(file)
                            + "; download it again, or start Java with a larger heap (-Xmx)");
        }
        refusePointer(file, ByteBuffer.wrap(bytes));
        return bytes;
    }

    static long largest() {
        return Math.min(LARGEST, Runtime.getRuntime().maxMemory() / GROWTH);
    }

    /** Refuses what Git leaves in place of a large file when Git LFS is not installed. */
    static void refusePointer(Path file, ByteBuffer start) {
        byte[] head = new byte[Math.min(start.remaining(), POINTER.length())];
        start.get(start.position(), head);
        if (new String(head, StandardCharsets.ISO_8859_1).equals(POINTER)) {
            throw new MalformedCheckpointException(
                    file,
                    file.getFileName()
                            + ": expected the file itself, got a pointer of Git LFS to it; run: git lfs pull");
        }
    }

    /**
     * Reads a text file.
     *
     * @param file as for {@link #bytes}, in UTF-8
     * @return its text, without a byte order mark
     * @throws IOException if it is missing or unreadable
     * @throws MalformedCheckpointException if it is too large, a pointer of Git LFS, or not UTF-8
     */
    public static String text(Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(bytes(file));
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
            return !text.isEmpty() && text.charAt(0) == BYTE_ORDER_MARK ? text.substring(1) : text;
        } catch (CharacterCodingException e) {
            throw new MalformedCheckpointException(
                    file,
                    null,
                    bytes.position(),
                    file.getFileName() + ", byte " + bytes.position() + ": expected UTF-8, got byte "
                            + (bytes.get(bytes.position()) & 0xff) + DOWNLOAD_AGAIN);
        }
    }

    /**
     * Reads the lines of a text file, as Rust's {@code BufRead::lines} does: a line ends with a line feed, alone or behind a
     * carriage return, and nothing else.
     *
     * @param file as for {@link #text}
     * @return the lines; no empty one behind the last line end
     * @throws IOException if it is missing or unreadable
     * @throws MalformedCheckpointException as {@link #text} does
     */
    public static List<String> lines(Path file) throws IOException {
        String text = text(file);
        List<String> lines = new ArrayList<>();
        for (int start = 0; start < text.length(); ) {
            int feed = text.indexOf('\n', start);
            int next = feed < 0 ? text.length() : feed + 1;
            int end = feed < 0 ? next : feed > start && text.charAt(feed - 1) == '\r' ? feed - 1 : feed;
            lines.add(text.substring(start, end));
            start = next;
        }
        return lines;
    }

    /**
     * Reads a JSON object.
     *
     * @param file as for {@link #text}, JSON without extensions, no key twice in an object, at most 64 levels deep
     * @return the object
     * @throws IOException if it is missing or unreadable
     * @throws MalformedCheckpointException if it is anything else; says in which line and column
     */
    public static ObjectNode json(Path file) throws IOException {
        String text = text(file);
        if (text.isBlank()) {
            throw new MalformedCheckpointException(
                    file, file.getFileName() + ": expected a JSON object, got an empty file" + DOWNLOAD_AGAIN);
        }
        try {
            JsonNode node = JSON.readTree(text);
            if (node instanceof ObjectNode object) {
                return object;
            }
            throw new MalformedCheckpointException(
                    file, file.getFileName() + ": expected a JSON object, got " + shown(node) + DOWNLOAD_AGAIN);
        } catch (JsonProcessingException e) {
            JsonLocation at = e.getLocation();
            String place = at == null ? "" : ", line " + at.getLineNr() + ", column " + at.getColumnNr();
            throw new MalformedCheckpointException(
                    file,
                    file.getFileName() + place + ": expected JSON, got a syntax error: "
                            + shown(e.getOriginalMessage().replaceAll("\\[Source: [^;]*; ", "["))
                            + DOWNLOAD_AGAIN);
        }
    }

    /**
     * Shortens a value for a message.
     *
     * @param value any value, such as one of a file
     * @return its text, or the beginning of a long one
     */
    public static String shown(Object value) {
        String text = String.valueOf(value);
        return text.length() <= MOST_SHOWN ? text : text.substring(0, MOST_SHOWN) + "…";
    }
}
