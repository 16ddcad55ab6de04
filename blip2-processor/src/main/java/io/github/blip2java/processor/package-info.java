/* SPDX-License-Identifier: Apache-2.0 */

/** Pictures and texts to tensors and back, equal to the reference. */
package io.github.blip2java.processor;
