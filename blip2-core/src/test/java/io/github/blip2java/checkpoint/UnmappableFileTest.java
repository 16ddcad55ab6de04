/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files on file systems that cannot map, such as some of containers, networks and archives: they are read. */
class UnmappableFileTest {
    @TempDir
    Path directory;

    @Test
    void aFileSystemThatCannotMapIsReadInstead() throws IOException {
        Path path = TestFiles.vectors(directory, "zero", "w");
        try (SafetensorsFile file = SafetensorsFile.of(path, new Unmappable(FileChannel.open(path)));
                WeightMemory memory = new WeightMemory()) {
            ByteBuffer bytes = new StoredTensor(file, file.tensors().get("w"), memory).map();
            assertThat(bytes.isReadOnly()).isTrue();
            assertThat(bytes.capacity()).isEqualTo(8);
            assertThat(bytes.getFloat(4)).isEqualTo(1.5f);
            assertThat(file.map("w").getFloat(4)).isEqualTo(1.5f);
        }
    }

    @Test
    void aFileInAnArchiveIsReadWhereJavaCannotMapIt() throws IOException {
        try (FileSystem zip = FileSystems.newFileSystem(directory.resolve("models.zip"), Map.of("create", "true"))) {
            Path folder = Files.createDirectory(zip.getPath("/model"));
            Files.copy(TestFiles.vectors(directory, "w"), folder.resolve("model.safetensors"));
            try (Checkpoint checkpoint = Checkpoint.open(folder)) {
                assertThat(checkpoint.tensor("w").map().getFloat(4)).isEqualTo(0.5f);
                checkpoint.checkLengths();
            }
        }
    }

    @Test
    void aFileThatBecameShorterBeforeItIsMappedIsNamed() throws IOException {
        Path path = TestFiles.vectors(directory, "w");
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            long size = Files.size(path);
            try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
                channel.truncate(size - 1);
            }
            assertThatThrownBy(() -> checkpoint.tensor("w").map())
                    .isInstanceOf(MalformedCheckpointException.class)
                    .hasMessage("model.safetensors: it became shorter while it was read; load it again");
        }
    }

    /** An open file that cannot be mapped, as Linux tells it of one whose file system has no memory mapping. */
    private static final class Unmappable extends FileChannel {
        private final FileChannel file;

        Unmappable(FileChannel file) {
            this.file = file;
        }

        @Override
        public MappedByteBuffer map(MapMode mode, long position, long size) throws IOException {
            throw new IOException("No such device");
        }

        @Override
        public int read(ByteBuffer target) throws IOException {
            return file.read(target);
        }

        @Override
        public long read(ByteBuffer[] targets, int offset, int length) throws IOException {
            return file.read(targets, offset, length);
        }

        @Override
        public int read(ByteBuffer target, long position) throws IOException {
            return file.read(target, position);
        }

        @Override
        public long position() throws IOException {
            return file.position();
        }

        @Override
        public FileChannel position(long position) throws IOException {
            return file.position(position);
        }

        @Override
        public long size() throws IOException {
            return file.size();
        }

        @Override
        protected void implCloseChannel() throws IOException {
            file.close();
        }

        @Override
        public int write(ByteBuffer source) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long write(ByteBuffer[] sources, int offset, int length) {
            throw new UnsupportedOperationException();
        }

        @Override
        public int write(ByteBuffer source, long position) {
            throw new UnsupportedOperationException();
        }

        @Override
        public FileChannel truncate(long size) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void force(boolean metaData) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long transferTo(long position, long count, WritableByteChannel target) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long transferFrom(ReadableByteChannel source, long position, long count) {
            throw new UnsupportedOperationException();
        }

        @Override
        public FileLock lock(long position, long size, boolean shared) {
            throw new UnsupportedOperationException();
        }

        @Override
        public FileLock tryLock(long position, long size, boolean shared) {
            throw new UnsupportedOperationException();
        }
    }
}
