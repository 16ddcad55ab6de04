/* SPDX-License-Identifier: Apache-2.0 */

/** Checkpoints written anew with other weights. */
package io.github.blip2java.conversion;
