/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.Optional;
import javax.net.ssl.SSLException;

/** Requests to the Hub, and to the hosts it sends us on to, which never see the token. */
final class Http {
    private static final int MAX_REDIRECTS = 10;
    private static final String USER_AGENT = "blip2-java/"
            + Optional.ofNullable(Http.class.getPackage().getImplementationVersion())
                    .orElse("dev") + "; java/"
            + System.getProperty("java.version");

    /**
     * An answer, and what the Hub itself said before it sent us on.
     *
     * @param response the last answer, whose body is open
     * @param hub      the headers of the Hub's own last answer
     * @param own      whether the last answer is the Hub's own
     */
    record Answer(HttpResponse<InputStream> response, HttpHeaders hub, boolean own) implements AutoCloseable {
        int status() {
            return response.statusCode();
        }

        @Override
        public void close() throws IOException {
            response.body().close();
        }
    }

    private final URI endpoint;
    private final Optional<String> token;
    private final Duration timeout;
    private final Proxies proxies;
    private final HttpClient client;

    Http(HubEnvironment environment) throws IOException {
        this.endpoint = environment.endpoint();
        this.token = environment.token();
        this.timeout = environment.answerTimeout();
        this.proxies = new Proxies(environment, ProxySelector.getDefault());
        this.client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(timeout)
                .proxy(proxies)
                .build();
    }

    URI endpoint() {
        return endpoint;
    }

    boolean hasToken() {
        return token.isPresent();
    }

    /**
     * Asks.
     *
     * @param method GET or HEAD; a HEAD follows redirects on the Hub alone, as its headers say what is wanted
     * @param path   what follows the endpoint, encoded
     * @param from   the first byte wanted; 0 for all
     * @return an answer of any status but a redirect (for HEAD that too)
     * @throws TransientException if there is no answer
     * @throws HubException       if no answer can be had
     */
    Answer send(String method, String path, long from) throws IOException, InterruptedException {
        URI uri = URI.create(endpoint + path);
        HttpHeaders hub = null;
        for (int hop = 0; hop <= MAX_REDIRECTS; hop++) {
            boolean own = isOwn(uri);
            HttpResponse<InputStream> response = send(request(method, uri, from, own));
            checkProxy(response);
            hub = own ? response.headers() : hub;
            Optional<String> location = response.headers().firstValue("Location");
            if (!isRedirect(response.statusCode()) || location.isEmpty()) {
                return new Answer(response, hub, own);
            }
            URI target = target(uri, location.get());
            if (method.equals("HEAD") && !isOwn(target)) {
                return new Answer(response, hub, own);
            }
            response.body().close();
            uri = target;
        }
        throw new HubException(
                HubException.Reason.BAD_ANSWER,
                endpoint + ": expected a file, got more than " + MAX_REDIRECTS + " redirects; check HF_ENDPOINT");
    }

    private static void checkProxy(HttpResponse<InputStream> response) throws HubException {
        if (response.statusCode() == 407) {
            throw new HubException(
                    HubException.Reason.UNREACHABLE,
                    host(response.uri()) + ": a proxy asks for a user's name and password; set https_proxy to"
                            + " http://USER:PASSWORD@HOST:PORT, and start Java with"
                            + " -Djdk.http.auth.tunneling.disabledSchemes= (bin/blip2 does)");
        }
    }

    private HttpRequest request(String method, URI uri, long from, boolean own) {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri)
                .method(method, HttpRequest.BodyPublishers.noBody())
                .timeout(timeout)
                .header("User-Agent", USER_AGENT)
                .header("Accept-Encoding", "identity");
        if (from > 0) {
            request.header("Range", "bytes=" + from + "-");
        }
        if (own && token.isPresent()) {
            request.header("Authorization", "Bearer " + token.get());
        }
        proxies.authorization(uri).ifPresent(value -> request.header("Proxy-Authorization", value));
        return request.build();
    }

    private HttpResponse<InputStream> send(HttpRequest request) throws IOException, InterruptedException {
        try {
            return client.send(request, HttpResponse.BodyHandlers.ofInputStream());
        } catch (SSLException e) {
            throw new HubException(
                    HubException.Reason.UNREACHABLE,
                    host(request.uri()) + ": expected a certificate that Java trusts, got \"" + reason(e)
                            + "\"; where a company's proxy opens connections, start Java with -Djavax.net.ssl.trustStore, or on"
                            + " Windows and macOS -Djavax.net.ssl.trustStoreType=Windows-ROOT or KeychainStore",
                    e);
        } catch (IOException e) {
            throw new TransientException(
                    HubException.Reason.UNREACHABLE,
                    host(request.uri()) + ": expected an answer, got \"" + reason(e) + '"',
                    null,
                    e);
        }
    }

    /** The JDK leaves the message of some exceptions empty. */
    static String reason(IOException e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof UnresolvedAddressException) {
                return "unknown host";
            }
            if (cause.getMessage() != null) {
                return HubClient.shown(cause.getClass().getSimpleName() + ": " + cause.getMessage());
            }
        }
        return e instanceof ConnectException ? "no connection" : e.getClass().getSimpleName();
    }

    private URI target(URI from, String location) throws HubException {
        try {
            URI target = from.resolve(location);
            boolean safe = "https".equalsIgnoreCase(target.getScheme())
                    || "http".equalsIgnoreCase(target.getScheme()) && !"https".equalsIgnoreCase(from.getScheme());
            if (safe && target.getHost() != null) {
                return target;
            }
        } catch (IllegalArgumentException e) {
            // said below
        }
        throw new HubException(
                HubException.Reason.BAD_ANSWER,
                host(from) + ": expected a redirect to an https address, got \"" + HubClient.shown(location)
                        + "\"; check HF_ENDPOINT");
    }

    /** Scheme, host and port of the Hub: whom the token is for. */
    private boolean isOwn(URI uri) {
        return uri.getScheme().equalsIgnoreCase(endpoint.getScheme())
                && uri.getHost().equalsIgnoreCase(endpoint.getHost())
                && uri.getPort() == endpoint.getPort();
    }

    private static boolean isRedirect(int status) {
        return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    }

    private static String host(URI uri) {
        return uri.getScheme() + "://" + uri.getRawAuthority();
    }
}
