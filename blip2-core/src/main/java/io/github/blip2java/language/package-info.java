/* SPDX-License-Identifier: Apache-2.0 */

/** What every language model offers, and what they share. */
package io.github.blip2java.language;
