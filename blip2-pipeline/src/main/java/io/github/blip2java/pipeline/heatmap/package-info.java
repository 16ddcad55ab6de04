/* SPDX-License-Identifier: Apache-2.0 */

/** What a text looks at, drawn over the picture. */
package io.github.blip2java.pipeline.heatmap;
