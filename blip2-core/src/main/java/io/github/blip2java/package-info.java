/* SPDX-License-Identifier: Apache-2.0 */

/** BLIP-2 for the JVM: the facades, their configuration and their outputs. */
package io.github.blip2java;
