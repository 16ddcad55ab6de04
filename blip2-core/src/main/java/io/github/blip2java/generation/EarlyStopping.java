/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

/** When a beam search ends a prompt. Reference: {@code early_stopping}. */
public enum EarlyStopping {
    /** Once no beam is likely to become better than the worst of those found, judged at its present length. */
    FALSE,
    /** Once as many sequences are finished as there are beams. */
    TRUE,
    /** Once no beam can become better than the worst of those found. */
    NEVER
}
