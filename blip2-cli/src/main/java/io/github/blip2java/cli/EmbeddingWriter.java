/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Writes embeddings one after the other, as JSON Lines or as one NumPy array. */
abstract class EmbeddingWriter implements Closeable {
    /** What is written. */
    enum Format {
        JSONL,
        NPY
    }

    /**
     * Begins.
     *
     * @param file  a file that is not there yet; null for standard output
     * @param out   standard output, for text
     * @param rows  how many there will be
     * @param shape of each: {@code [width]} or {@code [queries, width]}
     */
    static EmbeddingWriter open(Format format, Path file, PrintWriter out, int rows, int... shape) throws IOException {
        OutputStream stream = file == null ? null : new BufferedOutputStream(create(file));
        if (format == Format.NPY) {
            OutputStream bytes =
                    stream == null ? new BufferedOutputStream(new FileOutputStream(FileDescriptor.out)) : stream;
            return new NumPyArray(bytes, file, rows, shape);
        }
        return new JsonLines(
                stream == null ? out : Output.to(stream, StandardCharsets.UTF_8), stream != null, shape.length > 1);
    }

    private static OutputStream create(Path file) throws IOException {
        try {
            return Files.newOutputStream(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        } catch (FileAlreadyExistsException e) {
            throw e; // told by the program as for other commands
        } catch (IOException e) {
            throw new IOException("--output: " + file + ": expected a file that can be written, got " + e, e);
        }
    }

    /**
     * Writes the next row.
     *
     * @param kind what was embedded: file or text
     * @param name which one
     */
    abstract void write(String kind, String name, float[]... vectors) throws IOException;

    /** Keeps the place of what could not be read, where places matter. */
    abstract void writeNothing() throws IOException;

    private static final class JsonLines extends EmbeddingWriter {
        private final PrintWriter out;
        private final boolean own;
        private final boolean several;

        JsonLines(PrintWriter out, boolean own, boolean several) {
            this.out = out;
            this.own = own;
            this.several = several;
        }

        @Override
        void write(String kind, String name, float[]... vectors) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put(kind, name);
            fields.put("embedding", several ? vectors : vectors[0]);
            out.println(TextPrinter.json(fields));
            Output.flush(out);
        }

        @Override
        void writeNothing() {}

        @Override
        public void close() {
            if (own) {
                out.close();
            }
        }
    }

    /** Format 1.0 of {@code numpy.lib.format}. */
    private static final class NumPyArray extends EmbeddingWriter {
        private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
        private static final int ALIGNMENT = 64;

        private final OutputStream out;
        private final Path file;
        private final float[] missing;

        NumPyArray(OutputStream out, Path file, int rows, int... shape) throws IOException {
            this.out = out;
            this.file = file;
            this.missing = new float[Arrays.stream(shape).reduce(1, Math::multiplyExact)];
            Arrays.fill(missing, Float.NaN);
            String sizes = IntStream.concat(IntStream.of(rows), Arrays.stream(shape))
                    .mapToObj(Integer::toString)
                    .collect(Collectors.joining(", "));
            String dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + sizes + "), }";
            int used = MAGIC.length + Short.BYTES + dictionary.length() + 1;
            byte[] header = (dictionary + " ".repeat(-used & ALIGNMENT - 1) + "\n").getBytes(StandardCharsets.US_ASCII);
            ByteBuffer begin = ByteBuffer.allocate(MAGIC.length + Short.BYTES + header.length)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .put(MAGIC)
                    .putShort((short) header.length)
                    .put(header);
            write(begin);
        }

        @Override
        void write(String kind, String name, float[]... vectors) throws IOException {
            for (float[] vector : vectors) {
                ByteBuffer bytes =
                        ByteBuffer.allocate(vector.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
                bytes.asFloatBuffer().put(vector);
                write(bytes);
            }
        }

        @Override
        void writeNothing() throws IOException {
            write(null, null, missing);
        }

        private void write(ByteBuffer bytes) throws IOException {
            try {
                out.write(bytes.array());
            } catch (IOException e) {
                throw failure(e);
            }
        }

        private IOException failure(IOException e) {
            if (file == null) {
                throw new Output.FailedException(e);
            }
            return new IOException(
                    file + ": expected to write embeddings, got \"" + e.getMessage()
                            + "\"; make room on the disk or name another file, and start again",
                    e);
        }

        @Override
        public void close() throws IOException {
            try {
                out.close();
            } catch (IOException e) {
                throw failure(e);
            }
        }
    }
}
