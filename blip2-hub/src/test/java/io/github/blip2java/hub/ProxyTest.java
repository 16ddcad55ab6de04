/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which proxy is asked, and what it is told. */
class ProxyTest extends HubTestBase {
    private static final ProxySelector DIRECT = ProxySelector.of(null);

    private static String proxy(String uri, String... variables) {
        Map<String, String> map = new java.util.HashMap<>();
        for (int i = 0; i < variables.length; i += 2) {
            map.put(variables[i], variables[i + 1]);
        }
        Proxy proxy = new Proxies(HubEnvironment.of(map), DIRECT)
                .select(URI.create(uri))
                .get(0);
        return proxy.type() == Proxy.Type.DIRECT
                ? ""
                : proxy.address().toString().replaceAll("/.*:", ":").replace("<unresolved>", "");
    }

    @Test
    void theVariableOfTheSchemeCountsThenTheOneForAll() {
        assertThat(proxy("https://huggingface.co/x")).isEmpty();
        assertThat(proxy("https://huggingface.co/x", "https_proxy", "http://127.0.0.1:3128"))
                .endsWith(":3128");
        assertThat(proxy("https://huggingface.co/x", "HTTPS_PROXY", "127.0.0.1:3129"))
                .endsWith(":3129");
        assertThat(proxy("https://huggingface.co/x", "http_proxy", "127.0.0.1:3129"))
                .isEmpty();
        assertThat(proxy("http://huggingface.co/x", "http_proxy", "http://user:word@127.0.0.1"))
                .endsWith(":80");
        assertThat(proxy("http://huggingface.co/x", "ALL_PROXY", "127.0.0.1:1")).endsWith(":1");
        assertThat(proxy("http://huggingface.co/x", "all_proxy", "127.0.0.1:1", "http_proxy", "127.0.0.1:2"))
                .endsWith(":2");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            *                      | true
            huggingface.co         | true
            .huggingface.co        | true
            *.huggingface.co       | true
            x.org, Huggingface.CO  | true
            huggingface.co:443     | false
            face.co                | false
            cdn.huggingface.co     | false
            ''                     | false
            """)
    void hostsMayBeExcluded(String none, boolean direct) {
        assertThat(proxy("https://huggingface.co/x", "https_proxy", "127.0.0.1:1", "no_proxy", none)
                        .isEmpty())
                .isEqualTo(direct);
    }

    @Test
    void namesBelowAnExcludedOneAndPortsAreExcludedToo() {
        assertThat(proxy("https://cdn.hf.co/x", "https_proxy", "127.0.0.1:1", "NO_PROXY", "hf.co"))
                .isEmpty();
        assertThat(proxy("https://hf.co:8443/x", "https_proxy", "127.0.0.1:1", "NO_PROXY", "hf.co:8443"))
                .isEmpty();
    }

    @Test
    void whatJavaIsToldComesFirst() {
        ProxySelector java = new ProxySelector() {
            @Override
            public List<Proxy> select(URI uri) {
                return List.of(new Proxy(Proxy.Type.HTTP, new InetSocketAddress("127.0.0.1", 9)));
            }

            @Override
            public void connectFailed(URI uri, SocketAddress address, IOException problem) {}
        };
        Proxies proxies = new Proxies(HubEnvironment.of(Map.of("https_proxy", "127.0.0.1:1")), java);
        assertThat(proxies.select(URI.create("https://huggingface.co")).get(0).address())
                .hasToString("/127.0.0.1:9");
    }

    @Test
    void whatIsNoProxyIsSaidWithoutItsPassword() {
        assertThatThrownBy(() -> proxy("https://huggingface.co", "https_proxy", "socks5://user:secret@127.0.0.1:1"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("https_proxy: expected the address of a proxy as http://HOST:PORT, got something else");
    }

    @Test
    void aProxyGetsEveryRequestAndItsPassword() throws IOException {
        List<String> asked = new CopyOnWriteArrayList<>();
        HttpServer proxy = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        proxy.createContext("/", exchange -> {
            asked.add(exchange.getRequestURI() + " "
                    + exchange.getRequestHeaders().getFirst("Proxy-Authorization"));
            exchange.sendResponseHeaders(407, -1);
            exchange.close();
        });
        proxy.start();
        environment.put(
                "http_proxy", "http://me:a%20b@127.0.0.1:" + proxy.getAddress().getPort());
        try {
            assertThatThrownBy(() -> source().resolve(Download.ALWAYS))
                    .isInstanceOf(HubException.class)
                    .hasMessage(ID + ": no folder here, and the Hub cannot be asked for it; " + server.endpoint()
                            + ": a proxy asks for a user's name and password; set https_proxy to"
                            + " http://USER:PASSWORD@HOST:PORT, and start Java with"
                            + " -Djdk.http.auth.tunneling.disabledSchemes= (bin/blip2 does)");
        } finally {
            proxy.stop(0);
        }
        assertThat(asked)
                .containsExactly(server.endpoint() + "/api/models/" + ID + "/revision/main?blobs=true Basic bWU6YSBi");
        assertThat(server.requests()).isEmpty();
        environment.put("no_proxy", "127.0.0.1,localhost");
        assertThat(source().resolve(Download.ALWAYS)).isEqualTo(snapshot());
    }

    /** Runs with a proxy that refuses tunnels; returns what it was asked. */
    private List<String> refused(String answer, String message) throws Exception {
        List<String> lines = new CopyOnWriteArrayList<>();
        try (ServerSocket proxy = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            Thread thread = new Thread(() -> {
                while (!proxy.isClosed()) {
                    try (Socket socket = proxy.accept()) {
                        BufferedReader in = new BufferedReader(
                                new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
                        for (String line = in.readLine(); line != null && !line.isEmpty(); line = in.readLine()) {
                            lines.add(line);
                        }
                        socket.getOutputStream()
                                .write(("HTTP/1.1 " + answer + "\r\nContent-Length: 0\r\n\r\n")
                                        .getBytes(StandardCharsets.US_ASCII));
                    } catch (IOException e) {
                        // closed
                    }
                }
            });
            thread.start();
            environment.put("HF_ENDPOINT", "https://huggingface.co");
            environment.put("HF_TOKEN", "hf_secret");
            environment.put("https_proxy", "http://127.0.0.1:" + proxy.getLocalPort());
            assertThatThrownBy(() -> source().resolve(Download.ALWAYS))
                    .isInstanceOf(HubException.class)
                    .hasMessage(ID + ": no folder here, and the Hub cannot be asked for it; " + message);
        }
        return lines;
    }

    @Test
    void aTunnelIsAskedForWithoutTheToken() throws Exception {
        List<String> lines = refused(
                "407 Who?\r\nProxy-Authenticate: Basic realm=\"x\"",
                "https://huggingface.co: a proxy asks for a user's name and password; set https_proxy to"
                        + " http://USER:PASSWORD@HOST:PORT, and start Java with"
                        + " -Djdk.http.auth.tunneling.disabledSchemes= (bin/blip2 does)");
        assertThat(lines.get(0)).isEqualTo("CONNECT huggingface.co:443 HTTP/1.1");
        assertThat(lines).noneMatch(line -> line.contains("hf_secret"));
    }

    @Test
    void aProxyThatRefusesIsNotTakenForTheHub() throws Exception {
        List<String> lines = refused(
                "403 Forbidden",
                "https://huggingface.co: expected an answer, got \"IOException: Tunnel failed, got: 403\"; tried 2 times; run it"
                        + " again later, what is here is kept");
        assertThat(lines).filteredOn(line -> line.startsWith("CONNECT")).hasSize(2);
    }
}
