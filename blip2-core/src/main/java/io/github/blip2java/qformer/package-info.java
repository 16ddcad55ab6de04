/* SPDX-License-Identifier: Apache-2.0 */

/** The Querying Transformer: learned queries that read the image encoder's output. */
package io.github.blip2java.qformer;
