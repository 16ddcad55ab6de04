/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.util.Locale;
import java.util.stream.Stream;

/** Standard output that knows why writing failed, which {@link PrintWriter} and {@link System#out} keep to themselves. */
final class Output extends PrintWriter {
    private final Remembering target;

    private Output(Remembering target, Charset charset) {
        super(new OutputStreamWriter(target, charset));
        this.target = target;
    }

    static Output standard() {
        return to(new FileOutputStream(FileDescriptor.out), charset());
    }

    static Output to(OutputStream stream, Charset charset) {
        return new Output(new Remembering(stream), charset);
    }

    /** The names under which Java 17 and newer tell it; the last is always there. */
    static Charset charset() {
        return Stream.of("stdout.encoding", "sun.stdout.encoding", "native.encoding")
                .map(System::getProperty)
                .filter(name -> name != null && Charset.isSupported(name))
                .findFirst()
                .map(Charset::forName)
                .orElse(Charset.defaultCharset());
    }

    /**
     * Writes out what was printed.
     *
     * @throws FailedException if it did not get through
     */
    static void flush(PrintWriter out) {
        if (out.checkError()) { // flushes
            throw new FailedException(out instanceof Output output ? output.target.failure : null);
        }
    }

    private static final class Remembering extends FilterOutputStream {
        private volatile IOException failure;

        Remembering(OutputStream target) {
            super(target);
        }

        @Override
        public void write(byte[] bytes, int from, int count) throws IOException {
            try {
                out.write(bytes, from, count);
            } catch (IOException e) {
                failure = e;
                throw e;
            }
        }
    }

    /** Results cannot be written, so that there is no use in going on. */
    static final class FailedException extends RuntimeException {
        private static final long serialVersionUID = 1;

        FailedException(IOException cause) {
            super(
                    "standard output: expected to write results, got \""
                            + (cause == null ? "an error" : cause.getMessage())
                            + "\"; make room on the disk or name another file, and start again",
                    cause);
        }

        /** Tells whether whoever read the results wants no more, as {@code head} does: no fault of anybody's. */
        boolean isClosedPipe() {
            // "Broken pipe" where messages are English, "The pipe is being closed" on Windows.
            return getCause() != null
                    && String.valueOf(getCause().getMessage())
                            .toLowerCase(Locale.ROOT)
                            .contains("pipe");
        }
    }
}
