/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Picture files to RGB bytes, with the same bytes as Pillow 12.3's {@code Image.open(file).convert("RGB")}.
 *
 * <p>Internal: {@link io.github.blip2java.processor.ImageReader} is the way in.
 */
package io.github.blip2java.internal.codec;
