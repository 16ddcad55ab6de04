/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Text to token ids and back, as {@code transformers} does it.
 *
 * <p>{@link io.github.blip2java.processor.tokenizer.Tokenizer} is all that the rest of the library knows. Its one
 * implementation reads a checkpoint's tokenizer files, completes the table of added tokens, and leaves the rest to
 * Hugging Face's own tokenizers library, through DJL.
 */
package io.github.blip2java.processor.tokenizer;
