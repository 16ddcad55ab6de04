/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The list of a commit's files in the cache, {@code trees/COMMIT.json}: it says offline whether a snapshot is whole.
 *
 * <p>Reference: {@code huggingface_hub._tree_cache}, version 1 of its format.
 */
final class TreeFile {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final int VERSION = 1;

    private TreeFile() {}

    /**
     * Reads a list.
     *
     * @return empty if there is none, or one that a newer or a broken program wrote, or one of another user's, as Python lets nobody
     *     else read it: it can be had again from the Hub
     */
    static Optional<RepositoryListing> read(Path file, String commit) {
        JsonNode json;
        try {
            json = MAPPER.readTree(Files.readAllBytes(file));
        } catch (IOException e) {
            return Optional.empty();
        }
        if (json.path("format_version").asInt() != VERSION
                || !json.path("files").isObject()) {
            return Optional.empty();
        }
        List<RepositoryFile> files = new ArrayList<>();
        json.path("files").properties().forEach(entry -> {
            JsonNode value = entry.getValue();
            files.add(new RepositoryFile(
                    entry.getKey(),
                    value.path("lfs_size").asLong(value.path("size").asLong(-1)),
                    value.path("blob_id").asText(null),
                    value.path("lfs_sha256").asText(null)));
        });
        RepositoryListing listing = new RepositoryListing(commit, List.copyOf(files));
        return listing.complete() ? Optional.of(listing) : Optional.empty();
    }

    /** Leaves a file that is there: it may know more, such as hashes of Xet. */
    static void write(Path file, RepositoryListing listing) throws IOException {
        if (!listing.complete() || read(file, listing.commit()).isPresent()) {
            return;
        }
        ObjectNode json = MAPPER.createObjectNode().put("format_version", VERSION);
        ObjectNode files = json.putObject("files");
        listing.files().stream()
                .sorted(Comparator.comparing(RepositoryFile::path))
                .forEach(entry -> {
                    ObjectNode value = files.putObject(entry.path())
                            .put("size", entry.size())
                            .put("blob_id", entry.blobId());
                    if (entry.sha256() != null) {
                        value.put("lfs_sha256", entry.sha256()).put("lfs_size", entry.size());
                    }
                });
        AtomicFiles.write(file, MAPPER.writerWithDefaultPrettyPrinter().writeValueAsBytes(json));
    }
}
