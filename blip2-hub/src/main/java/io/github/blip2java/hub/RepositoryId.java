/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The name of a model's repository on the Hub, {@code OWNER/NAME}.
 *
 * <p>Reference: {@code huggingface_hub.utils._validators.validate_repo_id}, but for names without an owner, which no BLIP-2 has.
 *
 * @param owner a user or an organisation
 * @param name  the repository
 */
public record RepositoryId(String owner, String name) {
    private static final Pattern PART = Pattern.compile("[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?");
    private static final Pattern REVISION =
            Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.+-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.+-]*)*");

    /**
     * Checks the parts.
     *
     * @param owner as above
     * @param name  as above
     * @throws IllegalArgumentException if they cannot be a name on the Hub
     */
    public RepositoryId {
        if (!isPart(owner) || !isPart(name) || name.endsWith(".git")) {
            throw new IllegalArgumentException(
                    "repository: expected OWNER/NAME, each of up to 96 letters, digits, and single"
                            + " '-', '_' or '.' between them, got \"" + owner + '/' + name + '"');
        }
    }

    /**
     * Reads {@code OWNER/NAME}.
     *
     * @param text what somebody typed
     * @return the name
     * @throws IllegalArgumentException if it cannot be one
     */
    public static RepositoryId of(String text) {
        int slash = text.indexOf('/');
        return slash < 0
                ? new RepositoryId("", text)
                : new RepositoryId(text.substring(0, slash), text.substring(slash + 1));
    }

    static Optional<RepositoryId> parse(String text) {
        try {
            return Optional.of(of(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** A branch, tag, pull request ({@code refs/pr/1}) or commit; it becomes a part of paths, so it must not climb. */
    static boolean isRevision(String text) {
        return REVISION.matcher(text).matches() && !text.contains("..") && text.length() <= 255;
    }

    private static boolean isPart(String text) {
        return PART.matcher(text).matches() && !text.contains("--") && !text.contains("..");
    }

    /** Its folder in the cache. */
    String folder() {
        return "models--" + owner + "--" + name;
    }

    @Override
    public String toString() {
        return owner + '/' + name;
    }
}
