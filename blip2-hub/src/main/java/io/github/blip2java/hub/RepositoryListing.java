/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The files of a repository at one commit.
 *
 * @param commit 40 hexadecimal digits
 * @param files  all files; without sizes and hashes where a mirror does not tell them
 */
record RepositoryListing(String commit, List<RepositoryFile> files) {
    private static final String COMMIT = "[0-9a-f]{40}";

    /**
     * Reads what {@code /api/models/ID/revision/REVISION?blobs=true} answers.
     *
     * @return empty if it is something else
     */
    static Optional<RepositoryListing> of(JsonNode json) {
        String commit = json.path("sha").asText();
        if (!commit.matches(COMMIT) || !json.path("siblings").isArray()) {
            return Optional.empty();
        }
        List<RepositoryFile> files = new ArrayList<>();
        for (JsonNode file : json.path("siblings")) {
            JsonNode lfs = file.path("lfs");
            String blobId = file.path("blobId").asText();
            String sha256 = lfs.path("sha256").asText();
            boolean known = RepositoryFile.isSha1(blobId)
                    && (lfs.isMissingNode() || lfs.isNull() || RepositoryFile.isSha256(sha256));
            files.add(new RepositoryFile(
                    file.path("rfilename").asText(),
                    known ? lfs.path("size").asLong(file.path("size").asLong(-1)) : -1,
                    known ? blobId : null,
                    known && !sha256.isEmpty() ? sha256 : null));
        }
        return Optional.of(new RepositoryListing(commit, List.copyOf(files)));
    }

    /** Whether sizes and hashes of all files are known. */
    boolean complete() {
        return files.stream().allMatch(file -> file.size() >= 0 && file.blobId() != null);
    }

    Optional<RepositoryFile> file(String path) {
        return files.stream().filter(file -> file.path().equals(path)).findFirst();
    }

    List<String> names() {
        return files.stream().map(RepositoryFile::path).toList();
    }

    static boolean isCommit(String text) {
        return text.matches(COMMIT);
    }
}
