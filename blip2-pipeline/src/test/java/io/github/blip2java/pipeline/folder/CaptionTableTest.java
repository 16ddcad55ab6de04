/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline.folder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.blip2java.generation.FinishReason;
import io.github.blip2java.pipeline.GeneratedText;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is written is there whole, or is made again. */
class CaptionTableTest {
    private static final Instant TIME = Instant.parse("2026-02-03T04:05:06.789Z");

    /** All that names and texts may hold, in pairs. */
    private static final List<String> ODD = List.of(
            "plain.png",
            "two words.png",
            "\"quoted\" and 'quoted'.png",
            "line\nbreak.png",
            "carriage\rreturn, comma.png",
            "tab\tand \\ backslash.png",
            " blanks around .png ",
            "猫と犬 é e\u0301 \ud83d\ude00.png",
            "=1+1.png",
            "\u2028 and \u0001.png",
            "sub/fol der/x.png");

    @TempDir
    Path directory;

    private Path file;

    @BeforeEach
    void name() {
        file = directory.resolve("captions");
    }

    static GeneratedText text(String text) {
        return new GeneratedText(text, List.of(), FinishReason.EOS, List.of(), OptionalDouble.empty(), List.of());
    }

    private static PictureFile picture(String name, long size) {
        return new PictureFile(Path.of("somewhere"), name, size, TIME);
    }

    private CaptionTable open(TableFormat format) throws IOException {
        return CaptionTable.open(file, format, true, false);
    }

    private void writeAll(TableFormat format) throws IOException {
        try (CaptionTable table = open(format)) {
            for (int i = 0; i < ODD.size(); i++) {
                for (String question : List.of("what?", "a \"question\",\nof two lines?")) {
                    if (!table.isDone(picture(ODD.get(i), i), question)) {
                        table.write(picture(ODD.get(i), i), question, text("text of " + ODD.get(i)));
                    }
                }
            }
        }
    }

    private List<CaptionRow> rows(TableFormat format) throws IOException {
        List<CaptionRow> rows = new ArrayList<>();
        CaptionTable.read(file, format, true, rows::add);
        return rows;
    }

    @ParameterizedTest
    @EnumSource
    void oddNamesAndTextsComeBack(TableFormat format) throws IOException {
        writeAll(format);
        assertThat(rows(format))
                .hasSize(2 * ODD.size())
                .extracting(CaptionRow::name)
                .containsExactlyElementsOf(ODD.stream()
                        .flatMap(name -> List.of(name, name).stream())
                        .toList());
        assertThat(rows(format)).allSatisfy(row -> {
            assertThat(row.text()).isEqualTo("text of " + row.name());
            assertThat(row.size()).isEqualTo(ODD.indexOf(row.name()));
            assertThat(row.modified()).isEqualTo(TIME);
        });
    }

    @ParameterizedTest
    @EnumSource
    void whereverTheFileIsCutTheNextRunMakesItWhole(TableFormat format) throws IOException {
        writeAll(format);
        byte[] whole = Files.readAllBytes(file);
        int[] cuts = IntStream.concat(
                        IntStream.range(0, 300),
                        new Random(1).ints(300, 300, whole.length - 1).sorted())
                .toArray();
        for (int cut : cuts) {
            Files.write(file, Arrays.copyOf(whole, cut));
            writeAll(format);
            assertThat(Files.readAllBytes(file)).as("cut at " + cut).isEqualTo(whole);
        }
    }

    @Test
    void aRowThatWasCutOffIsToldOf() throws IOException {
        writeAll(TableFormat.JSONL);
        byte[] whole = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(whole, whole.length - 30));
        try (CaptionTable table = open(TableFormat.JSONL)) {
            assertThat(table.repaired()).isTrue();
        }
        Files.write(file, Arrays.copyOf(whole, whole.length - 1)); // an editor dropped the last line break
        try (CaptionTable table = open(TableFormat.JSONL)) {
            assertThat(table.repaired()).isFalse();
        }
        assertThat(Files.readAllBytes(file)).isEqualTo(whole);
    }

    @ParameterizedTest
    @EnumSource
    void aChangedPictureGetsANewRowInPlaceOfTheOld(TableFormat format) throws IOException {
        writeAll(format);
        PictureFile larger = picture(ODD.get(3), 999);
        PictureFile later = new PictureFile(Path.of("x"), ODD.get(4), 4, TIME.plusMillis(1));
        try (CaptionTable table = open(format)) {
            for (PictureFile changed : List.of(larger, later)) {
                assertThat(table.isDone(changed, "what?")).isFalse();
                table.write(changed, "what?", text("new"));
                assertThat(table.isDone(changed, "what?")).isTrue();
            }
            assertThat(rows(format)).hasSize(2 * ODD.size() + 2); // the old ones stay until the new ones are there
        }
        assertThat(rows(format)).hasSize(2 * ODD.size());
        assertThat(rows(format).subList(2 * ODD.size() - 2, 2 * ODD.size()))
                .containsExactly(
                        new CaptionRow(larger.name(), "what?", "new", 999, TIME),
                        new CaptionRow(later.name(), "what?", "new", 4, TIME.plusMillis(1)));
        try (CaptionTable table = open(format)) {
            assertThat(table.isDone(larger, "what?")).isTrue();
            assertThat(table.isDone(picture(ODD.get(3), 3), "what?")).isFalse();
        }
        assertThat(directory).isDirectoryNotContaining("glob:**.new");
    }

    @Test
    void rowsOfOthersWithoutSizesCountAsDone() throws IOException {
        Files.writeString(file, "{\"file_name\": \"a.png\", \"text\": \"by hand\", \"more\": 1}\n");
        try (CaptionTable table = CaptionTable.open(file, TableFormat.JSONL, false, false)) {
            assertThat(table.isDone(picture("a.png", 5), null)).isTrue();
            assertThat(table.isDone(picture("b.png", 5), null)).isFalse();
        }
    }

    @Test
    void whatIsSomethingElseStaysAsItIs() throws IOException {
        for (String foreign :
                List.of("my diary\n", "my diary", "{\"a\":1}\n", "{\"file_name\":\"a\",\"text\":\"b\"}\nmine")) {
            Files.writeString(file, foreign);
            String row = foreign.strip().substring(foreign.strip().lastIndexOf('\n') + 1);
            assertThatThrownBy(() -> open(TableFormat.JSONL))
                    .isInstanceOf(IOException.class)
                    .hasMessage(file + ", row " + (foreign.contains("mine") ? 2 : 1)
                            + ": expected a row as this program writes it, beginning with {\"file_name\":\", got " + row
                            + "; nothing was changed, choose another name");
            assertThat(file).hasContent(foreign);
        }
        Files.writeString(file, "name;text\na;b\n");
        assertThatThrownBy(() -> open(TableFormat.CSV))
                .hasMessage(
                        file + ", row 1: expected a row as this program writes it, beginning with"
                                + " file_name,question,text,size,modified, got name;text; nothing was changed, choose another name");
        try (CaptionTable table = CaptionTable.open(file, TableFormat.CSV, true, true)) {
            assertThat(table.isDone(picture("a", 1), "b")).isFalse();
        }
        assertThat(file).hasContent("name;text\na;b\n"); // nothing came in its place
        try (CaptionTable table = CaptionTable.open(file, TableFormat.CSV, true, true)) {
            table.write(picture("a", 1), "b", text("c"));
            table.write(picture("b", 1), "b", text("c"));
        }
        assertThat(file)
                .hasContent("file_name,question,text,size,modified\n\"a\",\"b\",\"c\",1,\"" + TIME
                        + "\"\n\"b\",\"b\",\"c\",1,\"" + TIME + "\"\n");
    }

    @Test
    void twoDoNotWriteToOneFile() throws IOException {
        try (CaptionTable table = open(TableFormat.JSONL)) {
            table.write(picture("a", 1), null, text("b"));
            assertThatThrownBy(() -> open(TableFormat.JSONL))
                    .hasMessage(
                            file + ": expected a file that nobody else writes to, got one in use; wait for the other"
                                    + " run, or choose another name");
        }
        assertThatThrownBy(() -> CaptionTable.open(directory, TableFormat.JSONL, true, false))
                .hasMessage(directory + ": expected the name of a file, got a folder; name a file in it");
    }
}
