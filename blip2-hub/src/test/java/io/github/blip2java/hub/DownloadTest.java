/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Connections that break, servers that are busy, contents that are wrong. */
@Timeout(600) // a download that hangs fails its test
class DownloadTest extends HubTestBase {
    private static final String WEIGHTS = "model.safetensors";

    private List<HubServer.Request> requestsFor(String name) {
        return server.requests().stream()
                .filter(request -> request.cdn() && request.path().endsWith(name))
                .toList();
    }

    private void assertWhole() throws IOException {
        Path folder = source().resolve(Download.NEVER);
        for (String name : names(folder)) {
            assertThat(folder.resolve(name)).hasBinaryContent(repository.content(name));
        }
        assertThat(names(repositoryFolder().resolve("blobs"))).noneMatch(name -> name.contains("incomplete"));
    }

    @Test
    void aConnectionThatBreaksIsTakenUpWhereItEnded() throws IOException {
        server.fault(WEIGHTS, HubServer.cut(100_000), HubServer.cut(50_000));
        source().resolve(Download.ALWAYS);
        assertWhole();
        List<HubServer.Request> requests = requestsFor(WEIGHTS);
        assertThat(requests).hasSize(3);
        assertThat(requests.get(0).header("Range")).isNull();
        // What a broken connection brought and nobody had read yet may be lost.
        long second = begin(requests.get(1));
        assertThat(second).isBetween(1L, 100_000L);
        assertThat(begin(requests.get(2))).isBetween(second + 1, second + 50_000);
        assertThat(pauses)
                .as("each brought something, so each is a first error")
                .allMatch(time -> time.toMillis() < 1500);
    }

    /** Where a request for the rest of a file begins. */
    private static long begin(HubServer.Request request) {
        return Long.parseLong(request.header("Range").replaceAll("bytes=([0-9]+)-", "$1"));
    }

    @Test
    void whatAnEarlierRunLeftIsTakenUp() throws IOException {
        Files.createDirectories(partial(WEIGHTS).getParent());
        Files.write(partial(WEIGHTS), Arrays.copyOf(repository.content(WEIGHTS), 200_000));
        List<DownloadPlan> plans = new ArrayList<>();
        source().resolve(Download.ask(plans::add));
        assertWhole();
        assertThat(plans.get(0).missingBytes()).isEqualTo(plans.get(0).totalBytes() - 200_000 - 2);
        assertThat(requestsFor(WEIGHTS))
                .singleElement()
                .satisfies(request -> assertThat(request.header("Range")).isEqualTo("bytes=200000-"));
    }

    @Test
    void whatAnEarlierRunLeftWholeNeedsNoRequest() throws IOException {
        Files.createDirectories(partial(WEIGHTS).getParent());
        Files.write(partial(WEIGHTS), repository.content(WEIGHTS));
        source().resolve(Download.ALWAYS);
        assertWhole();
        assertThat(requestsFor(WEIGHTS)).isEmpty();
    }

    @Test
    void whatAnEarlierRunLeftWrongIsLoadedAnew() throws IOException {
        Files.createDirectories(partial(WEIGHTS).getParent());
        Files.write(partial(WEIGHTS), new byte[200_000]);
        source().resolve(Download.ALWAYS);
        assertWhole();
        assertThat(requestsFor(WEIGHTS)).hasSize(2);
        assertThat(requestsFor(WEIGHTS).get(1).header("Range")).isNull();
    }

    @Test
    void aPartialFileThatIsTooLongIsDropped() throws IOException {
        Files.createDirectories(partial(WEIGHTS).getParent());
        Files.write(partial(WEIGHTS), new byte[SIZE + 1]);
        source().resolve(Download.ALWAYS);
        assertWhole();
    }

    @Test
    void aServerWithoutRangesIsReadFromTheStart() throws IOException {
        server.fault(WEIGHTS, HubServer.cut(100_000), HubServer.whole());
        source().resolve(Download.ALWAYS);
        assertWhole();
    }

    @Test
    void contentWithAnotherHashIsNotKept() throws IOException {
        server.fault(WEIGHTS, HubServer.wrong());
        byte[] other = repository.content(WEIGHTS).clone();
        other[other.length / 2] ^= 1;
        assertThatThrownBy(() -> source().resolve(Download.ALWAYS))
                .isInstanceOf(HubException.class)
                .hasMessage(
                        WEIGHTS + ": expected SHA-256 " + blob(WEIGHTS).getFileName() + ", got content with SHA-256 "
                                + HubServer.hex("SHA-256", other)
                                + "; it was not kept; run it again, and if it stays so, check proxies and HF_ENDPOINT")
                .extracting(e -> ((HubException) e).reason())
                .isEqualTo(HubException.Reason.HASH_MISMATCH);
        assertThat(partial(WEIGHTS)).doesNotExist();
        assertThat(blob(WEIGHTS)).doesNotExist();
        assertThat(snapshot()).doesNotExist();
        assertThatThrownBy(() -> source().resolve(Download.NEVER)).isInstanceOf(HubException.class);
        source().resolve(Download.ALWAYS);
        assertWhole();
    }

    @Test
    void smallFilesAreCheckedByGitsHash() {
        server.fault("hub:tokenizer.json", HubServer.none(), HubServer.wrong());
        assertThatThrownBy(() -> source().resolve(Download.ALWAYS))
                .hasMessageStartingWith("tokenizer.json: expected Git hash "
                        + blob("tokenizer.json").getFileName() + ", got content with Git hash ");
        assertThat(blob("tokenizer.json")).doesNotExist();
    }

    @Test
    void aBusyServerIsAskedAgainWhenItSays() throws IOException {
        String soon = DateTimeFormatter.RFC_1123_DATE_TIME.format(
                ZonedDateTime.now(ZoneOffset.UTC).plusMinutes(2));
        server.fault("api", HubServer.status(429, "Retry-After", "17"), HubServer.status(503, "Retry-After", soon));
        server.fault(WEIGHTS, HubServer.status(500), HubServer.status(502), HubServer.status(504));
        server.fault("hub:" + WEIGHTS, HubServer.status(429, "ratelimit", "\"resolvers\";r=0;t=41"));
        source().resolve(Download.ALWAYS);
        assertWhole();
        assertThat(pauses.get(0)).isEqualTo(Duration.ofSeconds(17));
        assertThat(pauses.get(1)).isBetween(Duration.ofSeconds(100), Duration.ofSeconds(121));
        assertThat(pauses.get(2)).isEqualTo(Duration.ofSeconds(42));
        assertThat(pauses.subList(3, 6))
                .satisfiesExactly(
                        second -> assertThat(second).isBetween(Duration.ofSeconds(2), Duration.ofMillis(2500)),
                        third -> assertThat(third).isBetween(Duration.ofSeconds(4), Duration.ofMillis(4500)),
                        fourth -> assertThat(fourth).isBetween(Duration.ofSeconds(8), Duration.ofMillis(8500)));
    }

    @Test
    void aServerThatStaysBusyIsGivenUp() {
        HubServer.Fault busy = HubServer.status(503);
        server.fault("api", busy, busy, busy, busy, busy, busy);
        assertThatThrownBy(() -> source().resolve(Download.ALWAYS))
                .isInstanceOf(HubException.class)
                .hasMessage(ID + ": expected an answer from " + server.endpoint()
                        + ", got HTTP 503; tried 6 times; run it again later, what is here is kept");
        assertThat(pauses).hasSize(5);
    }

    @Test
    void aServerThatAsksForTooLongAWaitIsNotWaitedFor() {
        server.fault("api", HubServer.status(429, "Retry-After", "7200"));
        assertThatThrownBy(() -> source().resolve(Download.ALWAYS))
                .hasMessage(
                        ID + ": expected an answer from " + server.endpoint()
                                + ", got HTTP 429; the server asks to wait 120 minutes; run it again then, what is here is kept");
        assertThat(pauses).isEmpty();
    }

    @Test
    void anErrorOfTheContentNetworkStartsAgainAtTheHub() throws IOException {
        server.fault(WEIGHTS, HubServer.status(403)); // a signature that has expired
        source().resolve(Download.ALWAYS);
        assertWhole();
        assertThat(server.requests())
                .filteredOn(request -> !request.cdn() && request.path().endsWith(WEIGHTS))
                .hasSize(2);
    }

    @Test
    void aServerThatSendsNothingMoreIsLeft() throws IOException {
        environment.put("HF_HUB_DOWNLOAD_TIMEOUT", "1");
        server.fault(WEIGHTS, HubServer.stall(1000, 30_000));
        source().resolve(Download.ALWAYS);
        assertWhole();
        assertThat(requestsFor(WEIGHTS)).hasSizeGreaterThan(1);
        assertThat(requestsFor(WEIGHTS).get(1).header("Range")).isEqualTo("bytes=1000-");
    }

    @Test
    void aConnectionThatBringsNothingIsGivenUpInTheEndAndWhatIsHereKept() throws IOException {
        server.fault(WEIGHTS, HubServer.cut(70_000));
        HubServer.Fault cut = HubServer.cut(0);
        server.fault(WEIGHTS, cut, cut, cut, cut, cut, cut);
        assertThatThrownBy(() -> source().resolve(Download.ALWAYS))
                .isInstanceOf(HubException.class)
                .hasMessageMatching(
                        "(model\\.safetensors: expected 300000 bytes, got 70000 and then|http://localhost:\\d+: expected an answer, got) .*; tried 6 times; run it"
                                + " again later, what is here is kept");
        assertThat(Files.size(partial(WEIGHTS))).isEqualTo(70_000);
        source().resolve(Download.ALWAYS);
        assertWhole();
    }

    @Test
    void theTokenIsNeverShownToTheContentNetwork() throws IOException {
        environment.put("HF_TOKEN", "hf_secret");
        source().resolve(Download.ALWAYS);
        assertThat(server.requests())
                .filteredOn(request -> !request.cdn())
                .isNotEmpty()
                .allSatisfy(
                        request -> assertThat(request.header("Authorization")).isEqualTo("Bearer hf_secret"));
        assertThat(server.requests())
                .filteredOn(HubServer.Request::cdn)
                .isNotEmpty()
                .allSatisfy(
                        request -> assertThat(request.header("Authorization")).isNull());
        assertThat(server.requests())
                .allSatisfy(request -> assertThat(request.header("User-Agent")).matches("blip2-java/\\S+; java/\\S+"));
    }

    @Test
    void progressEndsWithEverything() throws IOException {
        server.bytesPerSecond = 600_000;
        List<DownloadProgress> all = new ArrayList<>();
        source(ID, all::add).resolve(Download.ALWAYS);
        assertThat(all.get(0).bytes()).isZero();
        assertThat(all).allMatch(progress -> progress.totalBytes() == SIZE + 24 + 12 + 18 + 2);
        assertThat(all).isSortedAccordingTo((a, b) -> Long.compare(a.bytes(), b.bytes()));
        assertThat(all.get(all.size() - 1).done()).isTrue();
        assertThat(all.get(all.size() - 1).bytesPerSecond()).isPositive();
        assertThat(all)
                .filteredOn(progress -> !progress.done() && progress.bytesPerSecond() > 0)
                .isNotEmpty()
                .allMatch(progress -> progress.timeLeft().isPresent());
    }

    @Test
    void severalFilesAreLoadedAtATime() throws IOException {
        sharded(repository).put("model-00002-of-00002.safetensors", bytes(4, SIZE));
        commit = repository.commit("main");
        server.bytesPerSecond = 300_000;
        List<Long> both = new ArrayList<>();
        source(ID, progress -> {
                    if (Files.exists(partial("model-00001-of-00002.safetensors"))
                            && Files.exists(partial("model-00002-of-00002.safetensors"))) {
                        both.add(progress.bytes());
                    }
                })
                .resolve(Download.ALWAYS);
        assertThat(both).isNotEmpty();
        assertWhole();
    }

    @Test
    void anErrorOfOneFileEndsTheOthers() {
        sharded(repository);
        commit = repository.commit("main");
        server.bytesPerSecond = 1000;
        Path other = partial("model-00001-of-00002.safetensors");
        server.fault("model-00002-of-00002.safetensors", (exchange, content) -> {
            while (!Files.exists(other)) {
                Thread.onSpinWait();
            }
            return HubServer.wrong().answer(exchange, content);
        });
        assertThatThrownBy(() -> source().resolve(Download.ALWAYS)).hasMessageContaining("SHA-256");
        assertThat(other).as("kept for the next run").exists();
    }

    @Test
    void twoAtOnceLoadEachFileOnce() throws Exception {
        server.bytesPerSecond = 600_000;
        CompletableFuture<Path> other = CompletableFuture.supplyAsync(() -> {
            try {
                return source().resolve(Download.ALWAYS);
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        });
        assertThat(source().resolve(Download.ALWAYS)).isEqualTo(other.get());
        assertThat(requestsFor(WEIGHTS)).hasSize(1);
        assertWhole();
    }

    @Test
    void anInterruptEndsADownload() throws Exception {
        server.bytesPerSecond = 10_000;
        AtomicReference<Throwable> error = new AtomicReference<>();
        Thread thread = new Thread(() -> {
            try {
                source().resolve(Download.ALWAYS);
            } catch (IOException e) {
                error.set(e);
            }
        });
        thread.start();
        while (!Files.exists(partial(WEIGHTS))) {
            Thread.sleep(10);
        }
        thread.interrupt();
        thread.join();
        assertThat(error.get())
                .isInstanceOf(InterruptedIOException.class)
                .hasMessage("download: interrupted; what is here is kept");
        server.bytesPerSecond = 0;
        source().resolve(Download.ALWAYS);
        assertWhole();
    }

    @Test
    void aFullDiskIsSaidAndWhatIsThereKept() throws IOException {
        Path full = Path.of("/dev/full");
        org.junit.jupiter.api.Assumptions.assumeTrue(Files.exists(full), "only Linux has a disk that is always full");
        Files.createDirectories(partial(WEIGHTS).getParent());
        Files.createSymbolicLink(partial(WEIGHTS), full);
        assertThatThrownBy(() -> source().resolve(Download.ALWAYS))
                .isInstanceOf(HubException.class)
                .hasMessage(
                        blob(WEIGHTS).getParent()
                                + ": expected room for 300.0 kB more of model.safetensors, got \"No space"
                                + " left on device\"; make room, or set HF_HUB_CACHE to a folder on another disk; what is here is kept")
                .extracting(e -> ((HubException) e).reason())
                .isEqualTo(HubException.Reason.DISK_FULL);
    }

    @Test
    void tooSmallADiskIsSaidBeforeAnythingIsLoaded() throws IOException {
        HubCache small = new HubCache(HubEnvironment.of(environment)) {
            @Override
            long free() {
                return 1000;
            }
        };
        RepositoryId id = RepositoryId.of(ID);
        HubClient client = new HubClient(HubEnvironment.of(environment), id, "main", pauses::add);
        assertThatThrownBy(() -> Downloader.prepare(small, client, id, "main").run(progress -> {}))
                .isInstanceOf(HubException.class)
                .hasMessage(cache() + ": expected room for 300.1 kB of " + ID
                        + ", got 1.0 kB free; make room, or set HF_HUB_CACHE to a folder on another disk");
        assertThat(repositoryFolder()).doesNotExist();
        assertThat(server.loaded()).isEmpty();
    }
}
