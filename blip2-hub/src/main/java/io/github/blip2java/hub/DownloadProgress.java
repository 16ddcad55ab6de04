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
    /** {@return whether all bytes are there} */
    public boolean done() {
        return bytes == totalBytes;
    }

    /** {@return a line for people, such as {@code Salesforce/blip2-opt-2.7b: 3.2 GB of 15.5 GB, 23.4 MB/s, 9 min left}} */
    public String text() {
        return repository + ": " + Bytes.shown(bytes) + " of " + Bytes.shown(totalBytes)
                + (done() ? "" : ", " + Bytes.shown(Math.round(bytesPerSecond)) + "/s")
                + (done()
                        ? ""
                        : timeLeft.map(time -> ", " + shown(time) + " left").orElse(""));
    }

    private static String shown(Duration time) {
        long seconds = time.toSeconds();
        if (seconds < 90) {
            return seconds + " s";
        }
        return seconds < 5400 ? Math.round(seconds / 60.0) + " min" : Math.round(seconds / 360.0) / 10.0 + " h";
    }
}
