/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.Blip2ForConditionalGeneration;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.factory.Nd4j;

/** In processes of their own, since JavaCPP reads its limit once. */
class JavaCppTest {

    /** Uses ND4J before anything of this library, as a program does that makes its own pixel values. */
    static final class Nd4jFirst {
        public static void main(String[] args) {
            System.out.println(Nd4j.zeros(2).sumNumber() + " limit " + Pointer.maxPhysicalBytes());
        }
    }

    /** Loads a model before anything else. */
    static final class ModelFirst {
        public static void main(String[] args) {
            try {
                Blip2ForConditionalGeneration.fromPretrained(Path.of("no such folder"));
            } catch (IOException e) {
                System.out.println(" limit " + Pointer.maxPhysicalBytes());
            }
        }
    }

    @Test
    void theLimitIsOffWhenNd4jComesFirst() throws Exception {
        assertThat(run(Nd4jFirst.class)).contains("limit 0").doesNotContain("backend");
    }

    @Test
    void theLimitIsOffWhenAModelComesFirst() throws Exception {
        assertThat(run(ModelFirst.class)).contains("limit 0");
    }

    @Test
    void aLimitThatSomebodySetStays() throws Exception {
        assertThat(run(Nd4jFirst.class, "-Dorg.bytedeco.javacpp.maxPhysicalBytes=30g"))
                .contains("limit " + (30L << 30));
        assertThat(run(Nd4jFirst.class, "-Dorg.bytedeco.javacpp.maxphysicalbytes=30g"))
                .contains("limit " + (30L << 30));
    }

    private static String run(Class<?> program, String... flags) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                ProcessHandle.current().info().command().orElseThrow(),
                "-Xmx256m",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-cp",
                System.getProperty("java.class.path")));
        command.addAll(List.of(flags));
        command.add(program.getName());
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(printed).isZero();
        return printed;
    }
}
