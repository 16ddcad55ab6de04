/* SPDX-License-Identifier: Apache-2.0 */

/** Two small models that come as a jar, so that everything can be tried without a download. */
package io.github.blip2java.demo;
