/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.LoadOptions;
import io.github.blip2java.examples.AskManyQuestions;
import io.github.blip2java.examples.CaptionPictures;
import io.github.blip2java.examples.FirstCaption;
import io.github.blip2java.examples.ForwardPass;
import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.pipeline.Blip2Pipeline;
import io.github.blip2java.processor.ImageReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The example programs do what they say. */
class ProgramsTest {
    private static final Path MODEL = Resources.checkpoint("opt-tiny");
    private static final Path CAT = Resources.photo("cat.jpg");
    private static final Path COFFEE = Resources.photo("coffee.jpg");

    @Test
    void theFirstCaptionIsThatOfTheBundledModel() throws IOException {
        HeldOutDrawings.Drawing drawing = HeldOutDrawings.examples().get(0);
        assertThat(FirstCaption.run(drawing.file())).isEqualTo(drawing.caption().text());
    }

    @Test
    void captionsComeInOrder() throws IOException {
        List<String> both = CaptionPictures.run(MODEL, List.of(CAT, COFFEE));
        assertThat(both)
                .containsExactlyElementsOf(List.of(
                        CaptionPictures.run(MODEL, List.of(CAT)).get(0),
                        CaptionPictures.run(MODEL, List.of(COFFEE)).get(0)));
        assertThat(both.get(0)).isNotEqualTo(both.get(1));
    }

    @Test
    void everyQuestionIsAnswered() throws IOException {
        assertThat(AskManyQuestions.run(MODEL, CAT, List.of("what is this?", "where is it?")))
                .hasSize(2)
                .doesNotHaveDuplicates();
    }

    @Test
    void theForwardPassPredictsWhatGenerateWrites() throws IOException {
        try (Blip2Pipeline blip2 = Blip2Pipeline.load(
                MODEL,
                LoadOptions.defaults(),
                GenerationConfig.builder().maxNewTokens(1).build())) {
            long first = blip2.caption(ImageReader.read(CAT), "a photo of")
                    .tokenIds()
                    .get(0);
            assertThat(ForwardPass.run(MODEL, CAT, "a photo of"))
                    .isEqualTo(blip2.processor().decode(new long[] {first}, false));
        }
    }
}
