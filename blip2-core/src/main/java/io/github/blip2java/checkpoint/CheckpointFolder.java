/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Finds the checkpoint folder that a path stands for: the folder itself, or one in the cache of {@code huggingface_hub}.
 *
 * <p>The cache has a folder for each repository, {@code models--OWNER--NAME}, with {@code refs/main}, which names a revision,
 * {@code snapshots/REVISION}, which is a checkpoint folder of links, and {@code blobs}, which the links lead to.
 */
public final class CheckpointFolder {
    private static final String CONFIG = "config.json";
    private static final String ADAPTER = "adapter_config.json";
    private static final String SNAPSHOTS = "snapshots";
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]*");
    private static final Pattern SMALL_FILE = Pattern.compile(".*\\.(json|txt|model)");
    private static final int SHOWN = 5;

    private CheckpointFolder() {}

    /**
     * Finds the folder with the files.
     *
     * @param given a checkpoint folder; a repository's folder in the Hub's cache, or its {@code snapshots}
     * @return the checkpoint folder: what was given, or the revision that {@code refs/main} names
     * @throws IOException if there is none, or several, or it may not be read; says what to pass
     * @throws UnsupportedModelException if there is a LoRA adapter without its model; says how to merge them
     */
    public static Path resolve(Path given) throws IOException {
        if (!Files.exists(given)) {
            throw Unreadable.missing(
                    given,
                    "expected a checkpoint folder, found nothing there; check the path; a name on the Hugging Face Hub becomes"
                            + " one by ModelSource or blip2 download");
        }
        if (!Files.isDirectory(given)) {
            throw new NotDirectoryException(
                    given + ": expected a checkpoint folder, got a file; pass the folder it is in");
        }
        Path folder = Files.exists(given.resolve(CONFIG)) ? given : cached(given);
        checkLinks(folder);
        Optional<String> adapter = Files.exists(folder.resolve(CONFIG)) ? Optional.empty() : adapter(folder);
        if (adapter.isPresent()) {
            throw new UnsupportedModelException(adapter.get());
        }
        return folder;
    }

    /** Files that may be left out would be taken for left out where the target of their link is gone. */
    private static void checkLinks(Path folder) throws IOException {
        for (String name : names(folder).filter(SMALL_FILE.asMatchPredicate()).toList()) {
            if (!Files.exists(folder.resolve(name))) {
                throw Unreadable.missing(folder.resolve(name), "it went while the folder was read; load it again");
            }
        }
    }

    /** Follows a folder of the cache, whichever of its parts it is. */
    private static Path cached(Path given) throws IOException {
        if (Files.isDirectory(given.resolve(SNAPSHOTS))) {
            return snapshot(given);
        }
        Path real = given.toRealPath();
        Path parent = real.getParent();
        if (parent != null && parent.getFileName() != null) {
            boolean part = List.of(SNAPSHOTS, "blobs", "refs")
                    .contains(real.getFileName().toString());
            if (part && parent.getFileName().toString().startsWith("models--")) {
                return snapshot(parent);
            }
        }
        List<String> models =
                names(given).filter(name -> name.startsWith("models--")).toList();
        if (!models.isEmpty()) {
            throw new NoSuchFileException(given
                    + ": expected a checkpoint folder, got the cache of the Hugging Face Hub; pass one of"
                    + " the models in it: " + models.stream().limit(SHOWN).collect(Collectors.joining(", ")));
        }
        return given;
    }

    private static Path snapshot(Path repository) throws IOException {
        Path snapshots = repository.resolve(SNAPSHOTS);
        Path main = repository.resolve("refs").resolve("main");
        if (Files.isRegularFile(main)) {
            String revision = CheckpointFile.text(main).strip();
            if (NAME.matcher(revision).matches() && Files.isDirectory(snapshots.resolve(revision))) {
                return snapshots.resolve(revision);
            }
            throw new NoSuchFileException(repository + ": expected the revision that refs/main names, \""
                    + CheckpointFile.shown(revision) + "\", under snapshots, found none; download the model again");
        }
        List<String> revisions = Files.isDirectory(snapshots)
                ? names(snapshots)
                        .filter(name -> Files.isDirectory(snapshots.resolve(name)))
                        .toList()
                : List.of();
        if (revisions.size() == 1) {
            return snapshots.resolve(revisions.get(0));
        }
        throw new NoSuchFileException(repository + ": expected refs/main, which names a revision, found none; "
                + (revisions.isEmpty()
                        ? "snapshots is empty too, so download the model again"
                        : "pass one of: "
                                + revisions.stream()
                                        .limit(SHOWN)
                                        .map(name -> snapshots.resolve(name).toString())
                                        .collect(Collectors.joining(", "))));
    }

    private static Stream<String> names(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.map(path -> path.getFileName().toString()).sorted().toList().stream();
        } catch (AccessDeniedException e) {
            throw Unreadable.denied(folder);
        }
    }

    /**
     * Looks for an adapter, which is no model but the change of one.
     *
     * @param directory a folder
     * @return if there is one: what it is, of which model, and how to merge the two
     * @throws IOException if it may not be read
     */
    public static Optional<String> adapter(Path directory) throws IOException {
        Path file = directory.resolve(ADAPTER);
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        ObjectNode json = CheckpointFile.json(file);
        String base = CheckpointFile.shown(json.path("base_model_name_or_path").asText("BASE"));
        return Optional.of(directory + ": expected a checkpoint, got a "
                + CheckpointFile.shown(json.path("peft_type").asText("LORA"))
                + " adapter (" + ADAPTER + ") of the model \"" + base
                + "\", which does not work without it; merge them once with Python: from peft import PeftModel; from transformers"
                + " import Blip2ForConditionalGeneration as M; PeftModel.from_pretrained(M.from_pretrained(\"" + base
                + "\"), \"" + directory
                + "\").merge_and_unload().save_pretrained(\"MERGED\"); then copy the tokenizer's and the"
                + " processor's files of the model to MERGED");
    }
}
