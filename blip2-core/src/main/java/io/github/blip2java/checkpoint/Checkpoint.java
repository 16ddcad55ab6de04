/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The weights of a Hugging Face model folder: {@code model.safetensors}, or shards with an index.
 *
 * <p>Opening reads headers alone. Tensors are mapped when asked for. Safe for many threads; after {@link #close} asking is
 * an {@link IllegalStateException}, and mapped tensors are gone.
 */
public final class Checkpoint implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Checkpoint.class);
    private static final String SINGLE = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";

    /** Left over from older versions, or second copies of tied tables: read by nothing, and right to be ignored. */
    private static final Pattern IGNORED = Pattern.compile(".*(^|\\.)embeddings\\.position_ids"
            + "|.*decoder\\.block\\.0\\.layer\\.1\\.EncDecAttention\\.relative_attention_bias\\.weight"
            + "|language_model\\.(encoder|decoder)\\.embed_tokens\\.weight"
            + "|language_model\\.shared\\.weight"
            + "|.*\\.rotary_emb\\.inv_freq");

    private final Path directory;
    private final List<SafetensorsFile> files;
    private final SortedMap<String, StoredTensor> tensors;
    private final WeightMemory memory;
    private final Set<String> used = ConcurrentHashMap.newKeySet();

    private Checkpoint(
            Path directory, List<SafetensorsFile> files, SortedMap<String, StoredTensor> tensors, WeightMemory memory) {
        this.directory = directory;
        this.files = files;
        this.memory = memory;
        this.tensors = Collections.unmodifiableSortedMap(tensors);
    }

    /**
     * Opens the weights of a folder.
     *
     * @param directory the folder with {@code model.safetensors} or {@code model.safetensors.index.json}, or what
     *     {@link CheckpointFolder#resolve} finds one by; the single file counts where both are there, as in {@code transformers}
     * @return the open checkpoint
     * @throws IOException if the folder, or a file it needs, is missing or unreadable
     * @throws MalformedCheckpointException if a file's content is wrong
     * @throws UnsupportedModelException if there is only a LoRA adapter
     */
    public static Checkpoint open(Path directory) throws IOException {
        return open(directory, Map.of());
    }

    /**
     * Opens the weights of a folder of which some are tied: one tensor that goes by several names, of which a file may have any.
     *
     * @param directory as for {@link #open(Path)}
     * @param tied      for the name by which a tensor is asked for, the other names that it may be stored under instead, the first found
     *     counts; what the file says of names that were dropped ({@code safetensors.torch.save_model} does) holds besides
     * @return the open checkpoint, in which each tensor has the name by which it is asked for
     * @throws IOException as {@link #open(Path)} does
     * @throws MalformedCheckpointException as {@link #open(Path)} does
     * @throws UnsupportedModelException as {@link #open(Path)} does
     */
    public static Checkpoint open(Path directory, Map<String, List<String>> tied) throws IOException {
        Path folder = CheckpointFolder.resolve(directory);
        boolean index = isThere(folder.resolve(INDEX));
        if (isThere(folder.resolve(SINGLE))) {
            if (index) {
                LOG.warn("{}: {} is beside {}, which counts; remove what is left over", folder, INDEX, SINGLE);
            }
            return openSingle(folder, tied);
        }
        if (index) {
            return openShards(folder, tied);
        }
        Optional<String> adapter = CheckpointFolder.adapter(folder);
        if (adapter.isPresent()) {
            throw new UnsupportedModelException(adapter.get());
        }
        throw new NoSuchFileException(missing(folder));
    }

    /** A link whose target is gone counts as well, so that its message comes. */
    private static boolean isThere(Path file) {
        return Files.exists(file, LinkOption.NOFOLLOW_LINKS);
    }

    private static String missing(Path directory) throws IOException {
        String nothing = directory + ": no " + SINGLE + " and no " + INDEX;
        List<String> names;
        try (Stream<Path> entries = Files.list(directory)) {
            names = entries.map(path -> path.getFileName().toString()).sorted().toList();
        }
        if (names.stream().anyMatch(name -> name.startsWith("pytorch_model") && name.contains(".bin"))) {
            return nothing + ", only pytorch_model*.bin, which can run code when read; convert it once with Python:"
                    + " from transformers import Blip2ForConditionalGeneration as M; M.from_pretrained(\""
                    + directory + "\").save_pretrained(\"" + directory + "\", safe_serialization=True)";
        }
        return names.stream()
                .filter(name -> name.endsWith(".safetensors"))
                .findFirst()
                .map(name -> nothing + ", only " + name + "; if it holds all weights, rename it to " + SINGLE
                        + ", else download the rest")
                .orElse(nothing + "; pass a folder downloaded from the Hugging Face Hub");
    }

    private static Checkpoint openSingle(Path directory, Map<String, List<String>> tied) throws IOException {
        SafetensorsFile file = SafetensorsFile.open(directory.resolve(SINGLE));
        SortedMap<String, StoredTensor> tensors = new TreeMap<>();
        WeightMemory memory = new WeightMemory();
        file.tensors().forEach((name, info) -> tensors.put(name, new StoredTensor(file, info, memory)));
        nameTied(tensors, tied, file.metadata());
        return new Checkpoint(directory, List.of(file), tensors, memory);
    }

    /** Gives tensors that are stored under another of their names the one that they are asked for by. */
    private static void nameTied(
            SortedMap<String, StoredTensor> tensors, Map<String, List<String>> tied, Map<String, String> dropped) {
        tied.forEach((name, others) -> {
            Optional<String> stored =
                    others.stream().filter(tensors::containsKey).findFirst();
            if (stored.isPresent() && !tensors.containsKey(name)) {
                tensors.put(name, tensors.remove(stored.get()).renamed(name));
            }
        });
        Set<String> known = new HashSet<>(tied.keySet());
        tied.values().forEach(known::addAll);
        dropped.forEach((name, kept) -> {
            if (tensors.containsKey(kept) && !known.contains(name)) {
                tensors.putIfAbsent(name, tensors.get(kept).renamed(name));
            }
        });
    }

    private static Checkpoint openShards(Path directory, Map<String, List<String>> tied) throws IOException {
        ObjectNode index = CheckpointFile.json(directory.resolve(INDEX));
        Map<String, String> shardOf = shards(directory.resolve(INDEX), index);
        Map<String, SafetensorsFile> shards = new LinkedHashMap<>();
        SortedMap<String, StoredTensor> tensors = new TreeMap<>();
        WeightMemory memory = new WeightMemory();
        try {
            for (Map.Entry<String, String> entry : shardOf.entrySet()) {
                String shard = entry.getValue();
                if (!shards.containsKey(shard)) {
                    shards.put(shard, openShard(directory, shard));
                }
                SafetensorsFile file = shards.get(shard);
                TensorInfo info = file.tensors().get(entry.getKey());
                if (info == null) {
                    throw new MalformedCheckpointException(
                            directory.resolve(INDEX),
                            entry.getKey(),
                            -1,
                            INDEX + ": expected tensor \"" + entry.getKey() + "\" in " + shard
                                    + ", which has none of that name; download both again");
                }
                tensors.put(entry.getKey(), new StoredTensor(file, info, memory));
            }
            Map<String, String> dropped = new LinkedHashMap<>();
            index.path("metadata")
                    .properties()
                    .forEach(entry ->
                            dropped.put(entry.getKey(), entry.getValue().asText()));
            nameTied(tensors, tied, dropped);
            return new Checkpoint(directory, List.copyOf(shards.values()), tensors, memory);
        } catch (Throwable e) {
            shards.values().forEach(shard -> Failures.close(e, shard));
            throw e;
        }
    }

    private static SafetensorsFile openShard(Path directory, String shard) throws IOException {
        Path file = directory.resolve(shard);
        if (!Files.exists(file)) {
            throw Unreadable.missing(
                    file, "expected the shard that " + INDEX + " names, found no such file; download it");
        }
        return SafetensorsFile.open(file);
    }

    private static Map<String, String> shards(Path index, ObjectNode json) {
        JsonNode map = json.path("weight_map");
        if (!map.isObject() || map.isEmpty()) {
            throw new MalformedCheckpointException(
                    index,
                    INDEX + ": expected an object weight_map from tensor names to file names; download it again");
        }
        Map<String, String> shardOf = new LinkedHashMap<>();
        for (Iterator<Map.Entry<String, JsonNode>> entries = map.fields(); entries.hasNext(); ) {
            Map.Entry<String, JsonNode> entry = entries.next();
            String shard = entry.getValue().asText();
            // A name that leads out of the folder would read files that were never meant to be read.
            if (!entry.getValue().isTextual() || !shard.matches("[^/\\\\]+\\.safetensors")) {
                throw new MalformedCheckpointException(
                        index,
                        entry.getKey(),
                        -1,
                        INDEX + ": tensor \"" + entry.getKey()
                                + "\": expected a plain file name ending in .safetensors, got "
                                + CheckpointFile.shown(entry.getValue())
                                + "; do not trust this checkpoint");
            }
            shardOf.put(entry.getKey(), shard);
        }
        return shardOf;
    }

    /**
     * Gives the folder.
     *
     * @return where the checkpoint is
     */
    public Path directory() {
        return directory;
    }

    /**
     * Gives all tensors.
     *
     * @return them by name, sorted
     */
    public SortedMap<String, StoredTensor> tensors() {
        return tensors;
    }

    /**
     * How the matrices are quantised.
     *
     * @return INT8, INT4, or AUTO if they are floats
     */
    public WeightFormat quantization() {
        return tensors.values().stream()
                .map(tensor -> tensor.dtype().quantization())
                .filter(format -> format != WeightFormat.AUTO)
                .findFirst()
                .orElse(WeightFormat.AUTO);
    }

    /**
     * Tells whether a tensor is there.
     *
     * @param name its full name
     * @return true if the checkpoint has it
     */
    public boolean contains(String name) {
        return tensors.containsKey(name);
    }

    /**
     * Finds a tensor.
     *
     * @param name its full name
     * @return the tensor
     * @throws MalformedCheckpointException if there is none of that name; names the nearest ones
     */
    public StoredTensor tensor(String name) {
        StoredTensor tensor = tensors.get(name);
        if (tensor == null) {
            throw new MalformedCheckpointException(
                    directory,
                    name,
                    -1,
                    directory + ": expected a tensor \"" + name + "\", found none; nearest: "
                            + NearestNames.of(name, tensors.keySet())
                            + ". config.json and the weights do not belong together, or the download is not complete");
        }
        return tensor;
    }

    /**
     * Starts at the top.
     *
     * @param format how matrices are to be kept in memory
     * @return the scope of all names
     */
    public WeightScope root(WeightFormat format) {
        return root(format, Arithmetic.F32);
    }

    /**
     * Starts at the top.
     *
     * @param format     how matrices are to be kept in memory
     * @param arithmetic how their products of many rows are to be computed
     * @return the scope of all names
     */
    public WeightScope root(WeightFormat format, Arithmetic arithmetic) {
        return new WeightScope(this, "", format, arithmetic);
    }

    /**
     * The memory that the weights lie in, freed when the checkpoint is closed.
     *
     * @return its owner
     */
    public WeightMemory memory() {
        return memory;
    }

    StoredTensor take(String name, long... shape) {
        StoredTensor tensor = tensor(name);
        if (!Arrays.equals(tensor.info().shape(), shape)) {
            throw new MalformedCheckpointException(
                    tensor.file().path(),
                    name,
                    tensor.info().begin(),
                    tensor.file().path().getFileName() + ": tensor \""
                            + name + "\": expected shape " + Arrays.toString(shape) + " by config.json, got "
                            + Arrays.toString(tensor.info().shape()) + "; take both files from one checkpoint");
        }
        used.add(name);
        return tensor;
    }

    /**
     * Checks that every file is as long as it was when it was opened. Reading mapped memory behind the end of a file that somebody has
     * cut ends the process or fails somewhere within; a file that was replaced by another of its name does no harm.
     *
     * @throws MalformedCheckpointException if one became shorter
     */
    public void checkLengths() {
        files.forEach(SafetensorsFile::checkLength);
    }

    /**
     * Lists what no component asked for.
     *
     * @return full names, without those that older checkpoints are known to carry for nothing
     */
    public Set<String> unused() {
        Set<String> unused = new TreeSet<>(tensors.keySet());
        unused.removeAll(used);
        unused.removeIf(name -> IGNORED.matcher(name).matches());
        return unused;
    }

    /** Closes the files and frees the weights, as {@link WeightMemory#close} does. */
    @Override
    public void close() {
        memory.close();
        List<IOException> failures = new ArrayList<>();
        for (SafetensorsFile file : files) {
            try {
                file.close();
            } catch (IOException e) {
                failures.add(e);
            }
        }
        if (!failures.isEmpty()) {
            throw new UncheckedIOException(directory + ": cannot close", failures.get(0));
        }
    }
}
