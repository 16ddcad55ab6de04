/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The table of contents of a safetensors file: 8 bytes of length, then a JSON object of that many bytes.
 *
 * <p>Everything is checked before it is believed: the length against the file, offsets against each other (the tensors must
 * cover the data without gap or overlap), shapes against offsets, names against repetition. Reference: the {@code
 * safetensors} crate, whose rules these are.
 */
public final class SafetensorsHeader {
    private static final int LENGTH_BYTES = 8;
    private static final int POINTER_BYTES = 64;
    private static final long MAX_LENGTH = 100_000_000;
    private static final String METADATA = "__metadata__";
    private static final String DOWNLOAD_AGAIN = "; download or convert the file again";

    /** A header nests two levels deep; deeper ones are refused before they can hurt. */
    private static final JsonFactory JSON = JsonFactory.builder()
            .streamReadConstraints(
                    StreamReadConstraints.builder().maxNestingDepth(8).build())
            .build();

    private final Path file;
    private final long dataStart;
    private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    private final Map<String, String> metadata = new HashMap<>();

    private SafetensorsHeader(Path file, long dataStart) {
        this.file = file;
        this.dataStart = dataStart;
    }

    /**
     * Reads and checks a header.
     *
     * @param file    the file's path, for messages
     * @param channel the open file
     * @return the header
     * @throws IOException if the file cannot be read
     * @throws MalformedCheckpointException if the header is wrong
     */
    static SafetensorsHeader read(Path file, FileChannel channel) throws IOException {
        long size = channel.size();
        if (size < LENGTH_BYTES) {
            throw new MalformedCheckpointException(
                    file,
                    null,
                    0,
                    file.getFileName() + ": expected a safetensors file of at least 8 bytes, got " + size
                            + DOWNLOAD_AGAIN);
        }
        CheckpointFile.refusePointer(file, readFully(channel, 0, (int) Math.min(size, POINTER_BYTES)));
        long length = readFully(channel, 0, LENGTH_BYTES).getLong();
        if (length < 2 || length > MAX_LENGTH || length > size - LENGTH_BYTES) {
            throw new MalformedCheckpointException(
                    file,
                    null,
                    0,
                    file.getFileName() + ", byte 0: expected a header length from 2 to "
                            + Math.min(MAX_LENGTH, size - LENGTH_BYTES) + ", got " + Long.toUnsignedString(length)
                            + ": this is no safetensors file, or it is cut off" + DOWNLOAD_AGAIN);
        }
        if (length > CheckpointFile.largest()) {
            throw new MalformedCheckpointException(
                    file,
                    null,
                    0,
                    file.getFileName() + ", byte 0: expected a header of at most " + CheckpointFile.largest()
                            + " bytes with this heap, got " + length + "; start Java with a larger heap (-Xmx)");
        }
        ByteBuffer json = readFully(channel, LENGTH_BYTES, (int) length);
        SafetensorsHeader header = new SafetensorsHeader(file, LENGTH_BYTES + length);
        header.parse(json.array());
        header.checkCoverage(size);
        return header;
    }

    private static ByteBuffer readFully(FileChannel channel, long position, int count) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining() && channel.read(buffer, position + buffer.position()) >= 0) {
            // read until full
        }
        return buffer.flip();
    }

    /**
     * Gives the tensors.
     *
     * @return entries by name, in the order of the header
     */
    public Map<String, TensorInfo> tensors() {
        return Collections.unmodifiableMap(tensors);
    }

    /**
     * Gives the free-form metadata.
     *
     * @return the content of {@code __metadata__}, possibly empty
     */
    public Map<String, String> metadata() {
        return Collections.unmodifiableMap(metadata);
    }

    private void parse(byte[] json) throws IOException {
        if (json[0] != '{') {
            throw fault(null, LENGTH_BYTES, "expected '{', got byte " + (json[0] & 0xff));
        }
        try (JsonParser parser = JSON.createParser(json)) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String name = parser.currentName();
                long at = position(parser);
                parser.nextToken();
                if (name.equals(METADATA)) {
                    parseMetadata(parser);
                } else if (tensors.containsKey(name)) {
                    throw fault(name, at, "expected every name once, got it twice");
                } else {
                    tensors.put(name, parseTensor(parser, name, at));
                }
            }
            if (parser.nextToken() != null) {
                throw fault(null, position(parser), "expected nothing behind the closing '}'");
            }
        } catch (JsonProcessingException e) {
            long offset = e.getLocation() == null
                    ? LENGTH_BYTES
                    : LENGTH_BYTES + e.getLocation().getByteOffset();
            throw fault(null, offset, "expected JSON, got a syntax error: " + e.getOriginalMessage());
        }
    }

    private static long position(JsonParser parser) {
        return LENGTH_BYTES + parser.currentTokenLocation().getByteOffset();
    }

    private void parseMetadata(JsonParser parser) throws IOException {
        expect(parser, JsonToken.START_OBJECT, METADATA, "an object of texts");
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String key = parser.currentName();
            parser.nextToken();
            expect(parser, JsonToken.VALUE_STRING, METADATA, "a text for \"" + key + "\"");
            if (metadata.put(key, parser.getText()) != null) {
                throw fault(METADATA, position(parser), "expected every key once, got \"" + key + "\" twice");
            }
        }
    }

    private TensorInfo parseTensor(JsonParser parser, String name, long at) throws IOException {
        expect(parser, JsonToken.START_OBJECT, name, "an object with dtype, shape and data_offsets");
        DType dtype = null;
        long[] shape = null;
        long[] offsets = null;
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String key = parser.currentName();
            parser.nextToken();
            boolean again;
            switch (key) {
                case "dtype" -> {
                    again = dtype != null;
                    dtype = parseDtype(parser, name);
                }
                case "shape" -> {
                    again = shape != null;
                    shape = parseLongs(parser, name, key);
                }
                case "data_offsets" -> {
                    again = offsets != null;
                    offsets = parseLongs(parser, name, key);
                }
                default ->
                    throw fault(name, position(parser), "expected dtype, shape and data_offsets, got \"" + key + "\"");
            }
            if (again) {
                throw fault(name, position(parser), "expected \"" + key + "\" once, got it twice");
            }
        }
        if (dtype == null || shape == null || offsets == null || offsets.length != 2) {
            throw fault(name, at, "expected dtype, shape and two data_offsets, found not all of them");
        }
        return check(name, at, dtype, shape, offsets);
    }

    private DType parseDtype(JsonParser parser, String name) throws IOException {
        expect(parser, JsonToken.VALUE_STRING, name, "a text as dtype");
        String text = parser.getText();
        long at = position(parser);
        return DType.of(text)
                .orElseThrow(() -> fault(
                        name,
                        at,
                        "expected one of the dtypes " + Arrays.toString(DType.values()) + ", got \"" + text + '"'));
    }

    private long[] parseLongs(JsonParser parser, String name, String key) throws IOException {
        expect(parser, JsonToken.START_ARRAY, name, "a list as " + key);
        List<Long> values = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            boolean whole = parser.currentToken() == JsonToken.VALUE_NUMBER_INT
                    && parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER;
            if (!whole || parser.getLongValue() < 0) {
                throw fault(
                        name,
                        position(parser),
                        "expected whole numbers from 0 in " + key + ", got " + parser.getText());
            }
            values.add(parser.getLongValue());
        }
        return values.stream().mapToLong(Long::longValue).toArray();
    }

    private void expect(JsonParser parser, JsonToken token, String name, String what) throws IOException {
        if (parser.currentToken() != token) {
            throw fault(name, position(parser), "expected " + what + ", got " + parser.currentToken());
        }
    }

    private TensorInfo check(String name, long at, DType dtype, long[] shape, long[] offsets) {
        String span = "spans [" + offsets[0] + ", " + offsets[1] + "]: ";
        if (offsets[1] < offsets[0]) {
            throw fault(name, at, span + "it ends before it begins");
        }
        long bytes = dtype.bytes();
        try {
            for (long dim : shape) {
                bytes = Math.multiplyExact(bytes, dim);
            }
            Math.addExact(dataStart, offsets[1]);
        } catch (ArithmeticException e) {
            throw fault(name, at, "expected a size below 2^63 bytes, got shape " + Arrays.toString(shape));
        }
        if (bytes != offsets[1] - offsets[0]) {
            throw fault(
                    name,
                    at,
                    span + "expected " + bytes + " bytes for " + dtype + " " + Arrays.toString(shape) + ", got "
                            + (offsets[1] - offsets[0]));
        }
        return new TensorInfo(name, dtype, shape, dataStart + offsets[0], dataStart + offsets[1]);
    }

    /** The tensors, by offset, must follow each other from the first byte of the data to the last of the file. */
    private void checkCoverage(long size) {
        long expected = dataStart;
        List<TensorInfo> byOffset = new ArrayList<>(tensors.values());
        byOffset.sort(Comparator.comparingLong(TensorInfo::begin).thenComparingLong(TensorInfo::end));
        for (TensorInfo tensor : byOffset) {
            if (tensor.begin() != expected) {
                String fault =
                        tensor.begin() < expected ? "it overlaps the tensor before it" : "there is a hole before it";
                throw fault(
                        tensor.name(),
                        tensor.begin(),
                        "expected to begin at byte " + expected + " of the file, got " + tensor.begin() + ": " + fault);
            }
            expected = tensor.end();
        }
        if (expected != size) {
            String fault = expected > size ? ": the file is cut off" : ": there are bytes that belong to nothing";
            throw new MalformedCheckpointException(
                    file,
                    null,
                    Math.min(expected, size),
                    file.getFileName() + ": expected " + expected + " bytes by its header, got " + size + fault
                            + DOWNLOAD_AGAIN);
        }
    }

    private MalformedCheckpointException fault(String tensor, long offset, String text) {
        String what = file.getFileName() + ", header byte " + offset + ": "
                + (tensor == null ? "" : "tensor \"" + tensor + "\" ");
        return new MalformedCheckpointException(file, tensor, offset, what + text + DOWNLOAD_AGAIN);
    }
}
