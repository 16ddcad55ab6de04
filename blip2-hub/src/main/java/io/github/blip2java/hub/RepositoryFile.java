/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.regex.Pattern;

/**
 * A file of a repository at one commit.
 *
 * @param path   its name in the repository
 * @param size   in bytes
 * @param blobId Git's hash of it; for a file of Git LFS that of its pointer
 * @param sha256 the hash of its content, for a file of Git LFS; null for others
 */
record RepositoryFile(String path, long size, String blobId, String sha256) {
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
    private static final Pattern SHA1 = Pattern.compile("[0-9a-f]{40}");

    /** A file that only its entity tag is known of, as mirrors have them. */
    static RepositoryFile of(String path, long size, String etag) {
        return isSha256(etag) ? new RepositoryFile(path, size, null, etag) : new RepositoryFile(path, size, etag, null);
    }

    /** Hashes become names of files, so that nothing else may pass for one. */
    static boolean isSha256(String text) {
        return SHA256.matcher(text).matches();
    }

    static boolean isSha1(String text) {
        return SHA1.matcher(text).matches();
    }

    /** What the Hub tags its content with, and the cache names it by. */
    String etag() {
        return sha256 != null ? sha256 : blobId;
    }

    /** Whether its tag is a hash of its content; a mirror may have tags of its own. */
    boolean hasHash() {
        return isSha256(etag()) || isSha1(etag());
    }

    /** Computes what {@link #etag} should be, of the bytes that are fed to it. */
    MessageDigest digest() {
        try {
            if (sha256 != null) {
                return MessageDigest.getInstance("SHA-256");
            }
            MessageDigest git = MessageDigest.getInstance("SHA-1");
            git.update(("blob " + size + '\0').getBytes(StandardCharsets.US_ASCII));
            return git;
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-1 and SHA-256", e);
        }
    }
}
