/* SPDX-License-Identifier: Apache-2.0 */

/** Short programs that show how to use the library; each takes a checkpoint folder and pictures. */
package io.github.blip2java.examples.programs;
