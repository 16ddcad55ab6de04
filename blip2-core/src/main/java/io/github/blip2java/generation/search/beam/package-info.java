/* SPDX-License-Identifier: Apache-2.0 */

/** Searches that follow several sequences of a prompt at once, each of them for one prompt. */
package io.github.blip2java.generation.search.beam;
