/* SPDX-License-Identifier: Apache-2.0 */

/** Whole folders of pictures: walking them, and writing what is said of them so that a run that was stopped goes on where it was. */
package io.github.blip2java.pipeline.folder;
