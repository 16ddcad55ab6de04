/* SPDX-License-Identifier: Apache-2.0 */

/** Compares a checkpoint's outputs with those that {@code transformers} wrote down for it. */
package io.github.blip2java.cli.verify;
