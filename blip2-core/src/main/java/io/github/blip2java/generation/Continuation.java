/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

/**
 * What a strategy found for one row.
 *
 * @param tokens       the new tokens, the end token included
 * @param finishReason why they end there
 */
record Continuation(long[] tokens, FinishReason finishReason) {}
