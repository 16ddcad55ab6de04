/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.weights;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The weights of a Hugging Face model folder: {@code model.safetensors}, or shards with an index.
 *
 * <p>Opening reads headers alone. Tensors are mapped when asked for. Safe for many threads; after {@link #close} asking is
 * an {@link IllegalStateException}, and mapped tensors are gone.
 */
public final class Checkpoint implements AutoCloseable {
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
     * Checks that a path is a folder.
     *
     * @param directory where a checkpoint should be
     * @throws IOException if nothing is there, or a file
     */
    public static void requireFolder(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            throw new NoSuchFileException(
                    directory + ": expected a checkpoint folder, found nothing there; check the path");
        }
        if (!Files.isDirectory(directory)) {
            throw new NotDirectoryException(
                    directory + ": expected a checkpoint folder, got a file; pass the folder it is in");
        }
    }

    /**
     * Opens the weights of a folder.
     *
     * @param directory the folder with {@code model.safetensors} or {@code model.safetensors.index.json}
     * @return the open checkpoint
     * @throws IOException if the folder, or a file it needs, is missing or unreadable
     * @throws MalformedCheckpointException if a file's content is wrong
     */
    public static Checkpoint open(Path directory) throws IOException {
        requireFolder(directory);
        if (Files.exists(directory.resolve(INDEX))) {
            return openShards(directory);
        }
        if (Files.exists(directory.resolve(SINGLE))) {
            SafetensorsFile file = SafetensorsFile.open(directory.resolve(SINGLE));
            SortedMap<String, StoredTensor> tensors = new TreeMap<>();
            WeightMemory memory = new WeightMemory();
            file.tensors().forEach((name, info) -> tensors.put(name, new StoredTensor(file, info, memory)));
            return new Checkpoint(directory, List.of(file), tensors, memory);
        }
        throw new NoSuchFileException(missing(directory));
    }

    private static String missing(Path directory) throws IOException {
        String nothing = directory + ": no " + SINGLE + " and no " + INDEX;
        try (Stream<Path> entries = Files.list(directory)) {
            boolean pickled = entries.map(path -> path.getFileName().toString())
                    .anyMatch(name -> name.startsWith("pytorch_model") && name.contains(".bin"));
            return pickled
                    ? nothing + ", only pytorch_model*.bin, which can run code when read; convert it once with Python:"
                            + " from transformers import Blip2ForConditionalGeneration as M; M.from_pretrained(\""
                            + directory + "\").save_pretrained(\"" + directory + "\", safe_serialization=True)"
                    : nothing + "; pass a folder downloaded from the Hugging Face Hub";
        }
    }

    private static Checkpoint openShards(Path directory) throws IOException {
        Map<String, String> shardOf = readIndex(directory.resolve(INDEX));
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
            return new Checkpoint(directory, List.copyOf(shards.values()), tensors, memory);
        } catch (Throwable e) {
            shards.values().forEach(shard -> Failures.close(e, shard));
            throw e;
        }
    }

    private static SafetensorsFile openShard(Path directory, String shard) throws IOException {
        Path file = directory.resolve(shard);
        if (!Files.exists(file)) {
            throw new NoSuchFileException(
                    file + ": expected the shard that " + INDEX + " names, found no such file; download it");
        }
        return SafetensorsFile.open(file);
    }

    private static Map<String, String> readIndex(Path index) throws IOException {
        JsonNode map = CheckpointFile.json(index).path("weight_map");
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
        return new WeightScope(this, "", format);
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
