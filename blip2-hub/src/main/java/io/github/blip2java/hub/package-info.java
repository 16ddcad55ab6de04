/* SPDX-License-Identifier: Apache-2.0 */
/**
 * From the name of a model to the folder with its files: {@link io.github.blip2java.hub.ModelSource} finds it on the disk, in the
 * cache that Python's {@code huggingface_hub} keeps too, or on the Hugging Face Hub.
 *
 * <p>Nothing is downloaded unless the caller's {@link io.github.blip2java.hub.Download} allows it.
 */
package io.github.blip2java.hub;
