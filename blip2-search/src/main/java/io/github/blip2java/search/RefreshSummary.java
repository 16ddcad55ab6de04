/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

/**
 * What {@link PictureIndex#refresh} did.
 *
 * @param pictures that can be found now
 * @param added that were not there before
 * @param changed that were there with another time or size
 * @param removed whose files are gone
 * @param encoded of those added and changed that the model had to look at; the others have the content of a picture already known, as
 *     after a file was moved
 * @param failed that could not be read this time
 * @param unreadable that cannot be read, those of earlier times included
 */
public record RefreshSummary(
        int pictures, int added, int changed, int removed, int encoded, int failed, int unreadable) {}
