/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Which proxy leads to an address: what Java is told ({@code -Dhttps.proxyHost} and its kind), else what the environment names as
 * curl and Python read it.
 */
final class Proxies extends ProxySelector {
    private static final int DEFAULT_PORT = 80;

    private final HubEnvironment environment;
    private final ProxySelector java;

    Proxies(HubEnvironment environment, ProxySelector java) {
        this.environment = environment;
        this.java = java;
    }

    @Override
    public List<Proxy> select(URI uri) {
        List<Proxy> told = java == null ? List.of() : java.select(uri);
        if (told.stream().anyMatch(proxy -> proxy.type() != Proxy.Type.DIRECT) || excluded(uri)) {
            return told.isEmpty() ? List.of(Proxy.NO_PROXY) : told;
        }
        return List.of(address(uri.getScheme())
                .map(proxy -> new Proxy(
                        Proxy.Type.HTTP,
                        new InetSocketAddress(proxy.getHost(), proxy.getPort() < 0 ? DEFAULT_PORT : proxy.getPort())))
                .orElse(Proxy.NO_PROXY));
    }

    @Override
    public void connectFailed(URI uri, SocketAddress address, IOException problem) {
        if (java != null) {
            java.connectFailed(uri, address, problem);
        }
    }

    /**
     * What a proxy with a user's name and password in its address is to be told. As a header, because Java's {@code Authenticator}
     * would drop the Hub's token, and take every 401 of the Hub for a mistake.
     */
    Optional<String> authorization(URI uri) {
        boolean own = select(uri).get(0).type() != Proxy.Type.DIRECT;
        return own
                ? address(uri.getScheme())
                        .map(URI::getRawUserInfo)
                        .map(user -> "Basic "
                                + Base64.getEncoder()
                                        .encodeToString(decoded(user).getBytes(StandardCharsets.UTF_8)))
                : Optional.empty();
    }

    private static String decoded(String text) {
        return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    }

    /** The variable of the scheme, or the one for all. */
    private Optional<URI> address(String scheme) {
        String name = scheme.toLowerCase(Locale.ROOT) + "_proxy";
        Optional<String> text = environment.proxyVariable(name);
        String variable = text.isPresent() ? name : "all_proxy";
        return text.or(() -> environment.proxyVariable("all_proxy")).map(value -> parsed(variable, value));
    }

    private static URI parsed(String variable, String text) {
        try {
            URI uri = URI.create(text.contains("://") ? text : "http://" + text);
            if (uri.getHost() != null && uri.getScheme().matches("(?i)https?")) {
                return uri;
            }
        } catch (IllegalArgumentException e) {
            // said below; the value may hold a password
        }
        throw new IllegalArgumentException(
                variable + ": expected the address of a proxy as http://HOST:PORT, got something else");
    }

    /** Reference: {@code urllib.request.proxy_bypass_environment}. */
    private boolean excluded(URI uri) {
        String host = uri.getHost().toLowerCase(Locale.ROOT);
        for (String entry : environment
                .proxyVariable("no_proxy")
                .orElse("")
                .toLowerCase(Locale.ROOT)
                .split(",")) {
            String name = entry.strip().replaceFirst("^\\*?\\.", "");
            if (name.equals("*") || name.equals(host + ":" + uri.getPort())) {
                return true;
            }
            if (!name.isEmpty() && (host.equals(name) || host.endsWith("." + name))) {
                return true;
            }
        }
        return false;
    }
}
