/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

import java.nio.file.Path;
import java.time.Duration;

/**
 * How an index is kept.
 *
 * @param location the folder of its files, or null for {@link PictureIndex#FOLDER} in the folder of pictures
 * @param rebuild whether to begin anew at the first refresh, whatever is there
 * @param commitAfter how much work may be lost when the process is killed: encoded pictures are made durable this often
 */
public record IndexOptions(Path location, boolean rebuild, Duration commitAfter) {
    /** Half a minute of work at most. */
    public static final Duration DEFAULT_COMMIT_AFTER = Duration.ofSeconds(30);

    /**
     * Checks the values.
     *
     * @param location any folder, or null
     * @param rebuild either
     * @param commitAfter 0 or more
     * @throws IllegalArgumentException when {@code commitAfter} is negative
     */
    public IndexOptions {
        if (commitAfter.isNegative()) {
            throw new IllegalArgumentException("commitAfter: expected 0 or more, got " + commitAfter);
        }
    }

    /** {@return an index in the folder of pictures, gone on with where there is one} */
    public static IndexOptions defaults() {
        return new IndexOptions(null, false, DEFAULT_COMMIT_AFTER);
    }

    /**
     * Keeps the index elsewhere.
     *
     * @param folder for this index alone
     * @return new options
     */
    public IndexOptions withLocation(Path folder) {
        return new IndexOptions(folder, rebuild, commitAfter);
    }

    /**
     * Chooses whether to begin anew.
     *
     * @param anew whether what is there is dropped at the first refresh
     * @return new options
     */
    public IndexOptions withRebuild(boolean anew) {
        return new IndexOptions(location, anew, commitAfter);
    }

    /**
     * Chooses how much work may be lost.
     *
     * @param work time between two commits
     * @return new options
     * @throws IllegalArgumentException when it is negative
     */
    public IndexOptions withCommitAfter(Duration work) {
        return new IndexOptions(location, rebuild, work);
    }
}
