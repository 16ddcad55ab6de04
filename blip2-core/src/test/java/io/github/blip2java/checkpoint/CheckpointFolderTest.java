/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Folders as people pass them: parts of the Hub's cache, names on the Hub, adapters. */
@DisabledOnOs(OS.WINDOWS) // the cache is made of links
class CheckpointFolderTest {
    @TempDir
    Path directory;

    private Path cache;
    private Path repository;
    private Path snapshot;

    /** A cache as huggingface_hub leaves it. */
    @BeforeEach
    void download() throws IOException {
        cache = directory.resolve("hub");
        repository = cache.resolve("models--Salesforce--blip2-opt-2.7b");
        snapshot = Files.createDirectories(repository.resolve("snapshots/59a1ef6c"));
        Files.createDirectories(repository.resolve("blobs"));
        Files.writeString(repository.resolve("blobs/c0ffee"), "{}");
        Files.createSymbolicLink(snapshot.resolve("config.json"), Path.of("../../blobs/c0ffee"));
        Files.createDirectories(repository.resolve("refs"));
        Files.writeString(repository.resolve("refs/main"), "59a1ef6c");
    }

    @Test
    void theHubCachesFolderAndItsPartsStandForTheRevisionOfMain() throws IOException {
        Files.createDirectories(repository.resolve("snapshots/older"));
        for (Path given : new Path[] {
            repository,
            repository.resolve("snapshots"),
            repository.resolve("blobs"),
            repository.resolve("refs"),
            snapshot
        }) {
            assertThat(CheckpointFolder.resolve(given).toRealPath()).isEqualTo(snapshot.toRealPath());
        }
    }

    @Test
    void aNameOnTheHubIsNoFolder() {
        assertThatThrownBy(() -> CheckpointFolder.resolve(Path.of("Salesforce/blip2-opt-2.7b")))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessage(
                        "Salesforce/blip2-opt-2.7b: expected a checkpoint folder, found nothing there; check the path; a name"
                                + " on the Hugging Face Hub becomes one by ModelSource or blip2 download");
    }

    @Test
    void withoutRefsMainTheOnlySnapshotCountsAndSeveralAreShown() throws IOException {
        Files.delete(repository.resolve("refs/main"));
        assertThat(CheckpointFolder.resolve(repository)).isEqualTo(snapshot);
        Files.createDirectories(repository.resolve("snapshots/older"));
        assertThatThrownBy(() -> CheckpointFolder.resolve(repository))
                .hasMessage(repository + ": expected refs/main, which names a revision, found none; pass one of: "
                        + snapshot + ", " + repository.resolve("snapshots/older"));
        Files.writeString(repository.resolve("refs/main"), "../../..");
        assertThatThrownBy(() -> CheckpointFolder.resolve(repository))
                .hasMessageEndingWith(
                        "refs/main names, \"../../..\", under snapshots, found none; download the model" + " again");
    }

    @Test
    void theWholeCacheNamesTheModelsInIt() {
        assertThatThrownBy(() -> CheckpointFolder.resolve(cache))
                .hasMessage(cache + ": expected a checkpoint folder, got the cache of the Hugging Face Hub; pass one of"
                        + " the models in it: models--Salesforce--blip2-opt-2.7b");
    }

    @Test
    void aLinkToAMissingBlobSaysThatTheTargetIsGone() throws IOException {
        Files.createSymbolicLink(snapshot.resolve("generation_config.json"), Path.of("../../blobs/dead"));
        assertThatThrownBy(() -> CheckpointFolder.resolve(repository))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessage(snapshot.resolve("generation_config.json") + ": expected a file, got a link to"
                        + " ../../blobs/dead, where nothing is; download it again, or copy the folder with the targets"
                        + " of its links (cp -rL)");
        Files.delete(snapshot.resolve("generation_config.json"));
        Files.createSymbolicLink(snapshot.resolve("model.safetensors"), Path.of("../../blobs/beef"));
        assertThatThrownBy(() -> Checkpoint.open(repository))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining("got a link to ../../blobs/beef, where nothing is");
        Files.delete(snapshot.resolve("model.safetensors"));
        Files.writeString(
                snapshot.resolve("model.safetensors.index.json"), "{\"weight_map\": {\"x\": \"1.safetensors\"}}");
        Files.createSymbolicLink(snapshot.resolve("1.safetensors"), Path.of("../../blobs/5eed"));
        assertThatThrownBy(() -> Checkpoint.open(repository))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining("got a link to ../../blobs/5eed, where nothing is");
        Files.delete(repository.resolve("blobs/c0ffee"));
        assertThatThrownBy(() -> CheckpointFolder.resolve(snapshot))
                .hasMessageContaining("config.json: expected a file, got a link to ../../blobs/c0ffee");
    }

    @Test
    void anAdapterAloneNamesItsModelAndHowToMerge() throws IOException {
        Path adapter = Files.createDirectory(directory.resolve("adapter"));
        Files.writeString(
                adapter.resolve("adapter_config.json"),
                "{\"peft_type\": \"LORA\", \"base_model_name_or_path\": \"Salesforce/blip2-opt-2.7b\"}");
        Files.write(adapter.resolve("adapter_model.safetensors"), new byte[8]);
        String message = adapter + ": expected a checkpoint, got a LORA adapter (adapter_config.json) of the model"
                + " \"Salesforce/blip2-opt-2.7b\", which does not work without it; merge them once with Python: from"
                + " peft import PeftModel; from transformers import Blip2ForConditionalGeneration as M;"
                + " PeftModel.from_pretrained(M.from_pretrained(\"Salesforce/blip2-opt-2.7b\"), \"" + adapter
                + "\").merge_and_unload().save_pretrained(\"MERGED\"); then copy the tokenizer's and the processor's files"
                + " of the model to MERGED";
        assertThatThrownBy(() -> CheckpointFolder.resolve(adapter))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessage(message);
        // As training leaves it that saves the configuration of the model too.
        Files.writeString(adapter.resolve("config.json"), "{}");
        assertThatThrownBy(() -> Checkpoint.open(adapter))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessage(message);
    }

    @Test
    void aNameThatIsNotUtf8IsExplained() {
        Path odd = directory.resolve("caf\ufffd");
        assertThatThrownBy(() -> CheckpointFolder.resolve(odd))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessage(odd + ": expected a name in UTF-8, got bytes that are none, shown as \ufffd, and so cannot"
                        + " find it; rename it, for example with: convmv -f latin1 -t utf8 --notest FILE");
    }
}
