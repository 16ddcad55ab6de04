/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import java.nio.file.Path;
import java.util.List;

/**
 * What would be downloaded.
 *
 * @param repository   whose files
 * @param revision     the branch, tag or commit that was asked for
 * @param commit       the commit it stands for now, 40 hexadecimal digits
 * @param files        the names of all files that the model needs, those that are there too
 * @param totalBytes   the size of all these files
 * @param missingBytes how many bytes of them are not on the disk yet
 * @param cache        the folder of the Hub's cache that they go to
 */
public record DownloadPlan(
        RepositoryId repository,
        String revision,
        String commit,
        List<String> files,
        long totalBytes,
        long missingBytes,
        Path cache) {
    /**
     * Copies the list.
     *
     * @param repository   as above
     * @param revision     as above
     * @param commit       as above
     * @param files        as above
     * @param totalBytes   as above
     * @param missingBytes as above
     * @param cache        as above
     */
    public DownloadPlan {
        files = List.copyOf(files);
    }

    /** {@return the size of what is missing, for people: {@code 15.5 GB}} */
    public String missing() {
        return Bytes.shown(missingBytes);
    }
}
