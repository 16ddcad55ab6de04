/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.examples;

import io.github.blip2java.Blip2ForConditionalGeneration;
import io.github.blip2java.Blip2Inputs;
import io.github.blip2java.processor.Blip2Processor;
import io.github.blip2java.processor.ImageReader;
import io.github.blip2java.processor.ProcessorOutput;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Runs model and processor by hand: one forward pass, and the token that is most probable after the prompt. */
public final class ForwardPass {
    private ForwardPass() {}

    /**
     * Predicts one token with a decoder-only model.
     *
     * @param checkpoint a checkpoint folder with OPT
     * @param picture    a picture file
     * @param prompt     how the text begins
     * @return the next token as text
     * @throws IOException if a file is missing or unreadable
     */
    public static String run(Path checkpoint, Path picture, String prompt) throws IOException {
        try (Blip2Processor processor = Blip2Processor.fromPretrained(checkpoint);
                Blip2ForConditionalGeneration model = Blip2ForConditionalGeneration.fromPretrained(checkpoint)) {
            ProcessorOutput inputs = processor.process(List.of(ImageReader.read(picture)), List.of(prompt));
            INDArray logits = model.forward(Blip2Inputs.builder()
                            .pixelValues(inputs.pixelValues())
                            .inputIds(inputs.inputIds())
                            .attentionMask(inputs.attentionMask())
                            .build())
                    .logits(); // [1, seq, vocab]
            INDArray last =
                    logits.get(NDArrayIndex.point(0), NDArrayIndex.point(logits.size(1) - 1), NDArrayIndex.all());
            return processor.decode(new long[] {last.argMax().getLong(0)}, false);
        }
    }

    /**
     * Runs the program.
     *
     * @param args a checkpoint folder, a picture file, and a prompt
     * @throws IOException if a file is missing or unreadable
     */
    public static void main(String[] args) throws IOException {
        System.out.println(run(Path.of(args[0]), Path.of(args[1]), args[2]));
    }
}
