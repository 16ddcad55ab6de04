/* SPDX-License-Identifier: Apache-2.0 */

/** Pictures in, texts out, and what a server or a program hangs on it: captions, answers, talks, matching, ranking. */
package io.github.blip2java.pipeline;
