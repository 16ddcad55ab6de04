/* SPDX-License-Identifier: Apache-2.0 */

/** Pictures and text to tensors and back, and the pipeline over processor and model. */
package io.github.blip2java.processor;
