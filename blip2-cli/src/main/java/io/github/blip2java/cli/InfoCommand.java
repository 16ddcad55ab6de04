/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.Blip2Config;
import io.github.blip2java.ComputeEnvironment;
import io.github.blip2java.ModelKind;
import io.github.blip2java.checkpoint.Checkpoint;
import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.checkpoint.StoredTensor;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.demo.DemoModel;
import io.github.blip2java.memory.MemoryEstimate;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Says what a checkpoint folder holds, without loading it. */
@Command(
        name = "info",
        mixinStandardHelpOptions = true,
        description =
                "Shows a checkpoint's architecture, parameters, bytes, dtypes and the memory it needs, and what this"
                        + " computer would run it with.",
        footer = {"", "Example:", "  blip2 info models/blip2-opt-2.7b"})
final class InfoCommand implements Callable<Integer> {
    private static final double GIB = 1L << 30;

    @Parameters(arity = "0..1", paramLabel = "MODEL", description = ModelDownload.MODEL + " (default: the demo model).")
    private String model;

    @Mixin
    private ModelDownload download;

    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    @Spec
    private CommandSpec spec;

    /** Made by picocli. */
    InfoCommand() {}

    @Override
    public Integer call() throws Exception {
        PrintWriter out = spec.commandLine().getOut();
        Path folder = model == null ? DemoModel.checkpoint() : download.resolve(model);
        Blip2Config config = Blip2Config.fromPretrained(folder);
        try (Checkpoint checkpoint = Checkpoint.open(folder, config.tiedWeights())) {
            Map<String, Object> facts = facts(checkpoint, config);
            if (json) {
                out.println(new ObjectMapper().writeValueAsString(facts));
            } else {
                facts.forEach((name, value) -> out.printf(Locale.ROOT, "%-22s %s%n", name.replace('_', ' '), value));
            }
        }
        Output.flush(out);
        return Blip2.OK;
    }

    private static Map<String, Object> facts(Checkpoint checkpoint, Blip2Config config) {
        WeightFormat quantised = checkpoint.quantization();
        long parameters = checkpoint.tensors().values().stream()
                .mapToLong(tensor -> tensor.info().elements())
                .sum();
        if (config.source().get("quantization_config") instanceof Map<?, ?> quantization
                && quantization.get("parameters") instanceof Number before) {
            parameters = before.longValue(); // scales are none, and a byte may hold two
        }
        long bytes = checkpoint.tensors().values().stream()
                .mapToLong(tensor -> tensor.info().bytes())
                .sum();
        Map<DType, Long> dtypes = checkpoint.tensors().values().stream()
                .collect(Collectors.groupingBy(StoredTensor::dtype, TreeMap::new, Collectors.counting()));
        var vision = config.visionConfig();
        var qformer = config.qformerConfig();
        var text = config.textConfig();
        ModelKind kind = ModelKind.of(checkpoint);
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("kind", kind.description());
        facts.put("use_with", kind.classes());
        if (kind == ModelKind.CONDITIONAL_GENERATION) {
            facts.put("language_model", text.modelType());
        }
        facts.put(
                "vision_encoder",
                vision.numHiddenLayers() + " layers of " + vision.hiddenSize() + ", pictures of " + vision.imageSize()
                        + " pixels in patches of " + vision.patchSize());
        facts.put(
                "qformer",
                qformer.numHiddenLayers() + " layers of " + qformer.hiddenSize() + ", " + config.numQueryTokens()
                        + " queries");
        if (kind == ModelKind.CONDITIONAL_GENERATION) {
            facts.put("language_hidden_size", text.hiddenSize());
            facts.put("vocabulary", text.vocabSize());
        } else {
            facts.put("embedding_width", config.imageTextHiddenSize());
            facts.put("vocabulary", qformer.vocabSize());
            facts.put("text_positions", qformer.maxPositionEmbeddings());
        }
        facts.put(
                "image_token",
                config.imageTokenIndex().isPresent()
                        ? (Object) config.imageTokenIndex().getAsInt()
                        : "none (older layout)");
        facts.put("tensors", checkpoint.tensors().size());
        facts.put("parameters", parameters);
        facts.put("bytes", bytes);
        facts.put("dtypes", dtypes.toString());
        if (quantised != WeightFormat.AUTO) {
            facts.put("quantised", quantised.name().toLowerCase(Locale.ROOT));
        }
        facts.put("memory_as_stored_gib", gib(MemoryEstimate.of(checkpoint, config, WeightFormat.AUTO)));
        if (quantised == WeightFormat.AUTO) {
            facts.put("memory_f32_gib", gib(MemoryEstimate.of(checkpoint, config, WeightFormat.F32)));
            facts.put("memory_f16_gib", gib(MemoryEstimate.of(checkpoint, config, WeightFormat.F16)));
            facts.put("memory_int8_gib", gib(MemoryEstimate.of(checkpoint, config, WeightFormat.INT8)));
            facts.put("memory_int4_gib", gib(MemoryEstimate.of(checkpoint, config, WeightFormat.INT4)));
        }
        ComputeEnvironment environment = ComputeEnvironment.current();
        facts.put("java", Runtime.version().toString());
        facts.put("kernels", environment.kernels());
        facts.put("products_by", environment.library());
        facts.put(
                "int8_activations",
                environment.activationBits() == Float.SIZE ? "float32" : environment.activationBits() + " bits");
        facts.put("threads", environment.threads());
        return facts;
    }

    private static double gib(MemoryEstimate memory) {
        return Math.round(memory.total() / GIB * 10) / 10.0;
    }
}
