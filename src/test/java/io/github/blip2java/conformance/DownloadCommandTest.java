/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.blip2java.cli.Blip2;
import io.github.blip2java.hub.Download;
import io.github.blip2java.hub.HubException;
import io.github.blip2java.hub.HubServer;
import io.github.blip2java.hub.ModelSource;
import io.github.blip2java.pipeline.Blip2Pipeline;
import io.github.blip2java.pipeline.Blip2RetrievalPipeline;
import io.github.blip2java.processor.ImageReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models by their names on the Hub, in programs and on the command line, from a Hub on this machine. */
class DownloadCommandTest {
    private static final String ID = "Salesforce/blip2-tiny";
    private static final String RETRIEVAL = "Salesforce/blip2-itm-tiny";
    private static final String CAT = Resources.photo("cat.jpg").toString();

    @TempDir
    Path directory;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private final InputStream in = System.in;
    private HubServer server;
    private String commit;

    @BeforeEach
    void start() throws IOException {
        server = new HubServer();
        commit = publish(ID, "opt-tiny");
        publish(RETRIEVAL, "itm-tiny");
        System.setProperty("HF_ENDPOINT", server.endpoint());
        System.setProperty("HF_HUB_CACHE", cache().toString());
        System.setProperty("HF_TOKEN_PATH", directory.resolve("token").toString());
    }

    @AfterEach
    void stop() {
        server.close();
        System.setIn(in);
        for (String name : List.of(
                "HF_ENDPOINT",
                "HF_HUB_CACHE",
                "HF_TOKEN_PATH",
                "HF_HUB_OFFLINE",
                "blip2.interactive",
                "blip2.terminal")) {
            System.clearProperty(name);
        }
    }

    private String publish(String id, String name) throws IOException {
        HubServer.Repository repository = server.repository(id);
        try (Stream<Path> files = Files.list(Resources.checkpoint(name))) {
            for (Path file : files.toList()) {
                repository.put(file.getFileName().toString(), Files.readAllBytes(file));
            }
        }
        return repository.commit("main");
    }

    private Path cache() {
        return directory.resolve("hub");
    }

    private Path snapshot() {
        return cache().resolve("models--Salesforce--blip2-tiny")
                .resolve("snapshots")
                .resolve(commit);
    }

    private int run(String... args) {
        return Blip2.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(args);
    }

    private void answer(String text) {
        System.setProperty("blip2.interactive", "true");
        System.setIn(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
    }

    private String caption() throws IOException {
        try (Blip2Pipeline blip2 = Blip2Pipeline.load(Resources.checkpoint("opt-tiny"))) {
            return blip2.caption(ImageReader.read(Path.of(CAT))).text();
        }
    }

    @Test
    void downloadPrintsTheFolderAndSaysHowFarItIs() {
        assertThat(run("download", ID, "--yes")).as(err.toString()).isZero();
        assertThat(out.toString().lines()).containsExactly(snapshot().toString());
        assertThat(err.toString().lines())
                .first()
                .asString()
                .matches("blip2: downloading Salesforce/blip2-tiny: 0 bytes of .*, 0 bytes/s");
        assertThat(err.toString()).endsWith("B\n").doesNotContain("\033");
        int requests = server.requestCount();
        assertThat(run("download", ID, "-y")).isZero();
        assertThat(server.requestCount()).as("asks whether something is new").isGreaterThan(requests);
    }

    @Test
    void onATerminalItAsksFirstAndShowsOneLineThatGoes() {
        System.setProperty("blip2.terminal", "true");
        answer("no\n");
        assertThat(run("download", ID)).isEqualTo(2);
        assertThat(err.toString())
                .matches("(?s).*blip2: download [0-9.]+ [kM]B of Salesforce/blip2-tiny \\(\\d+ files\\) to " + cache()
                        + "\\? \\[y/N] .*blip2: Salesforce/blip2-tiny: not downloaded, as was wished; .*");
        assertThat(cache()).doesNotExist();
        answer("YES\n");
        assertThat(run("download", ID)).isZero();
        assertThat(err.toString()).contains("\r\033[KSalesforce/blip2-tiny: ").endsWith("\r\033[K");
        assertThat(snapshot()).exists();
    }

    @Test
    void withNobodyToAskItNeedsConsentBeforehand() {
        assertThat(run("download", ID)).isEqualTo(2);
        assertThat(err.toString())
                .matches("blip2: --yes: expected it, as nobody is here to be asked whether to download [0-9.]+ [kM]B of"
                        + " Salesforce/blip2-tiny \\(\\d+ files\\) to " + cache() + "\n");
        assertThat(cache()).doesNotExist();
    }

    @Test
    void everyCommandTakesANameAndDownloadsItWithConsent() throws IOException {
        assertThat(run("caption", "--model", ID, CAT)).isEqualTo(2);
        assertThat(err.toString())
                .isEqualTo("blip2: " + ID + ": expected a checkpoint folder, or a model in the Hub's cache " + cache()
                        + ", found neither; check the path, or download it, if this is a name on the Hugging Face Hub: blip2"
                        + " download " + ID + ", or add --yes (in programs: Download.ALWAYS)\n");
        assertThat(server.requestCount()).as("without consent no connection").isZero();

        answer("y\nthis is for chat\n");
        assertThat(run("caption", "--preset", "transformers", "--model", ID, CAT))
                .as(err.toString())
                .isZero();
        String text = out.toString();
        out.getBuffer().setLength(0);
        String folder = Resources.checkpoint("opt-tiny").toString();
        assertThat(run("caption", "--preset", "transformers", "--model", folder, CAT))
                .isZero();
        assertThat(text).isNotBlank().isEqualTo(out.toString());
        assertThat(System.in.readAllBytes()).as("one line was read").asString().isEqualTo("this is for chat\n");
        int requests = server.requestCount();
        for (List<String> command : List.of(
                List.of("answer", "--model", ID, CAT, "what is this?"),
                List.of("score", "--model", ID + "@" + commit, CAT, "a cat"),
                List.of("info", ID),
                List.of("bench", "--model", ID, "--runs", "1", "--new-tokens", "2"),
                List.of("convert", ID, directory.resolve("f16").toString(), "--dtype", "f16"))) {
            assertThat(run(command.toArray(String[]::new)))
                    .as(command + err.toString())
                    .isZero();
        }
        assertThat(server.requestCount()).as("it is in the cache").isEqualTo(requests);
        assertThat(directory.resolve("f16")).exists();
    }

    @Test
    void commandsOfRetrievalDoSoToo() {
        for (List<String> command : List.of(
                List.of("match", CAT, "--model", RETRIEVAL, "--yes", "--text", "a cat"),
                List.of("embed", CAT, "--model", RETRIEVAL),
                List.of("classify", CAT, "--model", RETRIEVAL, "--labels", "cat,dog"))) {
            assertThat(run(command.toArray(String[]::new)))
                    .as(command + err.toString())
                    .isZero();
        }
    }

    @Test
    void programsLoadByName() throws IOException {
        assertThatThrownBy(() -> Blip2Pipeline.load(ID))
                .isInstanceOf(HubException.class)
                .hasMessageContaining("(in programs: Download.ALWAYS)");
        ModelSource.of(ID).resolve(Download.ALWAYS);
        ModelSource.of(RETRIEVAL).resolve(Download.ALWAYS);
        System.setProperty("HF_HUB_OFFLINE", "1");
        try (Blip2Pipeline blip2 = Blip2Pipeline.load(ID);
                Blip2RetrievalPipeline retrieval = Blip2RetrievalPipeline.load(RETRIEVAL)) {
            assertThat(blip2.caption(ImageReader.read(Path.of(CAT))).text()).isEqualTo(caption());
            assertThat(retrieval.match(ImageReader.read(Path.of(CAT)), "a cat").matchProbability())
                    .isBetween(0f, 1f);
        }
        try (Blip2Pipeline blip2 =
                Blip2Pipeline.load(Resources.checkpoint("opt-tiny").toString())) {
            assertThat(blip2.caption(ImageReader.read(Path.of(CAT))).text()).isEqualTo(caption());
        }
    }

    @Test
    void aConvertedModelIsAllThatIsKept() throws IOException {
        Path target = directory.resolve("small");
        assertThat(run("download", ID, "--dtype", "int8", "-o", target.toString(), "-y"))
                .as(err.toString())
                .isZero();
        assertThat(out.toString().lines()).containsExactly(target.toString());
        assertThat(run("info", target.toString())).isZero();
        assertThat(out.toString()).contains("int8");
        assertThat(cache()).as("nothing of it was in the cache").doesNotExist();
        assertThat(directory.resolve("small.download")).doesNotExist();

        err.getBuffer().setLength(0);
        int requests = server.requestCount();
        assertThat(run("download", ID, "--dtype", "int8", "-o", target.toString(), "-y"))
                .isEqualTo(2);
        assertThat(err.toString())
                .isEqualTo("blip2: " + target
                        + ": expected nothing there, found something; remove it, or choose another name\n");
        assertThat(server.requestCount()).isEqualTo(requests);
    }

    @Test
    void aModelThatWasInTheCacheStaysThere() {
        assertThat(run("download", ID, "-y")).isZero();
        int requests = server.requestCount();
        Path target = directory.resolve("small");
        assertThat(run("download", ID, "--dtype", "f16", "-o", target.toString()))
                .as(err.toString())
                .isZero();
        assertThat(server.requestCount()).isEqualTo(requests);
        assertThat(snapshot()).exists();
        assertThat(target.resolve("config.json")).exists();
    }

    @Test
    void revisionsAreNamedOnce() throws IOException {
        server.repository(ID)
                .put(
                        "config.json",
                        Files.readAllBytes(Resources.checkpoint("opt-tiny").resolve("config.json")));
        String tag = server.repository(ID).commit("v2");
        assertThat(run("download", ID, "--revision", "v2", "-y")).isZero();
        assertThat(out.toString().strip()).endsWith(tag);
        assertThat(run("download", ID + "@v2", "--revision", "main", "-y")).isEqualTo(2);
        assertThat(run("download", ID, "-o", "x", "-y")).isEqualTo(2);
        assertThat(run("download", directory.toString(), "-y")).isEqualTo(2);
        assertThat(run("download", ID, "--revision", "v3", "-y")).isEqualTo(2);
        assertThat(run("download", "nowhere", "-y")).isEqualTo(2);
        assertThat(err.toString().lines().filter(line -> !line.contains("downloading")))
                .containsExactly(
                        "blip2: --revision: expected none beside " + ID + "@v2, got main; name one revision",
                        "blip2: --output: expected --dtype beside it, got none; a model that is not converted goes to the Hub's"
                                + " cache, which HF_HUB_CACHE sets",
                        "blip2: ID: expected a name on the Hugging Face Hub, got a folder that is here, " + directory
                                + "; to convert it use: blip2 convert",
                        "blip2: " + ID
                                + ": expected a branch, tag or commit, got \"v3\", which the repository does not have; its"
                                + " revisions are listed at " + server.endpoint() + "/" + ID + "/tree/main",
                        "blip2: nowhere: expected a checkpoint folder, found nothing there; check the path; a name on the Hugging"
                                + " Face Hub would be OWNER/NAME or OWNER/NAME@REVISION");
    }
}
