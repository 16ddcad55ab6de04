/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.blip2java.hub.HubException.Reason;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** What the Hub refuses, each in a line that says what to do. */
class HubErrorsTest extends HubTestBase {
    private void assertError(String model, Reason reason, String message) {
        assertThatThrownBy(() -> source(model).resolve(Download.ALWAYS))
                .isInstanceOf(HubException.class)
                .hasMessage(message)
                .extracting(e -> ((HubException) e).reason())
                .isEqualTo(reason);
    }

    @Test
    void noSuchRepository() {
        assertError(
                "Salesfroce/blip2",
                Reason.NO_SUCH_REPOSITORY,
                "Salesfroce/blip2: expected a folder or a repository of " + server.endpoint()
                        + ", found neither (HTTP 401); check the name, its upper and lower case, and the path; if it is private,"
                        + " set HF_TOKEN to a token that may read it");
        environment.put("HF_TOKEN", "hf_good");
        assertError(
                "Salesfroce/blip2",
                Reason.NO_SUCH_REPOSITORY,
                "Salesfroce/blip2: expected a folder or a repository of " + server.endpoint()
                        + ", found neither (HTTP 404); check the name, its upper and lower case, and the path; if it is private,"
                        + " the token that is set may not read it");
    }

    @Test
    void aPrivateRepositoryOpensWithItsToken() throws IOException {
        repository.token = "hf_mine";
        assertThatThrownBy(() -> source().resolve(Download.ALWAYS)).hasMessageContaining("set HF_TOKEN to a token");
        Path file = directory.resolve("token");
        Files.writeString(file, "hf_mine\n");
        environment.put("HF_TOKEN_PATH", file.toString());
        assertThat(source().resolve(Download.ALWAYS)).isEqualTo(snapshot());
        Files.delete(snapshot().resolve("config.json"));
        environment.put("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
        assertThatThrownBy(() -> source().resolve(Download.ALWAYS)).hasMessageContaining("set HF_TOKEN to a token");
    }

    @Test
    void gatedRepository() {
        repository.gated = true;
        String hub = server.endpoint();
        assertError(
                ID,
                Reason.GATED,
                ID + ": its owner asks everyone to accept conditions first; accept them at " + hub + "/" + ID
                        + ", then set HF_TOKEN to a token of that account (" + hub + "/settings/tokens)");
        environment.put("HF_TOKEN", "hf_other");
        assertError(
                ID,
                Reason.GATED,
                ID
                        + ": its owner asks everyone to accept conditions first; the token that is set has not been let in: ask for it"
                        + " at " + hub + "/" + ID + " with the account that the token is of");
        environment.put("HF_TOKEN", "hf_admitted");
        assertThat(source())
                .satisfies(source -> assertThat(source.resolve(Download.ALWAYS)).isEqualTo(snapshot()));
    }

    @Test
    void aTokenThatIsRefused() {
        environment.put("HF_TOKEN", "hf_bad");
        assertError(
                ID,
                Reason.BAD_TOKEN,
                ID + ": " + server.endpoint()
                        + " refuses the token of HF_TOKEN or of the token file (HTTP 401); make another"
                        + " that may read this repository at " + server.endpoint() + "/settings/tokens");
    }

    @Test
    void aTokenThatIsNoneIsNeitherSentNorShown() {
        environment.put("HF_TOKEN", "hf_a b\u00e9");
        assertError(
                ID,
                Reason.BAD_TOKEN,
                "HF_TOKEN: expected a token of the Hugging Face Hub (hf_ and letters and digits), got something with spaces or"
                        + " other signs in it; make one at " + server.endpoint() + "/settings/tokens");
        assertThat(server.requests()).isEmpty();
    }

    @Test
    void noSuchRevision() {
        assertError(
                ID + "@mian",
                Reason.NO_SUCH_REVISION,
                ID
                        + ": expected a branch, tag or commit, got \"mian\", which the repository does not have; its revisions are"
                        + " listed at " + server.endpoint() + "/" + ID + "/tree/main");
    }

    @Test
    void onlyPickles() {
        server.repository("a/old")
                .put("config.json", "{\"model_type\": \"blip-2\"}")
                .put("pytorch_model-00001-of-00002.bin", bytes(1, 9))
                .commit("main");
        assertError(
                "a/old",
                Reason.UNSUITABLE,
                "a/old: expected config.json and model.safetensors or model.safetensors.index.json, got only"
                        + " pytorch_model-00001-of-00002.bin, which can run code and is not read; look for a revision with"
                        + " safetensors on the Hub (such as refs/pr/N), or convert once with Python: from transformers import"
                        + " Blip2ForConditionalGeneration as M; M.from_pretrained(\"a/old\").save_pretrained(\"DIR\"), copy the"
                        + " tokenizer's and the processor's files there, and pass DIR");
        assertThat(cache()).doesNotExist();
    }

    @Test
    void onlyAnAdapter() {
        server.repository("a/lora")
                .put("adapter_config.json", "{}")
                .put("adapter_model.safetensors", bytes(1, 9))
                .commit("main");
        assertError(
                "a/lora",
                Reason.UNSUITABLE,
                "a/lora: expected config.json and model.safetensors or model.safetensors.index.json, got a LoRA adapter, which"
                        + " does not work without its model; merge the two once with Python (docs/checkpoints.md says how) and"
                        + " pass the folder");
    }

    @Test
    void somethingElse() {
        server.repository("a/data").put("train.csv", "").put("odd\nname", "").commit("main");
        assertError(
                "a/data",
                Reason.UNSUITABLE,
                "a/data: expected config.json and model.safetensors or model.safetensors.index.json, got odd?name, train.csv;"
                        + " choose a repository of BLIP-2 (docs/models.md)");
        HubTestBase.model(server, "a/blip")
                .put("config.json", "{\"model_type\": \"blip\"}")
                .commit("main");
        assertError(
                "a/blip",
                Reason.UNSUITABLE,
                "a/blip: expected a model of the type blip-2, got \"blip\"; choose a repository of BLIP-2 (docs/models.md)");
        HubTestBase.model(server, "a/broken").put("config.json", "{").commit("main");
        assertError(
                "a/broken",
                Reason.UNSUITABLE,
                "a/broken: expected JSON in config.json, got something else; choose a repository of BLIP-2");
        assertThat(server.loaded()).isEmpty();
    }

    @Test
    void anIndexThatLeadsElsewhere() {
        sharded(HubTestBase.model(server, "a/odd"))
                .put("model.safetensors.index.json", "{\"weight_map\": {\"a\": \"../../x.safetensors\"}}")
                .commit("main");
        sharded(HubTestBase.model(server, "a/gone"))
                .remove("model-00002-of-00002.safetensors")
                .commit("main");
        for (String id : new String[] {"a/odd", "a/gone"}) {
            assertError(
                    id,
                    Reason.UNSUITABLE,
                    id
                            + ": expected model.safetensors.index.json to name weights that are in the repository, got other names or"
                            + " none; choose another revision");
        }
    }

    @Test
    void anEndpointThatIsNotThere() throws IOException {
        int port;
        try (ServerSocket socket = new ServerSocket(0)) {
            port = socket.getLocalPort();
        }
        environment.put("HF_ENDPOINT", "http://127.0.0.1:" + port + "/");
        assertError(
                ID,
                Reason.UNREACHABLE,
                ID + ": no folder here, and the Hub cannot be asked for it; http://127.0.0.1:" + port
                        + ": expected an answer, got \"no connection\"; tried 2 times; run it again later,"
                        + " what is here is kept");
        assertThat(pauses).hasSize(1);
    }

    @Test
    void anEndpointThatIsNoAddress() {
        environment.put("HF_ENDPOINT", "huggingface.co");
        assertThatThrownBy(() -> source().resolve(Download.ALWAYS))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("HF_ENDPOINT: expected an address like https://huggingface.co, got \"huggingface.co\"");
    }

    @Test
    void anEndpointThatIsNotTheHub() {
        HubServer.Fault page = (exchange, content) -> {
            byte[] html = "<html>Please log in</html>".getBytes();
            exchange.sendResponseHeaders(200, html.length);
            exchange.getResponseBody().write(html);
            return true;
        };
        server.fault("api", page);
        assertError(
                ID,
                Reason.BAD_ANSWER,
                server.endpoint()
                        + ": expected an answer as the Hugging Face Hub gives it, got something that is no JSON; check"
                        + " HF_ENDPOINT, and whether a proxy or a network's login page answers in its place");
        server.fault("api", HubServer.status(418));
        assertError(
                ID,
                Reason.BAD_ANSWER,
                ID + ": expected an answer of " + server.endpoint() + ", got HTTP 418; check HF_ENDPOINT and proxies");
    }

    @Test
    void aMirrorThatMixesRevisionsUp() {
        server.fault("hub:model.safetensors", HubServer.status(200, "X-Repo-Commit", "other"));
        assertError(
                ID,
                Reason.BAD_ANSWER,
                "model.safetensors: expected the file of commit " + commit
                        + ", got that of other; HF_ENDPOINT leads to a mirror that mixes them up");
    }

    @Test
    void redirectsWithoutEnd() {
        HubServer.Fault again = HubServer.status(302, "Location", "/" + ID + "/resolve/" + commit + "/config.json");
        server.fault("hub:config.json", again, again, again, again, again, again, again, again, again, again, again);
        assertError(
                ID,
                Reason.BAD_ANSWER,
                server.endpoint() + ": expected a file, got more than 10 redirects; check HF_ENDPOINT");
    }

    @Test
    void aRedirectToSomethingElseThanTheWeb() {
        server.fault("hub:config.json", HubServer.status(302, "Location", "file:///etc/passwd"));
        assertError(
                ID,
                Reason.BAD_ANSWER,
                server.endpoint()
                        + ": expected a redirect to an https address, got \"file:///etc/passwd\"; check HF_ENDPOINT");
    }

    @Test
    void aCacheThatIsAFile() throws IOException {
        Files.writeString(cache(), "a file");
        assertError(
                ID,
                Reason.CACHE_NOT_WRITABLE,
                cache() + ": expected a cache that may be written to, got \"FileAlreadyExistsException: " + cache()
                        + "\"; ask for the right to it, or set HF_HUB_CACHE to a folder of yours");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aCacheThatMayNotBeWritten() {
        environment.put("HF_HUB_CACHE", "/sys/blip2/hub"); // where nobody may make a folder, root neither
        assertThatThrownBy(() -> source().resolve(Download.ALWAYS))
                .isInstanceOf(HubException.class)
                .hasMessageStartingWith("/sys/blip2/hub: expected a cache that may be written to, got \"")
                .hasMessageEndingWith("\"; ask for the right to it, or set HF_HUB_CACHE to a folder of yours")
                .extracting(e -> ((HubException) e).reason())
                .isEqualTo(Reason.CACHE_NOT_WRITABLE);
    }
}
