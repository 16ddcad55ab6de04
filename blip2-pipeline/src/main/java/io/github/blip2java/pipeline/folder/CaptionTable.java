/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline.folder;

import io.github.blip2java.pipeline.GeneratedText;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * A file with a row for each picture and question, which grows row by row. What a run that was stopped left is kept: rows that are there are
 * not made again, unless the picture has another size or another time of its last change; a last row that was cut off is taken away.
 *
 * <p>A row that takes the place of an older one stands at the end, and the older one goes when the table is closed. Of two processes that
 * write to one table the second is refused. Names of the pictures in it are held in memory, about 200 bytes for each.
 */
public final class CaptionTable implements CaptionStore {
    /** How often what was written is forced to the disk, beside the end. */
    private static final long SYNC_NANOS = TimeUnit.SECONDS.toNanos(10);

    /** Letters of a foreign line that a message shows. */
    private static final int SHOWN = 40;

    private final Path file;
    private final Rows rows;
    private final FileChannel channel;
    private final Map<String, Place> places = new HashMap<>();
    /** Numbers of rows that others took the place of. */
    private final Set<Long> superseded = new HashSet<>();

    private long count;
    private boolean repaired;
    /** Whether what is there goes with the first row. */
    private boolean replaces;

    private long synced = System.nanoTime();

    /** The number of a row, and what it is about. */
    private record Place(long row, long size, long modified) {}

    private CaptionTable(Path file, Rows rows, FileChannel channel) {
        this.file = file;
        this.rows = rows;
        this.channel = channel;
    }

    /**
     * Opens a table, or makes one.
     *
     * @param file      where it is
     * @param format    how it is written
     * @param questions whether rows hold questions
     * @param anew      whether the first row takes the place of all that is there
     * @return the table, locked until it is closed
     * @throws IOException when the file cannot be opened, is in use by another process, or holds something else, which then stays
     */
    public static CaptionTable open(Path file, TableFormat format, boolean questions, boolean anew) throws IOException {
        if (Files.isDirectory(file)) {
            throw new IOException(file + ": expected the name of a file, got a folder; name a file in it");
        }
        FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            lock(channel, file);
            CaptionTable table = new CaptionTable(file.toRealPath(), Rows.of(format, questions), channel);
            table.replaces = anew;
            if (!anew) {
                table.goOn(file);
            }
            return table;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static void lock(FileChannel channel, Path file) throws IOException {
        FileLock lock;
        try {
            lock = channel.tryLock();
        } catch (OverlappingFileLockException e) { // by this process
            lock = null;
        } catch (IOException e) { // a file system without locks
            return;
        }
        if (lock == null) {
            throw new IOException(file + ": expected a file that nobody else writes to, got one in use; wait for the"
                    + " other run, or choose another name");
        }
    }

    /** Takes in what is there, and stands behind its last row. */
    private void goOn(Path name) throws IOException {
        RowReader reader = new RowReader(Channels.newInputStream(channel.position(0)), rows);
        boolean headed = rows.header().isEmpty();
        String row;
        while ((row = reader.next()) != null) {
            if (headed) {
                take(row, name);
            } else if (row.stripTrailing().equals(rows.header().stripTrailing())) {
                headed = true;
            } else {
                throw foreign(name, row);
            }
        }
        channel.position(reader.end());
        if (reader.restBytes() > 0) {
            finish(reader.rest(), headed, name);
        }
        if (channel.position() == 0) {
            append(rows.header());
        }
    }

    private void take(String row, Path name) throws IOException {
        CaptionRow parsed = rows.parse(row);
        if (parsed == null) {
            throw foreign(name, row);
        }
        place(parsed.name(), parsed.question(), parsed.size(), parsed.modified().toEpochMilli());
    }

    /** What stands behind the last line break: a row that lacks nothing else, or one that was cut off. */
    private void finish(String rest, boolean headed, Path name) throws IOException {
        if (headed && rows.parse(rest) != null) {
            take(rest, name);
            channel.position(channel.size());
            append("\n");
        } else if (rest.startsWith(rows.start(headed)) || rows.start(headed).startsWith(rest)) {
            channel.truncate(channel.position());
            repaired = true;
        } else {
            throw foreign(name, rest);
        }
    }

    private IOException foreign(Path name, String row) {
        String shown = row.strip();
        return new IOException(
                name + ", row " + (count + 1) + ": expected a row as this program writes it, beginning with "
                        + (rows.header().isEmpty() ? rows.start(true) : rows.header()).strip() + ", got "
                        + (shown.length() > SHOWN ? shown.substring(0, SHOWN) + "…" : shown)
                        + "; nothing was changed, choose another name");
    }

    private void place(String name, String question, long size, long modified) {
        Place before = places.put(key(name, question), new Place(count++, size, modified));
        if (before != null) {
            superseded.add(before.row);
        }
    }

    private static String key(String name, String question) {
        return question == null ? name : name + '\0' + question;
    }

    /** {@return whether the last row was found cut off, and was taken away} */
    public boolean repaired() {
        return repaired;
    }

    @Override
    public boolean isDone(PictureFile picture, String question) {
        Place place = places.get(key(picture.name(), question));
        return place != null
                && (place.size < 0
                        || place.size == picture.size()
                                && place.modified == picture.modified().toEpochMilli());
    }

    @Override
    public void write(PictureFile picture, String question, GeneratedText text) throws IOException {
        if (replaces) {
            channel.truncate(0).position(0);
            append(rows.header());
            replaces = false;
        }
        append(rows.row(picture, question, text));
        place(picture.name(), question, picture.size(), picture.modified().toEpochMilli());
        if (System.nanoTime() - synced > SYNC_NANOS) {
            channel.force(false);
            synced = System.nanoTime();
        }
    }

    private void append(String text) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
        long start = channel.position();
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            channel.truncate(start); // whole rows stay
            throw new IOException(
                    file + ": expected to write results, got \"" + e.getMessage()
                            + "\"; make room on the disk, and start the same again",
                    e);
        }
    }

    /**
     * Reads a table that nobody writes to.
     *
     * @param file      the table
     * @param format    how it is written
     * @param questions whether its rows hold questions
     * @param use       hears of its rows, the first one first
     * @throws IOException when it cannot be read
     */
    public static void read(Path file, TableFormat format, boolean questions, Consumer<CaptionRow> use)
            throws IOException {
        Rows rows = Rows.of(format, questions);
        try (InputStream stream = Files.newInputStream(file)) {
            RowReader reader = new RowReader(stream, rows);
            String row = rows.header().isEmpty() ? reader.next() : skipped(reader);
            for (; row != null; row = reader.next()) {
                CaptionRow parsed = rows.parse(row);
                if (parsed != null) {
                    use.accept(parsed);
                }
            }
        }
    }

    private static String skipped(RowReader reader) throws IOException {
        reader.next();
        return reader.next();
    }

    /** Drops rows that others took the place of; forces all to the disk. */
    @Override
    public void close() throws IOException {
        try (channel) {
            if (channel.isOpen()) {
                channel.force(true);
                if (!superseded.isEmpty()) {
                    rewrite();
                }
            }
        }
    }

    private void rewrite() throws IOException {
        Path fresh = file.resolveSibling("." + file.getFileName() + ".new");
        try (FileChannel target = FileChannel.open(
                fresh, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            OutputStream out = new BufferedOutputStream(Channels.newOutputStream(target), 1 << 16);
            RowReader reader = new RowReader(Channels.newInputStream(channel.position(0)), rows);
            long number = rows.header().isEmpty() ? 0 : -1;
            for (String row = reader.next(); row != null; row = reader.next(), number++) {
                if (!superseded.contains(number)) {
                    out.write(row.getBytes(StandardCharsets.UTF_8));
                }
            }
            out.flush();
            target.force(true);
        }
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
        superseded.clear();
    }
}
