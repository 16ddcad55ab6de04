/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What environment variables say about the Hub: where it is, where its cache is, who asks.
 *
 * <p>Reference: {@code huggingface_hub.constants}, whose variables these are: {@code HF_HOME}, {@code HF_HUB_CACHE},
 * {@code XDG_CACHE_HOME}, {@code HF_ENDPOINT}, {@code HF_TOKEN}, {@code HF_TOKEN_PATH}, {@code HF_HUB_DISABLE_IMPLICIT_TOKEN},
 * {@code HF_HUB_OFFLINE}, {@code HF_HUB_DISABLE_SYMLINKS}, {@code HF_HUB_ETAG_TIMEOUT}, {@code HF_HUB_DOWNLOAD_TIMEOUT}; and
 * {@code https_proxy}, {@code http_proxy}, {@code all_proxy}, {@code no_proxy}.
 */
public final class HubEnvironment {
    private static final Pattern VARIABLE = Pattern.compile("\\$(?:\\{(\\w+)}|(\\w+))");
    private static final Pattern TOKEN = Pattern.compile("[!-~]+");
    private static final Set<String> TRUE = Set.of("1", "ON", "YES", "TRUE");
    private static final int TIMEOUT = 10;

    private final Map<String, String> variables;
    private final Path cache;

    private HubEnvironment(Map<String, String> variables, Path cache) {
        this.variables = Map.copyOf(variables);
        this.cache = cache;
    }

    /**
     * Reads the variables of this process. A system property whose name begins with {@code HF_} counts more
     * ({@code -DHF_HUB_OFFLINE=1}).
     *
     * @return an environment
     */
    public static HubEnvironment system() {
        Map<String, String> variables = new HashMap<>(System.getenv());
        System.getProperties().stringPropertyNames().stream()
                .filter(name -> name.startsWith("HF_"))
                .forEach(name -> variables.put(name, System.getProperty(name)));
        return new HubEnvironment(variables, null);
    }

    /**
     * Variables that a program sets itself, in place of those of the process.
     *
     * @param variables names as listed above, and values
     * @return an environment
     */
    public static HubEnvironment of(Map<String, String> variables) {
        return new HubEnvironment(variables, null);
    }

    /**
     * The same, but for the cache.
     *
     * @param folder where models are to be looked for and downloaded to; it need not be there
     * @return an environment
     */
    public HubEnvironment withCache(Path folder) {
        return new HubEnvironment(variables, folder.toAbsolutePath());
    }

    /** {@return the folder of the cache; it need not be there} */
    public Path cache() {
        if (cache != null) {
            return cache;
        }
        return path("HF_HUB_CACHE")
                .or(() -> path("HUGGINGFACE_HUB_CACHE"))
                .orElseGet(() -> home().resolve("hub"))
                .toAbsolutePath();
    }

    private Path home() {
        return path("HF_HOME")
                .orElseGet(() -> path("XDG_CACHE_HOME")
                        .orElseGet(() -> Path.of(userHome(), ".cache"))
                        .resolve("huggingface"));
    }

    /**
     * The address of the Hub or of a mirror.
     *
     * @return without a slash at its end
     * @throws IllegalArgumentException if {@code HF_ENDPOINT} is none
     */
    public URI endpoint() {
        String text = text("HF_ENDPOINT").orElse("https://huggingface.co");
        try {
            URI uri = URI.create(text.replaceAll("/+$", ""));
            if (uri.getHost() != null && uri.getScheme().matches("(?i)https?") && uri.getQuery() == null) {
                return uri;
            }
        } catch (IllegalArgumentException e) {
            // said below, with what to do
        }
        throw new IllegalArgumentException(
                "HF_ENDPOINT: expected an address like https://huggingface.co, got \"" + text + '"');
    }

    /** {@return whether no connection may be opened} */
    public boolean offline() {
        return isTrue(text("HF_HUB_OFFLINE").or(() -> text("TRANSFORMERS_OFFLINE")));
    }

    boolean linksDisabled() {
        return isTrue(text("HF_HUB_DISABLE_SYMLINKS"));
    }

    /** How long an answer's first byte may take. */
    Duration answerTimeout() {
        return seconds("HF_HUB_ETAG_TIMEOUT");
    }

    /** How long there may be no byte of a file. */
    Duration stallTimeout() {
        return seconds("HF_HUB_DOWNLOAD_TIMEOUT");
    }

    /**
     * The token that says who asks: {@code HF_TOKEN}, or the file that {@code hf auth login} writes.
     *
     * @throws HubException if it cannot be one; it is not shown
     * @throws IOException  if the file may not be read
     */
    Optional<String> token() throws IOException {
        if (isTrue(text("HF_HUB_DISABLE_IMPLICIT_TOKEN"))) {
            return Optional.empty();
        }
        Optional<String> variable = text("HF_TOKEN").or(() -> text("HUGGING_FACE_HUB_TOKEN"));
        Path file = tokenFile();
        Optional<String> token = variable.isPresent() ? variable : read(file);
        if (token.isPresent() && !TOKEN.matcher(token.get()).matches()) {
            throw new HubException(
                    HubException.Reason.BAD_TOKEN,
                    (variable.isPresent() ? "HF_TOKEN" : file.toString()) + ": expected a token of the Hugging Face Hub"
                            + " (hf_ and letters and digits), got something with spaces or other signs in it; make one at "
                            + endpoint() + "/settings/tokens");
        }
        return token;
    }

    private Path tokenFile() {
        return path("HF_TOKEN_PATH").orElseGet(() -> home().resolve("token"));
    }

    private static Optional<String> read(Path file) throws IOException {
        try {
            String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8).strip();
            return text.isEmpty() ? Optional.empty() : Optional.of(text);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new HubException(
                    HubException.Reason.BAD_TOKEN,
                    file + ": expected to read the token of the Hugging Face Hub, got \""
                            + e.getClass().getSimpleName()
                            + "\"; set HF_TOKEN, or HF_TOKEN_PATH to a file that may be read",
                    e);
        }
    }

    /** A variable of proxies, in lower or upper case, as curl has them. */
    Optional<String> proxyVariable(String name) {
        return text(name).or(() -> text(name.toUpperCase(Locale.ROOT)));
    }

    private Duration seconds(String name) {
        String text = text(name).orElse(Integer.toString(TIMEOUT));
        try {
            int value = Integer.parseInt(text);
            if (value > 0) {
                return Duration.ofSeconds(value);
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new IllegalArgumentException(name + ": expected a whole number of seconds above 0, got \"" + text + '"');
    }

    private static boolean isTrue(Optional<String> text) {
        return text.isPresent() && TRUE.contains(text.get().toUpperCase(Locale.ROOT));
    }

    private Optional<String> text(String name) {
        return Optional.ofNullable(variables.get(name)).map(String::strip).filter(text -> !text.isEmpty());
    }

    private Optional<Path> path(String name) {
        return text(name).map(this::expanded).map(Path::of);
    }

    /** As Python: HOME, which Java does not ask for, before what the system knows of this user. */
    private String userHome() {
        return text("HOME").filter(home -> Files.isDirectory(Path.of(home))).orElse(System.getProperty("user.home"));
    }

    /** As {@code os.path.expanduser} and {@code expandvars} do: unknown variables stay as they are. */
    private String expanded(String text) {
        String withHome = text.equals("~") || text.startsWith("~/") ? userHome() + text.substring(1) : text;
        return VARIABLE.matcher(withHome).replaceAll(match -> {
            String name = match.group(1) != null ? match.group(1) : match.group(2);
            return Matcher.quoteReplacement(variables.getOrDefault(name, match.group()));
        });
    }
}
