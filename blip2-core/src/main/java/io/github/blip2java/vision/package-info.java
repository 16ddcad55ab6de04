/* SPDX-License-Identifier: Apache-2.0 */

/** The image encoder: a vision transformer. */
package io.github.blip2java.vision;
