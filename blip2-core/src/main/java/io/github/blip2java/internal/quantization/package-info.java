/* SPDX-License-Identifier: Apache-2.0 */

/** Narrower weights: how they are made of floats and laid out in a checkpoint, knowing nothing of how they are multiplied. */
package io.github.blip2java.internal.quantization;
