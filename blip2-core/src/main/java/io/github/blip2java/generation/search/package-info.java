/* SPDX-License-Identifier: Apache-2.0 */

/**
 * Ways to choose the next tokens, one class each. A {@link io.github.blip2java.generation.search.Search} only says which sequences go on
 * with which tokens; the loop around it decodes, stops, streams and cancels.
 */
package io.github.blip2java.generation.search;
