/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HubEnvironmentTest {
    private static final Path HOME = Path.of(System.getProperty("user.home"));

    private static HubEnvironment environment(String... variables) {
        Map<String, String> map = new HashMap<>();
        for (int i = 0; i < variables.length; i += 2) {
            map.put(variables[i], variables[i + 1]);
        }
        return HubEnvironment.of(map);
    }

    @Test
    void theCacheIsWherePythonHasIt() {
        assertThat(environment().cache()).isEqualTo(HOME.resolve(".cache/huggingface/hub"));
        assertThat(environment("XDG_CACHE_HOME", "/x").cache()).isEqualTo(Path.of("/x/huggingface/hub"));
        assertThat(environment("XDG_CACHE_HOME", "/x", "HF_HOME", "/h").cache()).isEqualTo(Path.of("/h/hub"));
        assertThat(environment("HF_HOME", "/h", "HUGGINGFACE_HUB_CACHE", "/old").cache())
                .isEqualTo(Path.of("/old"));
        assertThat(environment("HUGGINGFACE_HUB_CACHE", "/old", "HF_HUB_CACHE", "/new")
                        .cache())
                .isEqualTo(Path.of("/new"));
        assertThat(environment("HF_HUB_CACHE", "", "HF_HOME", " ").cache())
                .isEqualTo(HOME.resolve(".cache/huggingface/hub"));
        assertThat(environment("HF_HOME", "~/h").cache()).isEqualTo(HOME.resolve("h/hub"));
        assertThat(environment("HF_HOME", "$DATA/a${X}b$NONE", "DATA", "/d$", "X", "\\1")
                        .cache())
                .isEqualTo(Path.of("/d$/a\\1b$NONE/hub"));
    }

    @Test
    void theHomeIsTheOneOfTheVariableAsInPython(@TempDir Path directory) {
        String home = directory.toString();
        assertThat(environment("HOME", home).cache()).isEqualTo(directory.resolve(".cache/huggingface/hub"));
        assertThat(environment("HOME", home, "HF_HOME", "~/h").cache()).isEqualTo(directory.resolve("h/hub"));
        assertThat(environment("HOME", home + "/gone").cache()).isEqualTo(HOME.resolve(".cache/huggingface/hub"));
    }

    @Test
    void theTokenIsTheVariableOrTheFile(@TempDir Path directory) throws IOException {
        Path file = directory.resolve("token");
        assertThat(environment("HF_HOME", directory.toString()).token()).isEmpty();
        Files.writeString(file, " hf_file\r\n");
        assertThat(environment("HF_HOME", directory.toString()).token()).contains("hf_file");
        assertThat(environment("HF_TOKEN_PATH", file.toString()).token()).contains("hf_file");
        assertThat(environment("HF_TOKEN_PATH", file.toString(), "HUGGING_FACE_HUB_TOKEN", "hf_old")
                        .token())
                .contains("hf_old");
        assertThat(environment("HUGGING_FACE_HUB_TOKEN", "hf_old", "HF_TOKEN", "hf_new\n")
                        .token())
                .contains("hf_new");
        assertThat(environment("HF_TOKEN", "hf_new", "HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")
                        .token())
                .isEmpty();
        Files.writeString(file, "");
        assertThat(environment("HF_TOKEN_PATH", file.toString()).token()).isEmpty();
        assertThatThrownBy(
                        () -> environment("HF_TOKEN_PATH", directory.toString()).token())
                .isInstanceOf(HubException.class)
                .hasMessageStartingWith(directory + ": expected to read the token of the Hugging Face Hub, got \"")
                .hasMessageEndingWith("\"; set HF_TOKEN, or HF_TOKEN_PATH to a file that may be read");
    }

    @Test
    void theEndpointLosesItsSlashes() {
        assertThat(environment().endpoint()).hasToString("https://huggingface.co");
        assertThat(environment("HF_ENDPOINT", "https://mirror.example/api/hub//")
                        .endpoint())
                .hasToString("https://mirror.example/api/hub");
        for (String none : new String[] {"mirror.example", "ftp://a.b", "https://", "https://a b", "https://a.b?c"}) {
            assertThatThrownBy(() -> environment("HF_ENDPOINT", none).endpoint())
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("HF_ENDPOINT: expected an address like https://huggingface.co, got \"" + none + '"');
        }
    }

    @Test
    void switchesAreOnAsInPython() {
        assertThat(environment("HF_HUB_OFFLINE", "true").offline()).isTrue();
        assertThat(environment("TRANSFORMERS_OFFLINE", "ON").offline()).isTrue();
        assertThat(environment("HF_HUB_OFFLINE", "0").offline()).isFalse();
        assertThat(environment().offline()).isFalse();
        assertThat(environment("HF_HUB_DISABLE_SYMLINKS", "1").linksDisabled()).isTrue();
    }

    @Test
    void timesAreWholeSeconds() {
        assertThat(environment().stallTimeout()).hasSeconds(10);
        assertThat(environment("HF_HUB_DOWNLOAD_TIMEOUT", "30").stallTimeout()).hasSeconds(30);
        assertThat(environment("HF_HUB_ETAG_TIMEOUT", "5").answerTimeout()).hasSeconds(5);
        assertThatThrownBy(() -> environment("HF_HUB_ETAG_TIMEOUT", "1.5").answerTimeout())
                .hasMessage("HF_HUB_ETAG_TIMEOUT: expected a whole number of seconds above 0, got \"1.5\"");
    }
}
