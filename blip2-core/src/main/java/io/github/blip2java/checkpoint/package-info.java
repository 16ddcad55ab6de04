/* SPDX-License-Identifier: Apache-2.0 */

/** Checkpoint folders: strict reading of safetensors files, and named scopes from which components take their tensors. */
package io.github.blip2java.checkpoint;
