/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline;

import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.generation.GenerationOption;
import java.util.ArrayList;
import java.util.List;

/**
 * A conversation about a picture: each question comes behind the questions and answers before it, so that "why?" means something. The
 * picture is encoded once.
 *
 * <p>The model reads {@code Question: … Answer: …. Question: … Answer:}, as in the notebooks that come with BLIP-2 (LAVIS,
 * {@code examples/blip2_instructed_generation.ipynb}). Where its positions do not suffice for all that and for an answer, the oldest turns are
 * left out; they stay in the history. An answer ends where the model begins a question of its own.
 *
 * <p>Belongs to one caller; not safe for several threads at once.
 */
public final class Talk {
    private static final String QUESTION = "Question: ";
    private static final String ANSWER = " Answer:";

    /** Positions kept free for an answer that may be longer. */
    private static final int ROOM = Blip2Pipeline.DEFAULT_MAX_NEW_TOKENS;

    /**
     * A question and its answer.
     *
     * @param question as it was asked
     * @param answer what the model wrote
     */
    public record Turn(String question, GeneratedText answer) {}

    private final TextGenerator texts;
    /** About one encoded picture. */
    private final Blip2Request request;

    private final List<Turn> turns = new ArrayList<>();

    /** Talks about one picture, in the way that a request says. */
    Talk(TextGenerator texts, Blip2Request request) {
        this.texts = texts;
        this.request = request.toBuilder()
                .preset(null)
                .options(endingAtQuestions(texts.options(request)))
                .build();
    }

    /**
     * Asks.
     *
     * @param question plain words
     * @return the answer, which is in the history from now on, also where it was cancelled
     * @throws IllegalArgumentException when the question is blank, holds the image token or is too long even without the turns before
     * @throws IllegalStateException when the pipeline is closed
     */
    public GeneratedText ask(String question) {
        return ask(question, request.listener());
    }

    /**
     * Asks and listens.
     *
     * @param question plain words
     * @param listener hears of the answer as it is written; null for nobody
     * @return the answer, as of {@link #ask(String)}
     * @throws IllegalArgumentException as {@link #ask(String)} does
     * @throws IllegalStateException when the pipeline is closed
     */
    public GeneratedText ask(String question, TextListener listener) {
        String asked = Question.checked(question);
        int from = 0;
        while (from < turns.size() && !texts.leavesRoom(prompt(from, asked), request, ROOM)) {
            from++;
        }
        Blip2Request next = request.toBuilder()
                .prompt(prompt(from, asked))
                .listener(listener)
                .build();
        GeneratedText answer = texts.generate(next).get(0);
        turns.add(new Turn(asked, answer));
        return answer;
    }

    /** The turns from one on, and a question. */
    private String prompt(int from, String question) {
        StringBuilder prompt = new StringBuilder();
        for (Turn turn : turns.subList(from, turns.size())) {
            String answer = turn.answer.text();
            prompt.append(QUESTION)
                    .append(turn.question)
                    .append(ANSWER)
                    .append(' ')
                    .append(answer)
                    .append(answer.endsWith(".") ? " " : ". ");
        }
        return prompt.append(QUESTION).append(question).append(ANSWER).toString();
    }

    /** {@return all turns, the first one first; a copy} */
    public List<Turn> history() {
        return List.copyOf(turns);
    }

    /**
     * Takes the last turn back.
     *
     * @return whether there was one
     */
    public boolean undo() {
        if (turns.isEmpty()) {
            return false;
        }
        turns.remove(turns.size() - 1);
        return true;
    }

    private static GenerationConfig endingAtQuestions(GenerationConfig options) {
        List<String> stops = new ArrayList<>();
        if (options.getIfSet(GenerationOption.STOP_STRINGS) != null) {
            stops.addAll(options.getIfSet(GenerationOption.STOP_STRINGS));
        }
        stops.add(QUESTION.strip());
        return options.toBuilder().set(GenerationOption.STOP_STRINGS, stops).build();
    }
}
