/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline;

import io.github.blip2java.ImageTextMatch;

/**
 * A place in a ranking.
 *
 * @param index which of the pictures or texts that were ranked, from 0
 * @param match how well it fits
 */
public record RankedMatch(int index, ImageTextMatch match) {}
