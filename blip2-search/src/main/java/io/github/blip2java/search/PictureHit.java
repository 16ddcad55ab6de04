/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

import io.github.blip2java.ImageTextMatch;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A picture that was found.
 *
 * @param file the file
 * @param path its path below the folder, with {@code /} between names
 * @param cosine with the text, or with the picture that it was compared with, −1 to 1
 * @param match what the matching head says; empty where it did not look
 */
public record PictureHit(Path file, String path, float cosine, Optional<ImageTextMatch> match) {}
