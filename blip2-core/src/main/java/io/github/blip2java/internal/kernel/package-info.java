/* SPDX-License-Identifier: Apache-2.0 */

/** Arithmetic on plain arrays, scalar and with the Vector API, and the thread pool it runs on. Uses the JDK alone. */
package io.github.blip2java.internal.kernel;
