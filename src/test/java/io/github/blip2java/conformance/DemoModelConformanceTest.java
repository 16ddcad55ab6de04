/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.LoadOptions;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.conformance.HeldOutDrawings.Drawing;
import io.github.blip2java.conformance.HeldOutDrawings.Run;
import io.github.blip2java.demo.DemoModel;
import io.github.blip2java.pipeline.Blip2Pipeline;
import io.github.blip2java.pipeline.Blip2Request;
import io.github.blip2java.pipeline.GeneratedText;
import io.github.blip2java.processor.Image;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A trained model: what it says about drawings it never saw, token for token as {@code transformers}. */
class DemoModelConformanceTest {
    private static Blip2Pipeline blip2;

    @BeforeAll
    static void load() throws IOException {
        blip2 = Blip2Pipeline.load(DemoModel.checkpoint());
    }

    @AfterAll
    static void close() {
        blip2.close();
    }

    @Test
    void everyTokenIsThatOfTransformers() throws IOException {
        List<Drawing> drawings = HeldOutDrawings.all();
        assertThat(drawings).hasSizeGreaterThanOrEqualTo(200);
        compare(drawings);
    }

    @Test
    void thePicturesOfTheReadmeToo() throws IOException {
        List<Drawing> drawings = HeldOutDrawings.examples();
        assertThat(drawings).isNotEmpty();
        compare(drawings);
    }

    private static void compare(List<Drawing> drawings) throws IOException {
        List<Image> images = HeldOutDrawings.images(drawings);
        SoftAssertions softly = new SoftAssertions();
        for (int n = 0; n < 3; n++) {
            List<Run> runs = new ArrayList<>();
            for (Drawing drawing : drawings) {
                runs.add(drawing.runs().get(n));
            }
            Run first = runs.get(0);
            Blip2Request.Builder request = Blip2Request.about(images);
            List<GeneratedText> texts = blip2.generate(
                    first.question() == null
                            ? request.prompt(first.prompt()).build()
                            : request.questions(runs.stream().map(Run::question).toList())
                                    .build());
            for (int i = 0; i < runs.size(); i++) {
                GeneratedText text = texts.get(i);
                softly.assertThat(List.of(text.tokenIds(), text.text()))
                        .as("%s, %s", drawings.get(i).file(), runs.get(i))
                        .isEqualTo(List.of(runs.get(i).tokenIds(), runs.get(i).text()));
            }
        }
        softly.assertAll();
    }

    @Test
    void itHasLearnedSomething() throws IOException {
        // A guess would be right once in 200 times.
        assertThat(HeldOutDrawings.exactNames(blip2)).isGreaterThan(0.5);
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "INT8"})
    void narrowerWeightsLoseAtMostOneNameInAHundred(WeightFormat format) throws IOException {
        try (Blip2Pipeline narrow = Blip2Pipeline.load(
                DemoModel.checkpoint(), LoadOptions.defaults().withDtype(format))) {
            assertThat(HeldOutDrawings.exactNames(narrow))
                    .isGreaterThanOrEqualTo(HeldOutDrawings.exactNamesOfTransformers() - 0.01);
        }
    }

    @Test
    void whatShowsNothingGetsATextAndNoError() {
        byte[] noise = new byte[3 * 80 * 80];
        new Random(1).nextBytes(noise);
        byte[] white = new byte[3 * 80 * 80];
        Arrays.fill(white, (byte) 255);
        List<Image> images = Stream.of(noise, white, new byte[3 * 80 * 80])
                .map(pixels -> Image.ofRgb(80, 80, pixels))
                .toList();
        List<String> texts = new ArrayList<>();
        blip2.captions(images).forEach(text -> texts.add(text.text()));
        List<String> questions = List.of("what is this?", "what colour is it?", "why?");
        blip2.generate(Blip2Request.about(images).questions(questions).build()).forEach(text -> texts.add(text.text()));
        assertThat(texts).hasSize(6).allSatisfy(text -> assertThat(text).isNotBlank());
    }
}
