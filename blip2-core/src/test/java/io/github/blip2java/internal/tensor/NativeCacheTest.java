/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Which folder native libraries are unpacked to. */
@DisabledOnOs(OS.WINDOWS)
class NativeCacheTest {
    @TempDir
    Path root;

    private Path folder(String name) throws IOException {
        return Files.createDirectory(root.resolve(name));
    }

    private static String mode(Path file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(file, LinkOption.NOFOLLOW_LINKS));
    }

    @Test
    void theLibrarysOwnFolderBelowTheHomeIsMadeForThisUserAlone() throws Exception {
        Path home = folder("home");
        Path cache = new NativeCache(Map.of(), home.toString(), folder("tmp")).folder(".javacpp/cache");
        assertThat(cache).isEqualTo(home.resolve(".javacpp/cache")).isEmptyDirectory();
        assertThat(mode(cache)).isEqualTo("rwx------");
        assertThat(mode(cache.getParent())).isEqualTo("rwx------");
    }

    @Test
    void aFolderOfThisUsersThatOthersMayWriteToIsClosedToThem() throws Exception {
        Path open = Files.createDirectories(folder("home").resolve(".javacpp/cache"));
        for (Path path : new Path[] {open, open.getParent()}) {
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxrwxrwx"));
        }
        assertThat(new NativeCache(Map.of(), root.resolve("home").toString(), folder("tmp")).folder(".javacpp/cache"))
                .isEqualTo(open);
        assertThat(mode(open)).isEqualTo("rwx------");
        assertThat(mode(open.getParent())).isEqualTo("rwx------");
    }

    @Test
    void withoutAHomeItIsBelowTheCacheFolderOrTheTemporaryOneWithTheUsersNumber() throws Exception {
        Path tmp = folder("tmp");
        Path cache = folder("cache");
        for (String home : new String[] {"?", "", root + "/nothing"}) {
            assertThat(new NativeCache(Map.of("XDG_CACHE_HOME", cache.toString()), home, tmp).folder(".djl.ai"))
                    .isEqualTo(cache.resolve("blip2/.djl.ai"));
            assertThat(new NativeCache(Map.of(), home, tmp).folder(".djl.ai"))
                    .isEqualTo(tmp.resolve("blip2-" + Files.getAttribute(root, "unix:uid") + "/.djl.ai"));
        }
        assertThat(Path.of("?")).doesNotExist();
    }

    @Test
    void aLinkThatSomebodyPreparedIsNotFollowed() throws Exception {
        Path home = folder("home");
        Path tmp = folder("tmp");
        Files.createSymbolicLink(home.resolve(".javacpp"), folder("prepared"));
        Files.createSymbolicLink(
                tmp.resolve("blip2-" + Files.getAttribute(root, "unix:uid")), root.resolve("prepared"));
        Path found = new NativeCache(Map.of(), home.toString(), tmp).folder(".javacpp/cache");
        assertThat(found.getFileName().toString()).startsWith("blip2-");
        assertThat(mode(found)).isEqualTo("rwx------");
        assertThat(root.resolve("prepared")).isEmptyDirectory();
    }
}
