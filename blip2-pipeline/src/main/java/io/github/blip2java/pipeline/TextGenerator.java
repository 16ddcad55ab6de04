/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline;

import io.github.blip2java.Blip2ForConditionalGeneration;
import io.github.blip2java.ImageEncoding;
import io.github.blip2java.PixelValues;
import io.github.blip2java.generation.FinishReason;
import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.generation.GenerationHooks;
import io.github.blip2java.generation.GenerationOption;
import io.github.blip2java.generation.GenerationResult;
import io.github.blip2java.processor.Blip2Processor;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.PictureFiles.ReadFile;
import io.github.blip2java.processor.ProcessorOutput;
import io.github.blip2java.processor.TextOptions;
import io.github.blip2java.processor.TextOptions.Padding;
import io.github.blip2java.processor.tokenizer.IncrementalText;
import io.github.blip2java.processor.tokenizer.StopStrings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/** Carries out requests: encodes pictures, some at a time, generates, streams, and makes texts of tokens. */
final class TextGenerator {
    private static final ProcessorOutput NO_PROMPT = new ProcessorOutput(null, null, null);

    private final Blip2ForConditionalGeneration model;
    private final Blip2Processor processor;
    /** What counts where a request leaves something unset. */
    private final GenerationConfig defaults;
    /** Pictures encoded at a time. */
    private final int batch;

    TextGenerator(Blip2ForConditionalGeneration model, Blip2Processor processor, GenerationConfig defaults, int batch) {
        this.model = model;
        this.processor = processor;
        this.defaults = defaults;
        this.batch = batch;
    }

    /** Options of a request with nothing left to fill in but what the checkpoint says. */
    GenerationConfig options(Blip2Request request) {
        return request.options(model.config().textConfig().isEncoderDecoder()).orElse(defaults);
    }

    /** All that a call of the model needs beside its pictures and prompts. */
    private record Call(Blip2Request request, GenerationConfig options, StopStrings stops) {}

    private Call call(Blip2Request request) {
        GenerationConfig options = options(request);
        List<String> stops = options.getIfSet(GenerationOption.STOP_STRINGS);
        return new Call(
                request,
                options.toBuilder().set(GenerationOption.STOP_STRINGS, null).build(),
                new StopStrings(processor.tokenizer(), stops == null ? List.of() : stops));
    }

    /** One text a prompt, or a picture where there is no prompt. All prompts are checked before the first picture is encoded. */
    List<GeneratedText> generate(Blip2Request request) {
        Call call = call(request);
        int pictures = request.pictures();
        List<String> prompts = request.texts(pictures);
        if (request.encoding() != null || pictures == 1) {
            ProcessorOutput inputs = inputs(prompts, call.options);
            check(pictures, inputs, call.options);
            int rows = prompts == null ? pictures : prompts.size();
            return model.asOneCall(rows, call.options, () -> {
                ImageEncoding encoding =
                        request.encoding() == null ? encode(request.images(), call.options) : request.encoding();
                return generate(encoding, inputs, call, 0);
            });
        }
        return inBatches(call, prompts);
    }

    private List<GeneratedText> inBatches(Call call, List<String> prompts) {
        List<Image> images = call.request.images();
        List<ProcessorOutput> inputs = new ArrayList<>();
        for (int from = 0; from < images.size(); from += batch) {
            int to = Math.min(from + batch, images.size());
            ProcessorOutput theirs = inputs(prompts == null ? null : prompts.subList(from, to), call.options);
            check(to - from, theirs, call.options);
            inputs.add(theirs);
        }
        List<GeneratedText> texts = new ArrayList<>(images.size());
        for (int from = 0; from < images.size(); from += batch) {
            List<Image> some = images.subList(from, Math.min(from + batch, images.size()));
            ProcessorOutput theirs = inputs.get(from / batch);
            texts.addAll(model.asOneCall(
                    some.size(), call.options, () -> generate(encode(some, call.options), theirs, call, texts.size())));
        }
        return texts;
    }

    /** The most probable candidate first. */
    List<ScoredText> score(Blip2Request request, List<String> candidates) {
        if (request.texts(1) != null && request.texts(1).size() != 1) {
            throw new IllegalArgumentException(
                    "prompts: expected one at most, got " + request.texts(1).size() + "; score about each by itself");
        }
        GenerationConfig options = options(request);
        ProcessorOutput prompt = inputs(request.texts(1), options);
        TextScorer scorer = new TextScorer(model, processor);
        long[][] ids = scorer.ids(
                candidates, request.texts(1) == null ? null : request.texts(1).get(0));
        check(1, prompt, options);
        ImageEncoding image = encoded(request).encoding();
        return scorer.score(image, prompt, candidates, ids);
    }

    List<AttendedWord> explain(Image image, String prompt, GeneratedText text) {
        ProcessorOutput before =
                inputs(Blip2Request.about(image).prompt(prompt).build().texts(1), defaults);
        return model.asOneCall(
                1, defaults, () -> new WordExplainer(model, processor).explain(image, before, text.tokenIds()));
    }

    /** The same request with its one picture encoded. */
    Blip2Request encoded(Blip2Request request) {
        if (request.pictures() != 1) {
            throw new IllegalArgumentException("request: expected one picture, got " + request.pictures());
        }
        return request.encoding() != null
                ? request
                : request.toBuilder()
                        .encoding(encode(request.images(), options(request)))
                        .build();
    }

    /** Does what a request says with files that were read; the others keep their errors. */
    List<FileResult> describe(List<ReadFile> files, Blip2Request request) {
        List<Image> images =
                files.stream().map(ReadFile::image).filter(Objects::nonNull).toList();
        List<Blip2Request> requests = request.forEachPrompt();
        if (requests.size() > 1 && !images.isEmpty()) {
            ImageEncoding encoding = encode(images, options(request));
            requests = requests.stream()
                    .map(one -> one.toBuilder().encoding(encoding).build())
                    .toList();
        } else {
            requests = requests.stream()
                    .map(one -> one.toBuilder().images(images).build())
                    .toList();
        }
        var described = requests.stream()
                .map(one -> images.isEmpty()
                        ? List.<GeneratedText>of().iterator()
                        : generate(one).iterator())
                .toList();
        return files.stream()
                .map(read -> read.error() == null
                        ? FileResult.of(
                                read.file(),
                                described.stream().map(Iterator::next).toList())
                        : FileResult.failed(read.file(), read.error()))
                .toList();
    }

    /** Refuses several pictures. */
    static ImageEncoding single(ImageEncoding image) {
        if (image.batch() != 1) {
            throw new IllegalArgumentException(
                    "image: expected one encoded picture, got " + image.batch() + "; take one with image(i)");
        }
        return image;
    }

    ImageEncoding encode(List<Image> images, GenerationConfig options) {
        return model.asOneCall(images.size(), options, () -> {
            PixelValues pixels = processor.imageProcessor().pixelValues(images);
            int trained = model.config().visionConfig().imageSize();
            // A checkpoint may ask for larger pictures than its position table was trained on.
            boolean interpolate = pixels.height() != trained || pixels.width() != trained;
            return model.encodeImages(pixels, interpolate);
        });
    }

    /** One row a prompt; without prompts (null) nothing, as the model starts from the image tokens alone. */
    ProcessorOutput inputs(List<String> prompts, GenerationConfig options) {
        return prompts == null
                ? NO_PROMPT
                : model.asOneCall(
                        prompts.size(),
                        options,
                        () -> processor.prompts(prompts, TextOptions.defaults().withPadding(Padding.LONGEST)));
    }

    /** Refuses a request before a picture is read or encoded; one without pictures is taken for one about one picture. */
    void check(Blip2Request request) {
        Call call = call(request);
        int pictures = request.hasPictures() ? request.pictures() : 1;
        check(pictures, inputs(request.texts(pictures), call.options), call.options);
    }

    /** Whether a prompt about one picture leaves positions for some new tokens. */
    boolean leavesRoom(String prompt, Blip2Request request, int newTokens) {
        GenerationConfig options = options(request);
        OptionalInt positions = model.config().textConfig().maxPositions().isPresent()
                ? model.config().textConfig().maxPositions()
                : processor.tokenizer().modelMaxLength();
        int wanted = options.maxNewTokens() == null ? newTokens : Math.min(newTokens, options.maxNewTokens());
        // Older checkpoints put the picture's positions in front of the ids.
        int picture =
                processor.numQueryTokens().isPresent() ? 0 : model.config().numQueryTokens();
        return positions.isEmpty()
                || picture + inputs(List.of(prompt), options).inputIds()[0].length + wanted <= positions.getAsInt();
    }

    private void check(int pictures, ProcessorOutput inputs, GenerationConfig options) {
        model.checkPrompts(pictures, inputs.inputIds(), inputs.attentionMask(), options);
    }

    /** Generates one text a row; without rows, one a picture. */
    private List<GeneratedText> generate(ImageEncoding images, ProcessorOutput inputs, Call call, int before) {
        int rows = inputs.inputIds() == null ? images.batch() : inputs.inputIds().length;
        int each = call.options.get(GenerationOption.NUM_RETURN_SEQUENCES);
        long[][] prefixes = prefixes(inputs, rows, call.stops);
        GenerationHooks hooks = call.request.hooks();
        if (!call.stops.texts().isEmpty()) {
            hooks = hooks.withStoppingCriteria(hypothesis ->
                    call.stops.ended(hypothesis::id, hypothesis.length()) == null ? null : FinishReason.STOP_STRING);
        }
        List<TextStream> streams = new ArrayList<>();
        if (call.request.listener() != null) {
            for (int i = 0; i < rows * each; i++) {
                IncrementalText text = text(call.request.wholeWords(), call.stops, prefixes[i / each]);
                streams.add(new TextStream(before * each + i, text, call.request.listener()));
            }
            var tokens = hooks.listener();
            hooks = hooks.withListener((sequence, ids) -> {
                tokens.onTokens(sequence, ids);
                streams.get(sequence).add(ids);
            });
        }
        GenerationResult result =
                model.generate(images, inputs.inputIds(), inputs.attentionMask(), call.options, hooks);
        long[][] ids = result.newTokens();
        for (int i = 0; i < streams.size(); i++) {
            streams.get(i).finish(ids[i]);
        }
        List<GeneratedText> texts = IntStream.range(0, ids.length)
                .mapToObj(i -> one(ids[i], result, i, text(false, call.stops, prefixes[i / each])))
                .toList();
        return IntStream.range(0, rows)
                .mapToObj(row -> together(texts.subList(row * each, (row + 1) * each)))
                .toList();
    }

    private IncrementalText text(boolean wholeWords, StopStrings stops, long[] prefix) {
        return new IncrementalText(processor.tokenizer(), wholeWords, stops, prefix);
    }

    /** What stands before the new tokens, in which a stop string may begin. */
    private long[][] prefixes(ProcessorOutput inputs, int rows, StopStrings stops) {
        long[][] prefixes = new long[rows][0];
        if (!stops.texts().isEmpty()) {
            long[][] ids = inputs.inputIds() != null
                    ? inputs.inputIds()
                    : processor.prompts(List.of(""), TextOptions.defaults()).inputIds();
            long[][] given = model.languageModel().prefix(ids);
            Arrays.setAll(prefixes, row -> given[given.length == 1 ? 0 : row]);
        }
        return prefixes;
    }

    private static GeneratedText one(long[] ids, GenerationResult result, int row, IncrementalText text) {
        float[][] logProbabilities = result.details().logProbabilities();
        float[] scores = result.details().sequenceScores();
        return new GeneratedText(
                (text.add(ids) + text.finish()).strip(),
                Arrays.stream(ids).boxed().toList(),
                result.finishReasons().get(row),
                logProbabilities == null ? List.of() : list(logProbabilities[row]),
                scores == null ? OptionalDouble.empty() : OptionalDouble.of(scores[row]),
                List.of());
    }

    static List<Float> list(float[] values) {
        return IntStream.range(0, values.length).mapToObj(i -> values[i]).toList();
    }

    private static GeneratedText together(List<GeneratedText> texts) {
        GeneratedText best = texts.get(0);
        return new GeneratedText(
                best.text(),
                best.tokenIds(),
                best.finishReason(),
                best.logProbabilities(),
                best.score(),
                texts.subList(1, texts.size()));
    }
}
