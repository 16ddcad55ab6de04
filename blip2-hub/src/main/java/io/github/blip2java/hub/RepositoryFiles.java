/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** Which files of a repository a BLIP-2 model needs. */
final class RepositoryFiles {
    static final String CONFIG = "config.json";
    static final String WEIGHTS = "model.safetensors";
    static final String INDEX = "model.safetensors.index.json";

    /** What is read beside weights. */
    private static final Pattern COMPANION =
            Pattern.compile("config\\.json|generation_config\\.json|(pre)?processor_config\\.json|tokenizer\\.json"
                    + "|tokenizer_config\\.json|special_tokens_map\\.json|added_tokens\\.json|vocab\\.(json|txt)|merges\\.txt"
                    + "|spiece\\.model");

    /** A shard lies beside its index, whatever the index says. */
    private static final Pattern SHARD = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]*\\.safetensors");

    private static final Pattern PICKLE = Pattern.compile("pytorch_model.*\\.bin|.*\\.(pth|pt|ckpt)");
    private static final Pattern ADAPTER = Pattern.compile("adapter_config\\.json");
    private static final Set<String> VOCABULARIES = Set.of("tokenizer.json", "vocab.json", "vocab.txt", "spiece.model");
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final int SHOWN = 5;

    private RepositoryFiles() {}

    /** Whether the index says which weights are needed; the single file counts where both are there, as in {@code transformers}. */
    static boolean sharded(Collection<String> names) {
        return !names.contains(WEIGHTS) && names.contains(INDEX);
    }

    /**
     * Selects files.
     *
     * @param names  of all files
     * @param shards of the index, if {@link #sharded}
     * @return the names of those to have, config.json last: what has it has everything
     */
    static List<String> needed(Collection<String> names, Collection<String> shards) {
        List<String> needed = new ArrayList<>(shards);
        needed.add(shards.isEmpty() ? WEIGHTS : INDEX);
        names.stream()
                .filter(COMPANION.asMatchPredicate())
                .filter(name -> !name.equals(CONFIG))
                .sorted()
                .forEach(needed::add);
        needed.add(CONFIG);
        return needed;
    }

    /** Whether there is a vocabulary in a snapshot whose list of files is not known. */
    static boolean hasVocabulary(Collection<String> names) {
        return names.stream().anyMatch(VOCABULARIES::contains);
    }

    /**
     * Reads which shards an index names.
     *
     * @return names, sorted; none if it is no index
     */
    static Set<String> shards(byte[] index) {
        Set<String> shards = new TreeSet<>();
        try {
            for (JsonNode shard : MAPPER.readTree(index).path("weight_map")) {
                if (!SHARD.matcher(shard.asText()).matches()) {
                    return Set.of();
                }
                shards.add(shard.asText());
            }
        } catch (JsonProcessingException e) {
            return Set.of();
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return shards;
    }

    /** Refuses a repository without weights that can be read, before anything is downloaded. */
    static void checkWeights(String repository, Collection<String> names) throws HubException {
        if (names.contains(CONFIG) && (names.contains(WEIGHTS) || names.contains(INDEX))) {
            return;
        }
        String problem = repository + ": expected " + CONFIG + " and " + WEIGHTS + " or " + INDEX + ", got ";
        if (names.stream().anyMatch(ADAPTER.asMatchPredicate())) {
            throw unsuitable(
                    problem + "a LoRA adapter, which does not work without its model; merge the two once with Python"
                            + " (docs/checkpoints.md says how) and pass the folder");
        }
        List<String> pickles =
                names.stream().filter(PICKLE.asMatchPredicate()).sorted().toList();
        if (!pickles.isEmpty()) {
            throw unsuitable(
                    problem + "only " + shown(pickles) + ", which can run code and is not read; look for a revision"
                            + " with safetensors on the Hub (such as refs/pr/N), or convert once with Python: from transformers import"
                            + " Blip2ForConditionalGeneration as M; M.from_pretrained(\"" + repository
                            + "\").save_pretrained(\"DIR\"), copy the tokenizer's and the processor's files there, and pass DIR");
        }
        throw unsuitable(problem
                + (names.isEmpty() ? "no files" : shown(names.stream().sorted().toList()))
                + "; choose a repository of BLIP-2 (docs/models.md)");
    }

    /** Refuses other kinds of models, before gigabytes of them are downloaded. */
    static void checkConfig(String repository, byte[] config) throws HubException {
        String type;
        try {
            type = MAPPER.readTree(config).path("model_type").asText("blip-2");
        } catch (java.io.IOException e) {
            throw unsuitable(repository + ": expected JSON in " + CONFIG
                    + ", got something else; choose a repository of BLIP-2");
        }
        if (!type.equals("blip-2") && !type.equals("blip_2")) {
            throw unsuitable(repository + ": expected a model of the type blip-2, got \"" + HubClient.shown(type)
                    + "\"; choose a repository of BLIP-2 (docs/models.md)");
        }
    }

    static HubException unsuitable(String message) {
        return new HubException(HubException.Reason.UNSUITABLE, message);
    }

    private static String shown(List<String> names) {
        String list = String.join(", ", names.subList(0, Math.min(SHOWN, names.size())));
        return HubClient.shown(list) + (names.size() > SHOWN ? " and " + (names.size() - SHOWN) + " more" : "");
    }
}
