/* SPDX-License-Identifier: Apache-2.0 */

/** T5 and Flan-T5, an encoder–decoder language model. */
package io.github.blip2java.language.t5;
