/* SPDX-License-Identifier: Apache-2.0 */

/** Reading JSON configuration with messages that name file and key. */
package io.github.blip2java.internal.config;
