/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import java.time.Duration;
import java.util.Optional;

/**
 * How far a download is.
 *
 * @param repository     whose files
 * @param bytes          how many bytes of its files are on the disk
 * @param totalBytes     how many there will be
 * @param bytesPerSecond how many came a second lately; 0 if none did
 * @param timeLeft       how long the others will take at that rate; empty if nobody knows
 */
public record DownloadProgress(
        RepositoryId repository, long bytes, long totalBytes, double bytesPerSecond, Optional<Duration> timeLeft) {
    /** Whether all bytes are there. */
    public boolean done() {
        return bytes == totalBytes;
    }
}
