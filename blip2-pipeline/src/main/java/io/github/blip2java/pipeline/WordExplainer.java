/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline;

import io.github.blip2java.AttentionMap;
import io.github.blip2java.Blip2ForConditionalGeneration;
import io.github.blip2java.processor.Blip2Processor;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ProcessorOutput;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Says what the words of a text look at: what the model says of tokens, put together to words. */
final class WordExplainer {
    private final Blip2ForConditionalGeneration model;
    private final Blip2Processor processor;

    WordExplainer(Blip2ForConditionalGeneration model, Blip2Processor processor) {
        this.model = model;
        this.processor = processor;
    }

    List<AttendedWord> explain(Image image, ProcessorOutput prompt, List<Long> tokenIds) {
        INDArray pixels = processor.imageProcessor().preprocess(List.of(image));
        int trained = model.config().visionConfig().imageSize();
        // A checkpoint may ask for larger pictures than its position table was trained on.
        boolean interpolate = pixels.size(2) != trained || pixels.size(3) != trained;
        long[] ids = tokenIds.stream().mapToLong(Long::longValue).toArray();
        return words(ids, model.attentionMaps(pixels, interpolate, prompt.inputIds(), prompt.attentionMask(), ids));
    }

    /** Which ids spell which word the text says as it grows, id by id. */
    private List<AttendedWord> words(long[] ids, List<AttentionMap> maps) {
        String text = decode(ids, ids.length);
        Matcher words = Pattern.compile("\\S+").matcher(text);
        List<AttendedWord> attended = new ArrayList<>();
        int[] ends = ends(ids, text.length());
        while (words.find()) {
            List<Integer> places = IntStream.range(0, ids.length)
                    .filter(i -> ends[i] > words.start() && ends[i] <= words.end())
                    .boxed()
                    .toList();
            if (!places.isEmpty()) {
                attended.add(new AttendedWord(
                        words.group(),
                        places.stream().map(i -> ids[i]).toList(),
                        AttentionMap.mean(places.stream().map(maps::get).toList())));
            }
        }
        return attended;
    }

    /** For each id how long the text is with it; 0 where it changes nothing, as the end does. */
    private int[] ends(long[] ids, int most) {
        int[] ends = new int[ids.length];
        String before = "";
        for (int i = 0; i < ids.length; i++) {
            String after = decode(ids, i + 1);
            ends[i] = after.equals(before) ? 0 : Math.min(after.stripTrailing().length(), most);
            before = after;
        }
        return ends;
    }

    private String decode(long[] ids, int length) {
        return processor.tokenizer().decode(Arrays.copyOf(ids, length), true);
    }
}
