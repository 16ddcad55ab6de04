/* SPDX-License-Identifier: Apache-2.0 */

/** OPT, a decoder-only language model. */
package io.github.blip2java.language.opt;
