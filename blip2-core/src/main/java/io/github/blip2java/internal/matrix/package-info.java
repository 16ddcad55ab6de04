/* SPDX-License-Identifier: Apache-2.0 */

/** Weight matrices in the formats they are stored in, and their product with rows of activations. */
package io.github.blip2java.internal.matrix;
