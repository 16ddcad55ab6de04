/* SPDX-License-Identifier: Apache-2.0 */
/** Products of many rows by oneDNN. */
package io.github.blip2java.onednn;
