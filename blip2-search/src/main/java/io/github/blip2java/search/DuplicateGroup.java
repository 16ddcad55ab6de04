/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Pictures that look alike: each is at least as near to some other of them as was asked for.
 *
 * @param pictures two or more, in the order of their paths
 */
public record DuplicateGroup(List<Member> pictures) {
    /**
     * One of them.
     *
     * @param file the file
     * @param path its path below the folder, with {@code /} between names
     * @param cosine with the first of the group
     * @param copyOf the path of an earlier one that has the same bytes; empty where none has
     */
    public record Member(Path file, String path, float cosine, Optional<String> copyOf) {}
}
