/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline;

import java.util.List;

/** The words around a question that the models were trained with; a bare question is often just repeated. */
final class Question {
    private static final String SHORT = "Question: %s Short answer:";

    private Question() {}

    static List<String> asked(List<String> questions) {
        return questions.stream()
                .map(question -> SHORT.formatted(checked(question)))
                .toList();
    }

    /** A question without spaces around it. */
    static String checked(String question) {
        if (question == null || question.isBlank()) {
            throw new IllegalArgumentException(
                    "question: expected words, got " + (question == null ? "null" : '"' + question + '"')
                            + "; for a description without a question take caption");
        }
        return question.strip();
    }
}
