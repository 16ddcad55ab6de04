/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Behaves as the Hugging Face Hub does, on this machine: small files behind a relative redirect, files of Git LFS behind one to a
 * content network on another host (a second server), which must never see a token.
 */
public final class HubServer implements AutoCloseable {
    private static final Pattern API = Pattern.compile("/api/models/([^/]+/[^/]+)/revision/(.+)");
    private static final Pattern RESOLVE =
            Pattern.compile("(/api/resolve-cache/models)?/([^/]+/[^/]+)/(?:resolve/)?([^/]+)/(.+)");
    private static final ObjectMapper MAPPER = new ObjectMapper();

    /** A request as it came. */
    record Request(boolean cdn, String method, String path, Map<String, List<String>> headers) {
        String header(String name) {
            return headers.entrySet().stream()
                    .filter(entry -> entry.getKey().equalsIgnoreCase(name))
                    .map(entry -> entry.getValue().get(0))
                    .findFirst()
                    .orElse(null);
        }
    }

    /** Answers in place of the server; returns whether it did. */
    interface Fault {
        boolean answer(HttpExchange exchange, byte[] content) throws IOException;
    }

    /** A repository. */
    public static final class Repository {
        private final Map<String, byte[]> files = new TreeMap<>();
        private final Map<String, String> revisions = new TreeMap<>();
        private final Map<String, Map<String, byte[]>> commits = new TreeMap<>();
        volatile boolean gated;
        volatile String token;

        /** Puts a file into the next commit. */
        public Repository put(String name, byte[] content) {
            files.put(name, content);
            return this;
        }

        Repository put(String name, String content) {
            return put(name, content.getBytes(StandardCharsets.UTF_8));
        }

        Repository remove(String name) {
            files.remove(name);
            return this;
        }

        /** Makes a commit of all files, which the revision stands for from now on. */
        public String commit(String revision) {
            String commit = hex("SHA-1", (revision + commits.size()).getBytes(StandardCharsets.UTF_8));
            commits.put(commit, new TreeMap<>(files));
            revisions.put(revision, commit);
            return commit;
        }

        byte[] content(String name) {
            return files.get(name);
        }

        private String commitOf(String revision) {
            return commits.containsKey(revision) ? revision : revisions.get(revision);
        }
    }

    private final HttpServer hub;
    private final HttpServer cdn;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Map<String, Repository> repositories = new TreeMap<>();
    private final List<Request> requests = new CopyOnWriteArrayList<>();
    private final Map<String, Queue<Fault>> faults = new TreeMap<>();

    /** Whether the list of files tells sizes and hashes. */
    volatile boolean blobs = true;

    /** What the list of files says in place of hashes, if it is to lie. */
    volatile String lie;

    /** How many bytes a second one connection to the content network gets; 0 for all there are. */
    volatile int bytesPerSecond;

    /** Starts both servers. */
    public HubServer() throws IOException {
        hub = start("127.0.0.1", this::hub);
        cdn = start("localhost", this::cdn);
    }

    private HttpServer start(String host, Handler handler) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getByName(host), 0), 0);
        server.setExecutor(threads);
        server.createContext("/", exchange -> {
            try (exchange) {
                handler.handle(exchange);
            } catch (RuntimeException e) {
                e.printStackTrace();
            }
        });
        server.start();
        return server;
    }

    private interface Handler {
        void handle(HttpExchange exchange) throws IOException;
    }

    /** What HF_ENDPOINT has to be. */
    public String endpoint() {
        return "http://127.0.0.1:" + hub.getAddress().getPort();
    }

    String cdn() {
        return "http://localhost:" + cdn.getAddress().getPort();
    }

    /** A new repository. */
    public Repository repository(String id) {
        return repositories.computeIfAbsent(id, key -> new Repository());
    }

    /** What came so far. */
    List<Request> requests() {
        return requests;
    }

    /** How many requests came so far. */
    public int requestCount() {
        return requests.size();
    }

    /** The next request for this file (or {@code api}) is answered like this; the Hub's faults go by "hub:NAME". */
    void fault(String name, Fault... next) {
        faults.computeIfAbsent(name, key -> new ConcurrentLinkedQueue<>()).addAll(List.of(next));
    }

    static Fault status(int status, String... headers) {
        return (exchange, content) -> {
            for (int i = 0; i < headers.length; i += 2) {
                exchange.getResponseHeaders().add(headers[i], headers[i + 1]);
            }
            exchange.sendResponseHeaders(status, -1);
            return true;
        };
    }

    /** Promises everything and closes the connection after so many bytes. */
    static Fault cut(int bytes) {
        return (exchange, content) -> {
            int from = from(exchange);
            exchange.getResponseHeaders()
                    .add("Content-Range", "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
            exchange.sendResponseHeaders(from > 0 ? 206 : 200, content.length - from);
            exchange.getResponseBody().write(content, from, Math.min(bytes, content.length - from));
            exchange.getResponseBody().flush();
            return true;
        };
    }

    /** Sends so many bytes, then nothing for a while. */
    static Fault stall(int bytes, int milliseconds) {
        return (exchange, content) -> {
            exchange.sendResponseHeaders(200, content.length);
            exchange.getResponseBody().write(content, 0, bytes);
            exchange.getResponseBody().flush();
            try {
                Thread.sleep(milliseconds);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return true;
        };
    }

    /** Sends other bytes, as many as were promised. */
    static Fault wrong() {
        return (exchange, content) -> {
            byte[] other = content.clone();
            other[other.length / 2] ^= 1;
            int from = from(exchange);
            exchange.getResponseHeaders()
                    .add("Content-Range", "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
            exchange.sendResponseHeaders(from > 0 ? 206 : 200, content.length - from);
            exchange.getResponseBody().write(other, from, other.length - from);
            return true;
        };
    }

    /** Knows no ranges. */
    static Fault whole() {
        return (exchange, content) -> {
            exchange.sendResponseHeaders(200, content.length);
            exchange.getResponseBody().write(content);
            return true;
        };
    }

    static Fault none() {
        return (exchange, content) -> false;
    }

    private boolean faulty(String name, HttpExchange exchange, byte[] content) throws IOException {
        Queue<Fault> queue = faults.get(name);
        Fault fault = queue == null ? null : queue.poll();
        return fault != null && fault.answer(exchange, content);
    }

    private void hub(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        String raw = exchange.getRequestURI().getRawPath();
        requests.add(new Request(false, exchange.getRequestMethod(), path, Map.copyOf(exchange.getRequestHeaders())));
        Matcher api = API.matcher(raw);
        Matcher resolve = RESOLVE.matcher(path);
        if (api.matches()) {
            Repository repository = repositories.get(api.group(1));
            if (!faulty("api", exchange, null) && mayRead(exchange, repository, true)) {
                api(exchange, repository, api.group(2).replace("%2F", "/"));
            }
        } else if (resolve.matches()) {
            Repository repository = repositories.get(resolve.group(2));
            if (mayRead(exchange, repository, false)) {
                resolve(exchange, repository, resolve);
            }
        } else {
            exchange.sendResponseHeaders(404, -1);
        }
    }

    private boolean mayRead(HttpExchange exchange, Repository repository, boolean api) throws IOException {
        String authorization = exchange.getRequestHeaders().getFirst("Authorization");
        if (authorization != null && authorization.contains("bad")) {
            refuse(exchange, 401, null, "Invalid credentials in Authorization header");
        } else if (repository == null || repository.token != null && authorization == null) {
            refuse(exchange, authorization == null ? 401 : 404, "RepoNotFound", "Repository not found");
        } else if (repository.token != null && !authorization.equals("Bearer " + repository.token)) {
            refuse(exchange, 404, "RepoNotFound", "Repository not found");
        } else if (repository.gated && !api && !"Bearer hf_admitted".equals(authorization)) {
            refuse(exchange, authorization == null ? 401 : 403, "GatedRepo", "Access to model is restricted");
        } else {
            return true;
        }
        return false;
    }

    private static void refuse(HttpExchange exchange, int status, String code, String message) throws IOException {
        if (code != null) {
            exchange.getResponseHeaders().add("X-Error-Code", code);
        }
        exchange.getResponseHeaders().add("X-Error-Message", message);
        exchange.sendResponseHeaders(status, -1);
    }

    private void api(HttpExchange exchange, Repository repository, String revision) throws IOException {
        String commit = repository.commitOf(revision);
        if (commit == null) {
            refuse(exchange, 404, "RevisionNotFound", "Invalid rev id: " + revision);
            return;
        }
        ObjectNode json = MAPPER.createObjectNode().put("sha", commit).put("gated", repository.gated);
        ArrayNode siblings = json.putArray("siblings");
        repository.commits.get(commit).forEach((name, content) -> {
            ObjectNode file = siblings.addObject().put("rfilename", name);
            if (blobs) {
                file.put("size", content.length)
                        .put("blobId", isLfs(name) ? gitHash(pointer(content)) : gitHash(content));
                if (lie != null) {
                    file.put("blobId", lie);
                }
                if (isLfs(name)) {
                    file.putObject("lfs")
                            .put("sha256", hex("SHA-256", content))
                            .put("size", content.length)
                            .put("pointerSize", 134);
                }
            }
        });
        byte[] body = MAPPER.writeValueAsBytes(json);
        exchange.getResponseHeaders().add("Content-Type", "application/json");
        exchange.sendResponseHeaders(200, body.length);
        exchange.getResponseBody().write(body);
    }

    private void resolve(HttpExchange exchange, Repository repository, Matcher path) throws IOException {
        String commit = repository.commitOf(path.group(3));
        String name = path.group(4);
        byte[] content = commit == null ? null : repository.commits.get(commit).get(name);
        if (content == null) {
            refuse(exchange, 404, commit == null ? "RevisionNotFound" : "EntryNotFound", "Entry not found");
            return;
        }
        if (faulty("hub:" + name, exchange, content)) {
            return;
        }
        var headers = exchange.getResponseHeaders();
        headers.add("X-Repo-Commit", commit);
        if (isLfs(name)) {
            String hash = hex("SHA-256", content);
            headers.add("ETag", "\"" + gitHash(pointer(content)) + "\"");
            headers.add("X-Linked-Etag", "\"" + hash + "\"");
            headers.add("X-Linked-Size", Integer.toString(content.length));
            headers.add("X-Xet-Hash", hash);
            headers.add("Link", "<" + endpoint() + "/api/models/x/xet-read-token/" + commit + ">; rel=\"xet-auth\"");
            headers.add("Location", cdn() + "/" + path.group(2) + "/" + commit + "/" + name + "?signature=abc%2Fdef");
            exchange.sendResponseHeaders(302, -1);
        } else {
            headers.add("ETag", "W/\"" + gitHash(content) + "\"");
            if (path.group(1) == null) {
                headers.add(
                        "Location",
                        "/api/resolve-cache/models/" + path.group(2) + "/" + commit + "/" + name + "?etag=1");
                exchange.sendResponseHeaders(307, -1);
            } else {
                send(exchange, content, 0);
            }
        }
    }

    private void cdn(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        requests.add(new Request(true, exchange.getRequestMethod(), path, Map.copyOf(exchange.getRequestHeaders())));
        String[] parts = path.substring(1).split("/", 4);
        byte[] content = repositories
                .get(parts[0] + "/" + parts[1])
                .commits
                .get(parts[2])
                .get(parts[3]);
        if (!faulty(parts[3], exchange, content)) {
            send(exchange, content, bytesPerSecond);
        }
    }

    private static void send(HttpExchange exchange, byte[] content, int bytesPerSecond) throws IOException {
        int from = from(exchange);
        exchange.getResponseHeaders().add("Accept-Ranges", "bytes");
        if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.getResponseHeaders().add("Content-Length", Integer.toString(content.length));
            exchange.sendResponseHeaders(200, -1);
            return;
        }
        if (from > 0) {
            exchange.getResponseHeaders()
                    .add("Content-Range", "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
        }
        exchange.sendResponseHeaders(from > 0 ? 206 : 200, content.length - from == 0 ? -1 : content.length - from);
        OutputStream out = exchange.getResponseBody();
        int step = bytesPerSecond == 0 ? content.length : Math.max(1, bytesPerSecond / 100);
        for (int at = from; at < content.length; at += step) {
            out.write(content, at, Math.min(step, content.length - at));
            if (bytesPerSecond > 0) {
                out.flush();
                try {
                    Thread.sleep(10);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return;
                }
            }
        }
    }

    private static int from(HttpExchange exchange) {
        String range = exchange.getRequestHeaders().getFirst("Range");
        return range == null ? 0 : Integer.parseInt(range.replaceAll("bytes=(\\d+)-.*", "$1"));
    }

    private static boolean isLfs(String name) {
        return name.endsWith(".safetensors") || name.endsWith(".bin");
    }

    private static byte[] pointer(byte[] content) {
        return ("version https://git-lfs.github.com/spec/v1\noid sha256:" + hex("SHA-256", content) + "\nsize "
                        + content.length + "\n")
                .getBytes(StandardCharsets.US_ASCII);
    }

    static String gitHash(byte[] content) {
        byte[] head = ("blob " + content.length + '\0').getBytes(StandardCharsets.US_ASCII);
        byte[] all = new byte[head.length + content.length];
        System.arraycopy(head, 0, all, 0, head.length);
        System.arraycopy(content, 0, all, head.length, content.length);
        return hex("SHA-1", all);
    }

    static String hex(String algorithm, byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Paths of the content network that were asked for, in order. */
    List<String> loaded() {
        List<String> names = new ArrayList<>();
        requests.stream()
                .filter(Request::cdn)
                .forEach(request -> names.add(request.path().replaceAll(".*/", "")));
        return names;
    }

    @Override
    public void close() {
        hub.stop(0);
        cdn.stop(0);
        threads.shutdownNow();
    }
}
