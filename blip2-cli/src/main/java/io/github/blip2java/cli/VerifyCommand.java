/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.cli.verify.Check;
import io.github.blip2java.cli.verify.Verifier;
import io.github.blip2java.demo.DemoModel;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Compares a checkpoint with what {@code transformers} computed with it. */
@Command(
        name = "verify",
        mixinStandardHelpOptions = true,
        description = "Runs every check of a reference case: a folder with checkpoint/, reference.safetensors and"
                + " reference.json. Prints one line each.",
        footer = {"", "Example:", "  blip2 verify src/test/resources/reference/opt-tiny"})
final class VerifyCommand implements Callable<Integer> {
    @Parameters(arity = "0..1", paramLabel = "DIR", description = "The reference case (default: the demo model's).")
    private Path directory;

    @Mixin
    private ModelOptions options;

    @Spec
    private CommandSpec spec;

    private int checks;
    private int failed;

    /** Made by picocli. */
    VerifyCommand() {}

    @Override
    public Integer call() throws Exception {
        PrintWriter out = spec.commandLine().getOut();
        ObjectMapper json = new ObjectMapper();
        checks = 0;
        failed = 0;
        try (Progress progress = new Progress(spec.commandLine().getErr())) {
            Path reference = directory == null ? DemoModel.referenceCase() : directory;
            Verifier.verify(reference, options.apply(progress), check -> {
                checks++;
                failed += check.ok() ? 0 : 1;
                progress.clear();
                out.println(options.json() ? line(json, fields(check)) : check.toString());
                Output.flush(out);
            });
        }
        Map<String, Object> summary = new LinkedHashMap<>();
        summary.put("checks", checks);
        summary.put("failed", failed);
        out.println(options.json() ? line(json, summary) : checks + " checks, " + failed + " failed");
        Output.flush(out);
        return failed == 0 ? Blip2.OK : Blip2.SOME_FAILED;
    }

    private static Map<String, Object> fields(Check check) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("check", check.name());
        fields.put("kind", check.kind());
        fields.put("max_abs", finite(check.maxAbs()));
        fields.put("rel_rms", finite(check.relRms()));
        fields.put("cosine", finite(check.cosine()));
        fields.put("bound", check.bound());
        fields.put("reference_rel_rms", finite(check.own()));
        fields.put("ok", check.ok());
        if (!check.detail().isEmpty()) {
            fields.put("detail", check.detail());
        }
        return fields;
    }

    /** JSON has no NaN and no infinity. */
    private static Double finite(double value) {
        return Double.isFinite(value) ? value : null;
    }

    private static String line(ObjectMapper json, Map<String, Object> fields) {
        try {
            return json.writeValueAsString(fields);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
