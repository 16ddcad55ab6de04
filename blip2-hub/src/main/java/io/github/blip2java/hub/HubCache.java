/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;

/** The cache of {@code huggingface_hub}: a folder for each repository, and locks. */
class HubCache {
    /** Reference: {@code _create_cachedir_tag}; the first line is what tools for backups look for (bford.info/cachedir). */
    private static final String TAG = "Signature: 8a477f597d28d172789f06886806bc55\n"
            + "# This file is a cache directory tag created by blip2-java for the cache of huggingface_hub.\n";

    private final Path folder;
    private final boolean links;

    HubCache(HubEnvironment environment) {
        this.folder = environment.cache();
        this.links = !environment.linksDisabled();
    }

    Path folder() {
        return folder;
    }

    CachedRepository repository(RepositoryId id) {
        return new CachedRepository(
                folder.resolve(id.folder()), folder.resolve(".locks").resolve(id.folder()), links);
    }

    /** Makes the folder, with the tag that keeps it out of backups. */
    void create() throws IOException {
        Files.createDirectories(folder);
        Path tag = folder.resolve("CACHEDIR.TAG");
        if (!Files.exists(tag)) {
            AtomicFiles.write(tag, TAG.getBytes(StandardCharsets.US_ASCII));
        }
    }

    /** How many bytes fit on its disk. */
    long free() throws IOException {
        Path there = folder;
        while (!Files.exists(there)) {
            there = there.getParent();
        }
        FileStore store = Files.getFileStore(there);
        return store.getUsableSpace();
    }
}
