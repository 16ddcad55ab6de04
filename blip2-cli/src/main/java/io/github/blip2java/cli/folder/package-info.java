/* SPDX-License-Identifier: Apache-2.0 */

/** Runs over whole folders of pictures: which of them, what becomes of them, and what is said meanwhile. */
package io.github.blip2java.cli.folder;
