/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline;

import io.github.blip2java.ImageEncoding;
import io.github.blip2java.generation.Cancellation;
import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.generation.GenerationHooks;
import io.github.blip2java.processor.Image;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * What to write about which pictures, and how: what captions, answers, scores and conversations have in common.
 *
 * <pre>{@code
 * Blip2Request request = Blip2Request.about(image)
 *         .question("how many cats are there?")
 *         .preset(Preset.VQA)
 *         .listener((sequence, piece) -> System.out.print(piece))
 *         .build();
 * GeneratedText answer = blip2.generate(request).get(0);
 * }</pre>
 *
 * <p>One picture and several prompts, several pictures and one prompt, or as many prompts as pictures. Immutable.
 */
public final class Blip2Request {
    private final List<Image> images;
    private final ImageEncoding encoding;
    private final List<String> prompts;
    private final boolean questions;
    private final Preset preset;
    private final GenerationConfig options;
    private final GenerationHooks hooks;
    private final TextListener listener;
    private final boolean wholeWords;

    private Blip2Request(Builder builder) {
        this.images = builder.images;
        this.encoding = builder.encoding;
        this.prompts = builder.prompts;
        this.questions = builder.questions;
        this.preset = builder.preset;
        this.options = builder.options;
        this.hooks = builder.hooks;
        this.listener = builder.listener;
        this.wholeWords = builder.wholeWords;
    }

    /**
     * Starts a request about a picture.
     *
     * @param image the picture, which is encoded for this request
     * @return a builder
     */
    public static Builder about(Image image) {
        return about(List.of(image));
    }

    /**
     * Starts a request about pictures.
     *
     * @param images any number of pictures, which are encoded for this request, some at a time
     * @return a builder
     */
    public static Builder about(List<Image> images) {
        return new Builder().images(images);
    }

    /**
     * Starts a request about pictures that are encoded already.
     *
     * @param encoding one picture or more, from {@link Blip2Pipeline#encode}
     * @return a builder
     */
    public static Builder about(ImageEncoding encoding) {
        return new Builder().encoding(encoding);
    }

    /** {@return a builder of a request without pictures, for {@link Blip2Pipeline#generateForFiles}} */
    public static Builder builder() {
        return new Builder();
    }

    /** {@return a builder with all that this request has} */
    public Builder toBuilder() {
        Builder builder = new Builder();
        builder.images = images;
        builder.encoding = encoding;
        builder.prompts = prompts;
        builder.questions = questions;
        builder.preset = preset;
        builder.options = options;
        builder.hooks = hooks;
        builder.listener = listener;
        builder.wholeWords = wholeWords;
        return builder;
    }

    /** Null where the pictures are encoded, or there are none. */
    List<Image> images() {
        return images;
    }

    /** Null where the pictures are not encoded. */
    ImageEncoding encoding() {
        return encoding;
    }

    boolean hasPictures() {
        return images != null || encoding != null;
    }

    /** How many pictures. */
    int pictures() {
        if (!hasPictures()) {
            throw new IllegalArgumentException(
                    "request: expected pictures, got none; begin it with Blip2Request.about(image)");
        }
        return images == null ? encoding.batch() : images.size();
    }

    /** Prompts about some pictures, one a text, as the model reads them; null for none at all. */
    List<String> texts(int pictures) {
        List<String> each = prompts == null && preset != null && preset.prompt() != null
                ? List.of(preset.prompt())
                : questions ? Question.asked(prompts) : prompts;
        if (each == null || each.size() == 1 && each.get(0).isEmpty()) {
            return null;
        }
        if (each.size() == 1) {
            return Collections.nCopies(pictures, each.get(0));
        }
        if (pictures != 1 && each.size() != pictures) {
            throw new IllegalArgumentException((questions ? "questions" : "prompts") + ": expected one for all of the "
                    + pictures + " pictures or one for each, got " + each.size()
                    + "; ask several about one picture in requests of their own");
        }
        return each;
    }

    /** A request for each prompt or question; this one where there is no other. */
    List<Blip2Request> forEachPrompt() {
        return prompts == null || prompts.size() == 1
                ? List.of(this)
                : prompts.stream()
                        .map(prompt -> questions
                                ? toBuilder().question(prompt).build()
                                : toBuilder().prompt(prompt).build())
                        .toList();
    }

    /** What the request sets, the preset included. */
    GenerationConfig options(boolean encoderDecoder) {
        return preset == null ? options : preset.fillIn(options, encoderDecoder);
    }

    GenerationHooks hooks() {
        return hooks;
    }

    /** Null where nobody listens. */
    TextListener listener() {
        return listener;
    }

    boolean wholeWords() {
        return wholeWords;
    }

    /** Collects what a request says. */
    public static final class Builder {
        private List<Image> images;
        private ImageEncoding encoding;
        private List<String> prompts;
        private boolean questions;
        private Preset preset;
        private GenerationConfig options = GenerationConfig.defaults();
        private GenerationHooks hooks = GenerationHooks.NONE;
        private TextListener listener;
        private boolean wholeWords;

        private Builder() {}

        /**
         * Which pictures.
         *
         * @param values any number of pictures; null for none yet
         * @return this
         */
        public Builder images(List<Image> values) {
            images = values == null ? null : List.copyOf(values);
            encoding = null;
            return this;
        }

        /**
         * Which pictures, encoded already.
         *
         * @param value one picture or more, from {@link Blip2Pipeline#encode}
         * @return this
         */
        public Builder encoding(ImageEncoding value) {
            images = null;
            encoding = value;
            return this;
        }

        /**
         * How every text begins.
         *
         * @param value such as {@code a photo of}; null or empty for no beginning, also where a preset has one
         * @return this
         */
        public Builder prompt(String value) {
            return prompts(Collections.singletonList(value));
        }

        /**
         * How texts begin.
         *
         * @param values one for each text
         * @return this
         */
        public Builder prompts(List<String> values) {
            prompts = copy(values, "");
            questions = false;
            return this;
        }

        /**
         * What to ask. The question is put as {@code Question: … Short answer:}, the words that the models were trained with.
         *
         * @param value the question alone
         * @return this
         */
        public Builder question(String value) {
            return questions(Collections.singletonList(value));
        }

        /**
         * What to ask, as {@link #question} does.
         *
         * @param values one for each answer
         * @return this
         */
        public Builder questions(List<String> values) {
            prompts = copy(values, null);
            questions = true;
            return this;
        }

        /** A list that nobody changes; what is null in it is something else. */
        private static List<String> copy(List<String> values, String inPlaceOfNull) {
            List<String> copy = new ArrayList<>(values);
            copy.replaceAll(value -> value == null ? inPlaceOfNull : value);
            return Collections.unmodifiableList(copy);
        }

        /**
         * How to generate, in one word.
         *
         * @param value fills in what {@link #options} leave unset; null for nothing
         * @return this
         */
        public Builder preset(Preset value) {
            preset = value;
            return this;
        }

        /**
         * How to generate. What is set nowhere, neither here nor by a preset, is as the pipeline's options say.
         *
         * @param value options of this request, stop strings among them
         * @return this
         */
        public Builder options(GenerationConfig value) {
            options = value;
            return this;
        }

        /**
         * What no plain value can say: processors of scores, criteria that end texts, a listener of tokens.
         *
         * @param value replaces what {@link #cancellation} and {@link #logProbabilities} set before
         * @return this
         */
        public Builder hooks(GenerationHooks value) {
            hooks = value;
            return this;
        }

        /**
         * Streams.
         *
         * @param value hears of texts as they are written; null for nobody
         * @return this
         */
        public Builder listener(TextListener value) {
            listener = value;
            return this;
        }

        /**
         * Streams word by word, as {@code TextStreamer} of {@code transformers} does, rather than as soon as a letter is settled.
         *
         * @param value whether pieces are whole words
         * @return this
         */
        public Builder wholeWords(boolean value) {
            wholeWords = value;
            return this;
        }

        /**
         * Lets the caller end the texts early; they then are the beginnings of what they would have become.
         *
         * @param value may be shared by several requests
         * @return this
         */
        public Builder cancellation(Cancellation value) {
            hooks = hooks.withCancellation(value);
            return this;
        }

        /**
         * Asks for {@link GeneratedText#logProbabilities}.
         *
         * @param value whether to tell them
         * @return this
         */
        public Builder logProbabilities(boolean value) {
            hooks = hooks.withLogProbabilities(value);
            return this;
        }

        /** {@return the request} */
        public Blip2Request build() {
            return new Blip2Request(this);
        }
    }
}
