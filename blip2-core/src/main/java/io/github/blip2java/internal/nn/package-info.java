/* SPDX-License-Identifier: Apache-2.0 */

/** The layers every component is made of: projections, norms, embeddings, attention, activations. */
package io.github.blip2java.internal.nn;
