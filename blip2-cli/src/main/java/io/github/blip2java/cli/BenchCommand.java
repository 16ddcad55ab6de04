/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.Blip2ForConditionalGeneration;
import io.github.blip2java.ComputeEnvironment;
import io.github.blip2java.ComputeEnvironment.Threshold;
import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.generation.GenerationResult;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Times a checkpoint. Picture, prompt and every figure are defined as in {@code src/test/python/bench_transformers.py}, so
 * that the two can be put side by side.
 */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        description =
                "Times loading and captioning: medians over the runs, after one that warms up. The picture is a formula.",
        footer = {"", "Example:", "  blip2 bench --model models/blip2-opt-2.7b --new-tokens 20 --runs 3"})
final class BenchCommand implements Callable<Integer> {
    private static final double KIB_PER_GIB = 1 << 20;

    @Mixin
    private ModelFolder model;

    @Option(
            names = "--new-tokens",
            paramLabel = "N",
            defaultValue = "20",
            description = "Tokens per caption (default: 20).")
    private int newTokens;

    @Option(names = "--runs", paramLabel = "R", defaultValue = "3", description = "Measured runs (default: 3).")
    private int runs;

    @Option(
            names = "--batch",
            paramLabel = "B",
            defaultValue = "1",
            description = "Pictures captioned together (default: 1).")
    private int batch;

    @Option(
            names = "--beams",
            paramLabel = "N",
            defaultValue = "1",
            description = "Beams of a beam search; 1 takes the best token each time (default: 1).")
    private int beams;

    @Option(
            names = "--tune",
            description =
                    "Measure on this machine which numbers of rows suit which product, a minute in all, and print what to"
                            + " change; no model is loaded.")
    private boolean tune;

    @Option(
            names = "--profile",
            description =
                    "Also tell where the time of a picture, of the prompt and of a token goes: by kind of work, and what of"
                            + " it no other thread can help with.")
    private boolean profile;

    @Mixin
    private ModelOptions options;

    @Spec
    private CommandSpec spec;

    /** Made by picocli. */
    BenchCommand() {}

    @Override
    public Integer call() throws Exception {
        for (Map.Entry<String, Integer> count : Map.of(
                        "--new-tokens", newTokens, "--runs", runs, "--batch", batch, "--beams", beams)
                .entrySet()) {
            if (count.getValue() < 1) {
                throw new IllegalArgumentException(count.getKey() + ": expected 1 or more, got " + count.getValue());
            }
        }
        PrintWriter out = spec.commandLine().getOut();
        if (tune) {
            printThresholds(out);
            return Blip2.OK;
        }
        Map<String, Object> figures;
        try (Progress progress = new Progress(spec.commandLine().getErr())) {
            figures = measure(progress);
        }
        if (options.json()) {
            out.println(new ObjectMapper().writeValueAsString(figures));
        } else {
            figures.forEach((name, value) -> print(out, name, value));
        }
        Output.flush(out);
        return Blip2.OK;
    }

    private void printThresholds(PrintWriter out) throws IOException {
        List<Threshold> thresholds;
        try (Progress progress = new Progress(spec.commandLine().getErr())) {
            thresholds = ComputeEnvironment.measureThresholds(progress);
        }
        if (options.json()) {
            out.println(new ObjectMapper().writeValueAsString(thresholds));
        } else {
            out.println(ComputeEnvironment.current());
            thresholds.forEach(threshold -> out.printf(
                    Locale.ROOT,
                    "%-14s used %d, measured %d: %s%n",
                    threshold.name(),
                    threshold.used(),
                    threshold.measured(),
                    threshold.meaning()));
            String changes = thresholds.stream()
                    .filter(threshold -> threshold.used() != threshold.measured())
                    .map(threshold -> threshold.name() + "=" + threshold.measured())
                    .collect(Collectors.joining(","));
            out.println(
                    changes.isEmpty()
                            ? "nothing to change"
                            : "to change them: BLIP2_JAVA_OPTS=-Dblip2.tuning=" + changes);
        }
        Output.flush(out);
    }

    private Map<String, Object> measure(Progress progress) throws IOException {
        long start = System.nanoTime();
        try (Blip2ForConditionalGeneration blip2 =
                Blip2ForConditionalGeneration.fromPretrained(model.path(), options.apply(progress))) {
            double load = seconds(start);
            INDArray pixels = picture(blip2.config().visionConfig().imageSize());
            List<Double> vision = new ArrayList<>();
            List<Double> first = new ArrayList<>();
            List<Double> caption = new ArrayList<>();
            make(blip2, pixels, Math.min(2, newTokens));
            GenerationResult result = null;
            for (int run = 0; run < runs; run++) {
                progress.progress("measuring", run, runs);
                start = System.nanoTime();
                blip2.encodeImages(pixels);
                vision.add(seconds(start));
                start = System.nanoTime();
                make(blip2, pixels, 1);
                first.add(seconds(start));
                start = System.nanoTime();
                result = make(blip2, pixels, newTokens);
                caption.add(seconds(start));
            }
            Map<String, Object> figures = new LinkedHashMap<>();
            figures.put("program", "blip2-java, Java " + Runtime.version() + ", " + ComputeEnvironment.current());
            figures.put("dtype", options.dtype().name().toLowerCase(Locale.ROOT));
            figures.put("arithmetic", options.arithmetic().name().toLowerCase(Locale.ROOT));
            figures.put("batch", batch);
            figures.put("beams", beams);
            figures.put("load_s", rounded(load));
            figures.put("vision_s", rounded(median(vision)));
            figures.put("first_token_s", rounded(median(first)));
            int further = result.newTokens()[0].length - 1;
            figures.put("per_token_s", further == 0 ? null : rounded((median(caption) - median(first)) / further));
            figures.put("caption_s", rounded(median(caption)));
            figures.put("runs", caption.stream().map(BenchCommand::rounded).toList());
            figures.put("peak_rss_gib", peakRssGib());
            figures.put("token_ids", result.newTokens()[0]);
            if (profile) {
                figures.put("profile", profiles(blip2, pixels));
            }
            return figures;
        }
    }

    private Map<String, BenchProfile> profiles(Blip2ForConditionalGeneration blip2, INDArray pixels) {
        BenchProfile picture = BenchProfile.of(() -> blip2.encodeImages(pixels));
        BenchProfile first = BenchProfile.of(() -> make(blip2, pixels, 1));
        Map<String, BenchProfile> profiles = new LinkedHashMap<>();
        profiles.put("picture", picture);
        profiles.put("prompt", first.without(picture, 1));
        if (newTokens > 1) {
            BenchProfile all = BenchProfile.of(() -> make(blip2, pixels, newTokens));
            profiles.put("token", all.without(first, newTokens - 1));
        }
        return profiles;
    }

    private static void print(PrintWriter out, String name, Object value) {
        if (value instanceof Map<?, ?> profiles) {
            profiles.forEach((stage, profile) -> print(out, stage.toString(), ((BenchProfile) profile).text()));
        } else {
            out.printf(Locale.ROOT, "%-14s %s%n", name, value == null ? "-" : value);
        }
    }

    private GenerationResult make(Blip2ForConditionalGeneration blip2, INDArray pixels, int count) {
        GenerationConfig exactly = GenerationConfig.builder()
                .maxNewTokens(count)
                .minNewTokens(count)
                .numBeams(beams)
                .build();
        return blip2.generate(pixels, null, null, exactly);
    }

    private INDArray picture(int size) {
        float[] pixels = new float[batch * 3 * size * size];
        int at = 0;
        for (int b = 0; b < batch; b++) {
            for (int c = 0; c < 3; c++) {
                for (int y = 0; y < size; y++) {
                    for (int x = 0; x < size; x++) {
                        pixels[at++] = (float) ((31 * c + 17 * y + 29 * x + x * y + 7 * b) % 255 / 127.0 - 1);
                    }
                }
            }
        }
        return Nd4j.create(pixels, new long[] {batch, 3, size, size}, 'c');
    }

    private static double seconds(long start) {
        return (System.nanoTime() - start) / 1e9;
    }

    private static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }

    private static double rounded(double value) {
        return Math.round(value * 1e4) / 1e4;
    }

    /** The most memory this process ever held, where the system tells (Linux), else null. */
    private static Double peakRssGib() throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.exists(status)) {
            return null;
        }
        for (String line : Files.readAllLines(status)) {
            if (line.startsWith("VmHWM:")) {
                return rounded(Long.parseLong(line.replaceAll("\\D", "")) / KIB_PER_GIB);
            }
        }
        return null;
    }
}
