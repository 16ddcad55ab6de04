/* SPDX-License-Identifier: Apache-2.0 */

/** What must occur in a text, and how far a sequence has come with it. */
package io.github.blip2java.generation.search.constraint;
