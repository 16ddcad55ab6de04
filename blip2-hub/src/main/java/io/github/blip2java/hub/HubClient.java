/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.hub.HubException.Reason;
import java.io.IOException;
import java.net.URLEncoder;
import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Asks the Hub about one revision of one repository; every answer that is none becomes a message. */
final class HubClient {
    /** The list of a repository's files, or an index: the largest known has some 200 kB. */
    private static final int SMALL = 32 << 20;

    private static final Pattern RATE_LIMIT = Pattern.compile("r\\s*=\\s*0\\s*;\\s*t\\s*=\\s*(\\d+)");
    private static final Pattern TAG = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,127}");
    private static final Pattern RANGE = Pattern.compile("bytes (\\d+)-\\d+/(?:\\d+|\\*)");
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final int SHOWN = 200;

    private final Http http;
    private final RepositoryId id;
    private final String revision;
    private final Backoff.Pause pause;
    private final Duration stall;

    HubClient(HubEnvironment environment, RepositoryId id, String revision, Backoff.Pause pause) throws IOException {
        this.http = new Http(environment);
        this.stall = environment.stallTimeout();
        this.id = id;
        this.revision = revision;
        this.pause = pause;
    }

    Backoff backoff() {
        return new Backoff(pause, Backoff.RETRIES);
    }

    /** The commit that the revision stands for, and its files. */
    RepositoryListing listing() throws IOException {
        String path = "/api/models/" + id + "/revision/" + encoded(revision) + "?blobs=true";
        // The first question: a machine without a network should say so soon.
        byte[] body = new Backoff(pause, 1).run(() -> small(path));
        JsonNode json;
        try {
            json = MAPPER.readTree(body);
        } catch (IOException e) {
            throw notTheHub("something that is no JSON");
        }
        return RepositoryListing.of(json).orElseThrow(() -> notTheHub("other JSON"));
    }

    /** The content of a small file. */
    byte[] small(String commit, String file) throws IOException {
        return backoff().run(() -> small(resolve(commit, file)));
    }

    /** Size and hash of a file, from the headers of the Hub's answer, where the list does not tell them. */
    RepositoryFile describe(String commit, String file) throws IOException {
        return backoff().run(() -> {
            try (Http.Answer answer = http.send("HEAD", resolve(commit, file), 0)) {
                if (answer.status() >= 400) {
                    throw error(answer, file);
                }
                HttpHeaders headers = answer.hub();
                checkCommit(headers, commit, file);
                String tag = headers.firstValue("X-Linked-Etag")
                        .or(() -> headers.firstValue("ETag"))
                        .map(HubClient::plainTag)
                        .filter(TAG.asMatchPredicate())
                        .orElseThrow(() -> notTheHub("no ETag for " + file));
                OptionalLong size = headers.firstValueAsLong("X-Linked-Size");
                if (size.isEmpty() && answer.status() < 300) {
                    size = headers.firstValueAsLong("Content-Length");
                }
                return RepositoryFile.of(file, size.orElseThrow(() -> notTheHub("no size for " + file)), tag);
            }
        });
    }

    /**
     * Opens a file's content.
     *
     * @param from the byte to begin with
     * @return begins with that byte, or with the first one if the server does not know ranges
     */
    Content open(String commit, RepositoryFile file, long from) throws IOException, InterruptedException {
        Http.Answer answer = http.send("GET", resolve(commit, file.path()), from);
        boolean opened = false;
        try {
            checkCommit(answer.hub(), commit, file.path());
            HttpHeaders headers = answer.response().headers();
            long start;
            if (answer.status() == 200) {
                start = 0;
            } else if (answer.status() == 206 && from > 0) {
                Matcher range =
                        RANGE.matcher(headers.firstValue("Content-Range").orElse(""));
                if (!range.matches() || Long.parseLong(range.group(1)) != from) {
                    throw transientError(answer, file.path(), "another range of bytes than was asked for");
                }
                start = from;
            } else {
                throw error(answer, file.path());
            }
            opened = true;
            return new Content(answer.response().body(), start, stall);
        } finally {
            if (!opened) {
                answer.close();
            }
        }
    }

    private byte[] small(String path) throws IOException, InterruptedException {
        try (Http.Answer answer = http.send("GET", path, 0)) {
            if (answer.status() != 200) {
                throw error(answer, null);
            }
            try (Content content = new Content(answer.response().body(), 0, stall)) {
                byte[] body = content.readNBytes(SMALL);
                OptionalLong length = answer.response().headers().firstValueAsLong("Content-Length");
                if (length.isPresent() && length.getAsLong() > body.length) {
                    throw transientError(answer, null, "only a part of it");
                }
                return body;
            } catch (TransientException e) {
                throw e;
            } catch (IOException e) {
                throw new TransientException(
                        Reason.UNREACHABLE,
                        id + ": expected an answer of " + http.endpoint() + ", got \"" + Http.reason(e) + '"',
                        null,
                        e);
            }
        }
    }

    private static void checkCommit(HttpHeaders headers, String commit, String file) throws HubException {
        Optional<String> got = headers == null ? Optional.empty() : headers.firstValue("X-Repo-Commit");
        if (got.isPresent() && !got.get().equals(commit)) {
            throw new HubException(
                    Reason.BAD_ANSWER,
                    file + ": expected the file of commit " + commit + ", got that of " + shown(got.get())
                            + "; HF_ENDPOINT leads to a mirror that mixes them up");
        }
    }

    private static String plainTag(String tag) {
        return tag.replaceFirst("^W/", "").replace("\"", "");
    }

    private String resolve(String commit, String file) {
        return "/" + id + "/resolve/" + commit + "/" + encoded(file).replace("%2F", "/");
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /** What an answer that is an error means. Reference: {@code huggingface_hub.utils._http.hf_raise_for_status}. */
    private IOException error(Http.Answer answer, String file) {
        HttpHeaders headers = answer.response().headers();
        int status = answer.status();
        if (status == 408 || status == 429 || status >= 500 || !answer.own()) {
            return transientError(answer, file, "HTTP " + status);
        }
        String code = headers.firstValue("X-Error-Code").orElse("");
        String said = headers.firstValue("X-Error-Message").orElse("");
        String hub = http.endpoint().toString();
        if (code.equals("GatedRepo")) {
            return new HubException(
                    Reason.GATED,
                    id + ": its owner asks everyone to accept conditions first; "
                            + (http.hasToken()
                                    ? "the token that is set has not been let in: ask for it at " + hub + "/" + id
                                            + " with the account that the token is of"
                                    : "accept them at " + hub + "/" + id
                                            + ", then set HF_TOKEN to a token of that account (" + hub
                                            + "/settings/tokens)"));
        }
        if (code.equals("RevisionNotFound")) {
            return new HubException(
                    Reason.NO_SUCH_REVISION,
                    id + ": expected a branch, tag or commit, got \"" + revision
                            + "\", which the repository does not have; its revisions are listed at " + hub + "/" + id
                            + "/tree/main");
        }
        if (code.equals("EntryNotFound")) {
            return new HubException(
                    Reason.BAD_ANSWER,
                    id + ": expected the file " + file + ", which the list of files names, got none; try again");
        }
        boolean refused = said.equals("Invalid credentials in Authorization header");
        if (refused || status == 403) {
            return new HubException(
                    Reason.BAD_TOKEN,
                    id + ": " + hub + " refuses "
                            + (http.hasToken()
                                    ? "the token of HF_TOKEN or of the token file (HTTP " + status
                                            + "); make another that may read this repository at " + hub
                                            + "/settings/tokens"
                                    : "whoever has no token (HTTP " + status + "); set HF_TOKEN")
                            + (said.isEmpty() || refused ? "" : "; it says \"" + shown(said) + '"'));
        }
        if (code.equals("RepoNotFound") || status == 401 || status == 404) {
            return new HubException(
                    Reason.NO_SUCH_REPOSITORY,
                    id + ": expected a folder or a repository of " + hub + ", found neither (HTTP " + status
                            + "); check the name, its upper and lower case, and the path; "
                            + (http.hasToken()
                                    ? "if it is private, the token that is set may not read it"
                                    : "if it is private, set HF_TOKEN to a token that may read it"));
        }
        return new HubException(
                Reason.BAD_ANSWER,
                id + ": expected an answer of " + hub + ", got HTTP " + status
                        + (said.isEmpty() ? "" : ": \"" + shown(said) + '"') + "; check HF_ENDPOINT and proxies");
    }

    private TransientException transientError(Http.Answer answer, String file, String got) {
        HttpHeaders headers = answer.response().headers();
        String host = answer.response().uri().getScheme() + "://"
                + answer.response().uri().getRawAuthority();
        return new TransientException(
                Reason.BAD_ANSWER,
                id + ": expected " + (file == null ? "an answer" : file) + " from " + host + ", got " + got,
                retryAfter(headers),
                null);
    }

    /** Seconds, a date, or the Hub's own header {@code ratelimit: "api";r=0;t=55}. */
    static Duration retryAfter(HttpHeaders headers) {
        Matcher limit = RATE_LIMIT.matcher(headers.firstValue("ratelimit").orElse(""));
        if (limit.find()) {
            return Duration.ofSeconds(Long.parseLong(limit.group(1)) + 1);
        }
        String text = headers.firstValue("Retry-After").orElse("").strip();
        if (text.matches("\\d{1,9}")) {
            return Duration.ofSeconds(Long.parseLong(text));
        }
        try {
            Instant until = ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME)
                    .toInstant();
            Duration time = Duration.between(Instant.now(), until);
            return time.isNegative() ? null : time;
        } catch (DateTimeException e) {
            return null;
        }
    }

    private HubException notTheHub(String got) {
        return new HubException(
                Reason.BAD_ANSWER,
                http.endpoint() + ": expected an answer as the Hugging Face Hub gives it, got " + got
                        + "; check HF_ENDPOINT, and whether a proxy or a network's login page answers in its place");
    }

    /** Text from elsewhere, made fit for one line of a terminal. */
    static String shown(String text) {
        String plain = text.replaceAll("[\\p{Cntrl}\\u2028\\u2029]", "?");
        return plain.length() <= SHOWN ? plain : plain.substring(0, SHOWN) + "…";
    }
}
