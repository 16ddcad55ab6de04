/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a name stands for, and what the cache then looks like. */
class ResolveTest extends HubTestBase {
    @Test
    void aFolderThatIsThereIsTakenWhateverItsNameMeansOnTheHub() throws IOException {
        Path folder = Files.createDirectories(directory.resolve("Salesforce@main"));
        assertThat(source(folder.toString()).resolve(Download.ALWAYS)).isEqualTo(folder);
        assertThat(source(folder.toString()).isLocal()).isTrue();
        assertThat(source(folder.toString()).update(Download.ALWAYS)).isEqualTo(folder);
        assertThat(server.requests()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "blip2",
                "/data/blip2",
                "./blip2",
                "../a/b",
                "a/b/c",
                "a/..",
                "C:\\models\\blip2",
                "a/b@",
                "a/b@../c",
                "a--b/c",
                "a/b.git",
                "a/b c"
            })
    void whatIsNeitherAFolderNorANameOnTheHubIsSaidToBeNoFolder(String given) {
        assertThatThrownBy(() -> source(given).resolve(Download.ALWAYS))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessage((given.isEmpty() ? "\"\"" : given)
                        + ": expected a checkpoint folder, found nothing there; check the path; a name on the Hugging Face Hub"
                        + " would be OWNER/NAME or OWNER/NAME@REVISION");
        assertThat(server.requests()).isEmpty();
    }

    @Test
    void withoutConsentNoConnectionIsOpened() {
        assertThatThrownBy(() -> source("Salesfroce/blip2").resolve(Download.NEVER))
                .isInstanceOf(HubException.class)
                .hasMessage("Salesfroce/blip2: expected a checkpoint folder, or a model in the Hub's cache " + cache()
                        + ", found neither; check the path, or download it, if this is a name on the Hugging Face Hub: blip2"
                        + " download Salesfroce/blip2, or add --yes (in programs: Download.ALWAYS)")
                .extracting(e -> ((HubException) e).reason())
                .isEqualTo(HubException.Reason.NOT_CACHED);
        assertThat(server.requests()).isEmpty();
        assertThat(cache()).doesNotExist();
    }

    @Test
    void aDownloadHasTheLayoutOfHuggingfaceHubAndOnlyWhatIsNeeded() throws IOException {
        Path folder = source().resolve(Download.ALWAYS);

        assertThat(folder).isEqualTo(snapshot());
        assertThat(names(folder))
                .containsExactly(
                        "config.json",
                        "generation_config.json",
                        "model.safetensors",
                        "preprocessor_config.json",
                        "tokenizer.json",
                        "tokenizer_config.json");
        for (String name : names(folder)) {
            assertThat(folder.resolve(name)).hasBinaryContent(repository.content(name));
            assertThat(Files.readSymbolicLink(folder.resolve(name)))
                    .isEqualTo(Path.of("..", "..", "blobs").resolve(blob(name).getFileName()));
        }
        assertThat(repositoryFolder().resolve("refs/main")).hasContent(commit);
        // generation_config.json and tokenizer_config.json have the same content
        assertThat(names(repositoryFolder().resolve("blobs"))).hasSize(5);
        assertThat(names(cache().resolve(".locks").resolve(repositoryFolder().getFileName())))
                .contains(blob("model.safetensors").getFileName() + ".lock");
        assertThat(Files.readString(cache().resolve("CACHEDIR.TAG")))
                .startsWith("Signature: 8a477f597d28d172789f06886806bc55");
        assertThat(server.loaded()).containsExactly("model.safetensors");
    }

    @Test
    void whatIsInTheCacheIsUsedWithoutAsking() throws IOException {
        Path first = source().resolve(Download.ALWAYS);
        int asked = server.requests().size();
        environment.put("HF_HUB_OFFLINE", "1");
        assertThat(source().resolve(Download.ALWAYS)).isEqualTo(first);
        environment.remove("HF_HUB_OFFLINE");
        assertThat(source().resolve(Download.NEVER)).isEqualTo(first);
        assertThat(source(ID + "@main").resolve(Download.ALWAYS)).isEqualTo(first);
        assertThat(source(ID + "@" + commit).resolve(Download.ALWAYS)).isEqualTo(first);
        assertThat(source(ID + "@" + commit.substring(0, 7)).resolve(Download.ALWAYS))
                .isEqualTo(first);
        assertThat(source("https://huggingface.co/" + ID).resolve(Download.ALWAYS))
                .isEqualTo(first);
        assertThat(source("https://huggingface.co/" + ID + "/tree/" + commit).resolve(Download.ALWAYS))
                .isEqualTo(first);
        assertThat(source("hf://" + ID + "@main").resolve(Download.ALWAYS)).isEqualTo(first);
        assertThat(server.requests()).hasSize(asked);
    }

    @Test
    void anUpdateFollowsTheBranchAndLoadsWhatIsNew() throws IOException {
        Path old = source().resolve(Download.ALWAYS);
        int loaded = server.loaded().size();
        repository.put("config.json", "{\"model_type\": \"blip-2\", \"new\": 1}");
        String next = repository.commit("main");

        assertThat(source().resolve(Download.ALWAYS)).isEqualTo(old);
        Path updated = source().update(Download.ALWAYS);

        assertThat(updated.getFileName()).hasToString(next);
        assertThat(server.loaded()).as("weights are the same").hasSize(loaded);
        assertThat(repositoryFolder().resolve("refs/main")).hasContent(next);
        assertThat(source().resolve(Download.NEVER)).isEqualTo(updated);
        assertThat(source(ID + "@" + commit).resolve(Download.NEVER))
                .as("the old one is still there")
                .isEqualTo(old);
        assertThat(updated.resolve("model.safetensors")).hasBinaryContent(repository.content("model.safetensors"));
    }

    @Test
    void branchesMayHaveSlashes() throws IOException {
        repository.put("config.json", "{\"model_type\": \"blip-2\", \"pr\": 1}");
        String request = repository.commit("refs/pr/1");
        assertThat(source(ID + "@refs/pr/1").resolve(Download.ALWAYS).getFileName())
                .hasToString(request);
        assertThat(repositoryFolder().resolve("refs/refs/pr/1")).hasContent(request);
        assertThat(source(ID + "@refs/pr/1").resolve(Download.NEVER).getFileName())
                .hasToString(request);
    }

    @Test
    void ofAnIndexOnlyItsShardsAreLoaded() throws IOException {
        sharded(repository);
        commit = repository.commit("main");
        assertThat(names(source().resolve(Download.ALWAYS)))
                .filteredOn(name -> name.contains("safetensors"))
                .containsExactly(
                        "model-00001-of-00002.safetensors",
                        "model-00002-of-00002.safetensors",
                        "model.safetensors.index.json");
        assertThat(source().resolve(Download.NEVER)).isEqualTo(snapshot());
    }

    @Test
    void theSingleFileCountsWhereBothAreThere() throws IOException {
        sharded(repository).put("model.safetensors", bytes(9, 10));
        commit = repository.commit("main");
        assertThat(names(source().resolve(Download.ALWAYS)))
                .filteredOn(name -> name.contains("safetensors"))
                .containsExactly("model.safetensors");
    }

    @Test
    void whoIsAskedIsToldTheSizeAndMayDecline() throws IOException {
        List<DownloadPlan> asked = new ArrayList<>();
        assertThatThrownBy(() -> source().resolve(Download.ask(plan -> {
                    asked.add(plan);
                    return false;
                })))
                .isInstanceOf(HubException.class)
                .hasMessage(ID + ": not downloaded, as was wished; 300.1 kB of it are missing in " + cache());
        assertThat(cache()).doesNotExist();
        DownloadPlan plan = asked.get(0);
        assertThat(plan.repository()).hasToString(ID);
        assertThat(plan.commit()).isEqualTo(commit);
        assertThat(plan.revision()).isEqualTo("main");
        assertThat(plan.cache()).isEqualTo(cache());
        assertThat(plan.files()).hasSize(6).endsWith("config.json").contains("model.safetensors");
        assertThat(plan.totalBytes()).isEqualTo(SIZE + 24 + 2 + 12 + 18 + 2);
        assertThat(source().resolve(Download.ask(all -> true))).isEqualTo(snapshot());
        assertThat(source().update(Download.ask(all -> {
                    throw new AssertionError("nothing is missing");
                })))
                .isEqualTo(snapshot());
    }

    @Test
    void aSnapshotWithoutAFileIsNotTakenForWhole() throws IOException {
        source().resolve(Download.ALWAYS);
        Files.delete(snapshot().resolve("generation_config.json"));
        Files.delete(snapshot().resolve("tokenizer.json"));
        assertThatThrownBy(() -> source().resolve(Download.NEVER))
                .hasMessage(ID + ": expected the whole model in " + snapshot()
                        + ", got it without generation_config.json and 1 more; download the rest: blip2 download " + ID
                        + ", or add --yes (in programs: Download.ALWAYS)");
        environment.put("HF_HUB_OFFLINE", "yes");
        assertThatThrownBy(() -> source().resolve(Download.ALWAYS))
                .hasMessage(ID + ": expected the whole model in " + snapshot()
                        + ", got it without generation_config.json and 1 more; it cannot be downloaded, as HF_HUB_OFFLINE is set:"
                        + " unset it, or copy the cache's folder from a machine that has the model")
                .extracting(e -> ((HubException) e).reason())
                .isEqualTo(HubException.Reason.OFFLINE);
        environment.remove("HF_HUB_OFFLINE");
        assertThat(source().resolve(Download.ALWAYS)).isEqualTo(snapshot());
        assertThat(server.loaded()).as("contents were there").hasSize(1);
    }

    @Test
    void aBlobOfAnotherSizeIsLoadedAgain() throws IOException {
        source().resolve(Download.ALWAYS);
        Files.write(blob("model.safetensors"), new byte[10]);
        assertThatThrownBy(() -> source().resolve(Download.NEVER)).hasMessageContaining("without model.safetensors;");
        source().resolve(Download.ALWAYS);
        assertThat(snapshot().resolve("model.safetensors")).hasBinaryContent(repository.content("model.safetensors"));
    }

    @Test
    void offlineAndNotThereIsSaid() {
        environment.put("HF_HUB_OFFLINE", "1");
        assertThatThrownBy(() -> source().update(Download.ALWAYS))
                .hasMessage(ID + ": expected a checkpoint folder, or a model in the Hub's cache " + cache()
                        + ", found neither; check the path; it cannot be downloaded, as HF_HUB_OFFLINE is set: unset it, or copy"
                        + " the cache's folder from a machine that has the model");
        assertThat(server.requests()).isEmpty();
    }

    @Test
    void withoutLinksFilesAreMovedAndContentsThatAreThereCopied() throws IOException {
        source(ID + "@main").resolve(Download.ALWAYS);
        environment.put("HF_HUB_DISABLE_SYMLINKS", "1");
        repository.put("config.json", "{\"model_type\": \"blip-2\", \"new\": 1}");
        commit = repository.commit("next");
        Path folder = source(ID + "@next").resolve(Download.ALWAYS);
        assertThat(folder.resolve("config.json")).isRegularFile().hasBinaryContent(repository.content("config.json"));
        for (String name : names(folder)) {
            assertThat(Files.isSymbolicLink(folder.resolve(name))).isFalse();
            assertThat(folder.resolve(name)).hasBinaryContent(repository.content(name));
        }
        assertThat(blob("config.json")).as("moved").doesNotExist();
        assertThat(blob("model.safetensors")).as("copied").exists();
        assertThat(server.loaded()).hasSize(1);
        assertThat(source(ID + "@next").resolve(Download.NEVER)).isEqualTo(folder);
    }

    @Test
    void ofTwoFilesWithOneContentBothAreThereWithoutLinks() throws IOException {
        environment.put("HF_HUB_DISABLE_SYMLINKS", "1");
        Path folder = source().resolve(Download.ALWAYS);
        assertThat(folder.resolve("generation_config.json")).hasContent("{}");
        assertThat(folder.resolve("tokenizer_config.json")).hasContent("{}");
    }

    @Test
    void aMirrorWhoseListTellsNeitherSizesNorHashesIsAskedForEachFile() throws IOException {
        server.blobs = false;
        Path folder = source().resolve(Download.ALWAYS);
        assertThat(folder.resolve("model.safetensors")).hasBinaryContent(repository.content("model.safetensors"));
        assertThat(Files.readSymbolicLink(folder.resolve("model.safetensors")).getFileName())
                .isEqualTo(blob("model.safetensors").getFileName());
        assertThat(Files.readSymbolicLink(folder.resolve("config.json")).getFileName())
                .isEqualTo(blob("config.json").getFileName());
        assertThat(server.requests())
                .filteredOn(request -> request.method().equals("HEAD"))
                .isNotEmpty();
        assertThat(server.requests())
                .filteredOn(request -> request.cdn() && request.method().equals("HEAD"))
                .isEmpty();
        assertThat(source().resolve(Download.NEVER)).isEqualTo(folder);
    }

    @Test
    void aListThatNamesOtherThingsThanHashesLeadsNowhere() throws IOException {
        server.lie = "../../../escaped";
        assertThat(source().resolve(Download.ALWAYS)).isEqualTo(snapshot());
        assertThat(directory.resolve("escaped")).doesNotExist();
        assertThat(Files.readSymbolicLink(snapshot().resolve("config.json")).getFileName())
                .isEqualTo(blob("config.json").getFileName());
        HubServer.Fault odd = HubServer.status(200, "ETag", "\"..\"", "Content-Length", "24");
        server.fault("hub:tokenizer.json", odd);
        repository.put("tokenizer.json", "{\"version\": \"2.0\"}");
        repository.commit("main");
        assertThatThrownBy(() -> source().update(Download.ALWAYS))
                .isInstanceOf(HubException.class)
                .hasMessageContaining("got no ETag for tokenizer.json;");
    }

    @Test
    void theListOfFilesIsTheOneOfHuggingfaceHub() throws IOException {
        source().resolve(Download.ALWAYS);
        String tree = Files.readString(repositoryFolder().resolve("trees").resolve(commit + ".json"));
        byte[] weights = repository.content("model.safetensors");
        assertThat(tree.replaceAll("\\s", ""))
                .startsWith("{\"format_version\":1,\"files\":{\".gitattributes\":{\"size\":24,\"blob_id\":\"")
                .contains("\"config.json\":{\"size\":24,\"blob_id\":\""
                        + HubServer.gitHash(repository.content("config.json")) + "\"}")
                .contains("\"lfs_sha256\":\"" + HubServer.hex("SHA-256", weights) + "\",\"lfs_size\":" + SIZE + "}");
    }

    @Test
    void aCacheThatMayNotBeWrittenServesWhatItHas() throws IOException {
        source().resolve(Download.ALWAYS);
        Files.delete(cache().resolve("CACHEDIR.TAG"));
        assertThat(source().update(Download.ALWAYS)).isEqualTo(snapshot());
        assertThat(cache().resolve("CACHEDIR.TAG")).as("nothing is written").doesNotExist();
    }
}
