/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.Blip2ForConditionalGeneration;
import io.github.blip2java.checkpoint.MalformedCheckpointException;
import io.github.blip2java.checkpoint.SafetensorsFile;
import io.github.blip2java.checkpoint.UnsupportedModelException;
import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.memory.InsufficientMemoryException;
import io.github.blip2java.processor.Blip2Processor;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ImageReader;
import io.github.blip2java.processor.ProcessorOutput;
import io.github.blip2java.processor.ReadOptions;
import io.github.blip2java.processor.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Damaged files: whatever they hold, the outcome is an answer or a documented exception.
 *
 * <p>A fault is any {@link Error}, any other exception, an input that takes two minutes, a file handle that stays open, and of
 * course the end of the JVM. The input is then left in {@code target/fuzz}.
 *
 * <p>{@code -Dblip2.fuzz.inputs=N} inputs of each kind, or {@code -Dblip2.fuzz.seconds=N} for each kind;
 * {@code -Dblip2.fuzz.seed=S} for others; {@code -Dblip2.fuzz.first=I} to begin at one that is known. An input depends on seed,
 * kind and number alone.
 */
class FuzzTest {
    private static final long SEED = Long.getLong("blip2.fuzz.seed", 20);
    private static final long SECONDS = Long.getLong("blip2.fuzz.seconds", 0);
    private static final long INPUTS = SECONDS > 0 ? Long.MAX_VALUE : Long.getLong("blip2.fuzz.inputs", 0);
    private static final long FIRST = Long.getLong("blip2.fuzz.first", 0);
    private static final int HANG_SECONDS = 120;
    private static final Path OUT = Path.of("target", "fuzz");
    private static final GenerationConfig TWO =
            GenerationConfig.builder().maxNewTokens(2).build();
    private static final List<Class<? extends Exception>> OF_FILES =
            List.of(IOException.class, MalformedCheckpointException.class, UnsupportedModelException.class);

    private final ExecutorService worker = Executors.newSingleThreadExecutor(task -> {
        Thread thread = new Thread(task, "fuzz");
        thread.setDaemon(true); // one that hangs must not keep the JVM alive
        return thread;
    });
    private final PrintStream log = System.err;

    /** Warnings about damaged files are right, and thousands of them are of no use. */
    @BeforeEach
    void silence() {
        System.setErr(new PrintStream(PrintStream.nullOutputStream()));
    }

    @AfterEach
    void stop() {
        worker.shutdownNow();
        System.setErr(log);
    }

    /** A kind of input: which files are damaged, how, and what is done with them. */
    enum Kind {
        PICTURES(2000) {
            @Override
            Map<String, byte[]> make(Random random, Mutator mutator) throws IOException {
                List<Path> pictures = files(
                        Resources.root().resolve("images"),
                        ".jpg",
                        ".png",
                        ".gif",
                        ".bmp",
                        ".tif",
                        ".webp",
                        ".ico",
                        ".pbm",
                        ".pgm",
                        ".ppm");
                byte[] one = anyFile(pictures, random);
                return Map.of("picture", mutator.bytes(one, anyFile(pictures, random)));
            }

            @Override
            void use(Path folder) throws IOException {
                ReadOptions options = ReadOptions.defaults().withMaxPixels(4_000_000);
                ImageReader.read(folder.resolve("picture"), options);
                ImageReader.read(folder.resolve("picture"), options.withApplyExifOrientation(true));
            }
        },

        HEADERS(500) {
            @Override
            Map<String, byte[]> make(Random random, Mutator mutator) throws IOException {
                byte[] file =
                        Files.readAllBytes(Resources.checkpoint("opt-bf16").resolve(WEIGHTS));
                int length = (int)
                        ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
                byte[] header = Arrays.copyOfRange(file, 8, 8 + length);
                byte[] damaged = random.nextBoolean() ? mutator.json(header) : mutator.bytes(header, header);
                ByteBuffer all = ByteBuffer.allocate(file.length - length + damaged.length)
                        .order(ByteOrder.LITTLE_ENDIAN);
                all.putLong(damaged.length).put(damaged).put(file, 8 + length, file.length - 8 - length);
                return Map.of(WEIGHTS, all.array());
            }

            @Override
            void use(Path folder) throws IOException {
                try (SafetensorsFile file = SafetensorsFile.open(folder.resolve(WEIGHTS))) {
                    file.tensors().keySet().forEach(file::map);
                }
            }
        },

        WEIGHTS_FILES(100) {
            @Override
            Map<String, byte[]> make(Random random, Mutator mutator) throws IOException {
                Map<String, byte[]> files = folder(Resources.checkpoint(any(MODELS, random)));
                files.computeIfPresent(WEIGHTS, (name, file) -> mutator.bytes(file, file));
                return files;
            }

            @Override
            void use(Path folder) throws IOException {
                generate(folder);
            }
        },

        MODEL_JSON(250) {
            @Override
            Map<String, byte[]> make(Random random, Mutator mutator) throws IOException {
                Map<String, byte[]> files = folder(Resources.checkpoint(any(MODELS, random)));
                String file = any(List.of("config.json", "config.json", "generation_config.json"), random);
                if (random.nextInt(8) == 0) {
                    byte[] index = "{\"metadata\": {}, \"weight_map\": {\"query_tokens\": \"model.safetensors\"}}"
                            .getBytes(StandardCharsets.UTF_8);
                    files.put(WEIGHTS + ".index.json", damagedJson(index, random, mutator));
                }
                files.computeIfPresent(file, (name, bytes) -> damagedJson(bytes, random, mutator));
                return files;
            }

            @Override
            void use(Path folder) throws IOException {
                generate(folder);
            }
        },

        PROCESSOR_JSON(300) {
            @Override
            Map<String, byte[]> make(Random random, Mutator mutator) throws IOException {
                Map<String, byte[]> files =
                        folder(Resources.root().resolve("published").resolve(any(FOLDERS, random)));
                String file = any(List.of("config.json", "preprocessor_config.json", "processor_config.json"), random);
                files.computeIfPresent(file, (name, bytes) -> damagedJson(bytes, random, mutator));
                return files;
            }

            @Override
            void use(Path folder) throws IOException {
                process(folder);
            }
        },

        TOKENIZERS(400) {
            @Override
            Map<String, byte[]> make(Random random, Mutator mutator) throws IOException {
                Path root = Resources.root();
                String name = any(FOLDERS, random);
                Map<String, byte[]> files = random.nextInt(3) == 0
                        ? folder(root.resolve("tokenizers").resolve(any(List.of("opt", "t5", "bert"), random)))
                        : folder(root.resolve("published").resolve(name));
                List<String> of = files.keySet().stream()
                        .filter(file -> file.startsWith("tokenizer") || !file.endsWith("config.json"))
                        .filter(file -> !file.contains("expected") && !file.contains("index"))
                        .toList();
                String file = any(of, random);
                byte[] bytes = files.get(file);
                if (random.nextInt(3) == 0) {
                    // A file that is followed as it stands, whatever its vocabulary.
                    files.put(
                            "tokenizer_config.json",
                            "{\"tokenizer_class\": \"PreTrainedTokenizerFast\"}".getBytes(StandardCharsets.UTF_8));
                }
                files.put(
                        file,
                        file.endsWith(".json")
                                ? damagedJson(bytes, random, mutator)
                                : mutator.bytes(bytes, files.get(any(of, random))));
                return files;
            }

            @Override
            void use(Path folder) throws IOException {
                try (Tokenizer tokenizer = Tokenizer.fromPretrained(folder)) {
                    for (String text : TEXTS) {
                        long[] ids = tokenizer.encode(text, true);
                        tokenizer.decode(ids, true);
                        tokenizer.decode(ids, false);
                    }
                    tokenizer.decode(new long[] {0, 5, 300, tokenizer.imageTokenId(), 1_000_000}, false);
                }
            }
        };

        private static final String WEIGHTS = "model.safetensors";
        private static final List<String> MODELS = List.of("opt-bf16", "t5-bf16", "opt-legacy", "t5-legacy");
        private static final List<String> FOLDERS = List.of(
                "blip2-opt",
                "blip2-opt-older",
                "blip2-t5",
                "blip2-t5-2023",
                "blip2-t5-spiece",
                "blip2-itm",
                "blip2-itm-cased");
        private static final List<String> TEXTS = List.of(
                "",
                " ",
                "a photo of two cats </s> sitting\non the <extra_id_0> couch ",
                "Café ﬁ ①½ İ 犬と女性 👍🏽 ",
                "[CLS] x [MASK]");

        final int inputs;

        Kind(int inputs) {
            this.inputs = inputs;
        }

        /** Files by name. */
        abstract Map<String, byte[]> make(Random random, Mutator mutator) throws IOException;

        /** What is done with the folder they are in. */
        abstract void use(Path folder) throws IOException;

        private static String any(List<String> of, Random random) {
            return of.get(random.nextInt(of.size()));
        }

        private static byte[] anyFile(List<Path> of, Random random) throws IOException {
            return Files.readAllBytes(of.get(random.nextInt(of.size())));
        }

        private static byte[] damagedJson(byte[] bytes, Random random, Mutator mutator) {
            return random.nextInt(4) == 0 ? mutator.bytes(bytes, bytes) : mutator.json(bytes);
        }

        private static List<Path> files(Path root, String... ends) throws IOException {
            try (Stream<Path> all = Files.walk(root)) {
                return all.filter(file -> Arrays.stream(ends).anyMatch(file.toString()::endsWith))
                        .sorted()
                        .toList();
            }
        }

        private static Map<String, byte[]> folder(Path folder) throws IOException {
            Map<String, byte[]> files = new TreeMap<>();
            for (Path file : files(folder, "")) {
                if (Files.isRegularFile(file)) {
                    files.put(file.getFileName().toString(), Files.readAllBytes(file));
                }
            }
            return files;
        }

        private static void generate(Path folder) throws IOException {
            try (Blip2ForConditionalGeneration model = Blip2ForConditionalGeneration.fromPretrained(folder)) {
                int side = model.config().visionConfig().imageSize();
                model.generate(Nd4j.zeros(DataType.FLOAT, 1, 3, side, side), null, null, TWO);
            } catch (IllegalArgumentException e) {
                // documented for generate: what the model cannot do with what it is given
            } catch (IllegalStateException e) {
                if (!e.getMessage().contains("NaN")) {
                    throw e; // weights that give no numbers are named as such
                }
            }
        }

        private static void process(Path folder) throws IOException {
            try (Blip2Processor processor = Blip2Processor.fromPretrained(folder)) {
                Image picture = Image.ofRgb(2, 1, new byte[] {1, 2, 3, 100, 50, 0});
                ProcessorOutput output = processor.process(List.of(picture), List.of("a photo of "));
                processor.batchDecode(output.inputIds(), true);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void damagedFilesAreAnsweredOrRefused(Kind kind) throws Exception {
        // Without the Vector API, in the suite's second run, come other inputs.
        long inputs = INPUTS > 0 ? INPUTS : kind.inputs;
        long first = INPUTS > 0 || Boolean.getBoolean("blip2.test.vector") ? FIRST : inputs;
        System.out.println("fuzz " + kind + ": seed " + SEED + ", from input " + first);
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
        long number = first;
        int refused = 0;
        for (; number - first < inputs && (SECONDS == 0 || System.nanoTime() < end); number++) {
            refused += run(kind, number) ? 0 : 1;
        }
        System.out.println("fuzz " + kind + ": " + (number - first) + " inputs, " + refused + " refused");
        assertThat(refused).as("inputs that were refused").isPositive();
    }

    /** Runs one input; true when it gave an answer. */
    private boolean run(Kind kind, long number) throws Exception {
        Path folder = OUT.resolve(kind + "-" + SEED + "-" + number).toAbsolutePath();
        Random random = new Random((SEED * 1_000_003 + number) * Kind.values().length + kind.ordinal());
        Files.createDirectories(folder);
        for (Map.Entry<String, byte[]> file :
                kind.make(random, new Mutator(random)).entrySet()) {
            Files.write(folder.resolve(file.getKey()), file.getValue());
        }
        Future<?> call = worker.submit(() -> {
            kind.use(folder);
            return null;
        });
        boolean answered = true;
        try {
            call.get(HANG_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            throw new AssertionError(folder + ": no answer after " + HANG_SECONDS + " s" + whereItIs(), e);
        } catch (ExecutionException e) {
            answered = false;
            Throwable outcome = e.getCause();
            boolean documented = outcome instanceof InsufficientMemoryException
                    || OF_FILES.stream().anyMatch(type -> type.isInstance(outcome));
            if (!documented
                    || outcome.getMessage() == null
                    || outcome.getMessage().isBlank()) {
                throw new AssertionError(folder + ": " + outcome, outcome);
            }
        }
        assertThat(openIn(folder))
                .as("file handles that stay open in %s", folder)
                .isEmpty();
        Resources.delete(folder);
        return answered;
    }

    private static String whereItIs() {
        StringBuilder stack = new StringBuilder();
        Thread.getAllStackTraces().forEach((thread, frames) -> {
            if (thread.getName().equals("fuzz")) {
                Arrays.stream(frames)
                        .limit(30)
                        .forEach(frame -> stack.append("\n  at ").append(frame));
            }
        });
        return stack.toString();
    }

    /** Files that this process has open below a folder; none where the system does not tell. */
    private static List<Path> openIn(Path folder) throws IOException {
        Path handles = Path.of("/proc/self/fd");
        if (!Files.isDirectory(handles)) {
            return List.of();
        }
        try (Stream<Path> all = Files.list(handles)) {
            return all.map(FuzzTest::target)
                    .filter(file -> file.startsWith(folder))
                    .toList();
        }
    }

    private static Path target(Path handle) {
        try {
            return Files.readSymbolicLink(handle);
        } catch (IOException e) {
            return handle; // closed since
        }
    }
}
