/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline.folder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files beside pictures, of which some are there already. */
class SidecarsTest {
    private static final String LIGHTROOM = """
            <?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
            <x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 7.0">
             <r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
              <r:Description r:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="5"
                xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/" crs:Exposure2012="+0.35">
               <!-- by hand -->
               <dc:subject xmlns:dc="http://purl.org/dc/elements/1.1/"><r:Bag><r:li>cat &amp; dog</r:li></r:Bag></dc:subject>
            %s  </r:Description>
             </r:RDF>
            </x:xmpmeta>
            <?xpacket end="w"?>""";

    @TempDir
    Path directory;

    private PictureFile picture(String name) throws IOException {
        Path file = directory.resolve(name);
        if (!Files.exists(file)) {
            Files.createFile(file);
        }
        return PictureFile.of(file, name);
    }

    private String xmp(String before, boolean overwrite) throws IOException {
        Path file = directory.resolve("a.xmp");
        Files.writeString(file, before);
        XmpSidecars store = new XmpSidecars(overwrite);
        store.check(picture("a.png"));
        store.write(picture("a.png"), null, CaptionTableTest.text("a <red> \"apple\" & \u0001pear"));
        assertThat(directory).isDirectoryNotContaining("glob:**.part");
        return Files.readString(file);
    }

    private static String described(String xmp) throws IOException {
        XmpDescription read = XmpDescription.read(
                new java.io.ByteArrayInputStream(xmp.getBytes(java.nio.charset.StandardCharsets.UTF_8)), "test");
        return read.isDescribed() ? read.text() : null;
    }

    @Test
    void textsAreInOneLineBesideThePicture() throws IOException {
        TextSidecars store = new TextSidecars(false);
        PictureFile picture = picture("two words.v2.png");
        assertThat(store.isDone(picture, null)).isFalse();
        store.write(picture, null, CaptionTableTest.text("a red\napple"));
        assertThat(directory.resolve("two words.v2.txt")).hasContent("a red apple\n");
        assertThat(store.isDone(picture, null)).isTrue();
        assertThat(directory).isDirectoryNotContaining("glob:**.part");
    }

    @Test
    void whatSomebodyWroteStaysUnlessToldOtherwise() throws IOException {
        Files.writeString(directory.resolve("a.txt"), "mine");
        PictureFile picture = picture("a.png");
        new TextSidecars(false).write(picture, null, CaptionTableTest.text("ours")); // written since it was asked for
        assertThat(directory.resolve("a.txt")).hasContent("mine");
        assertThat(new TextSidecars(true).isDone(picture, null)).isFalse();
        new TextSidecars(true).write(picture, null, CaptionTableTest.text("ours"));
        assertThat(directory.resolve("a.txt")).hasContent("ours\n");
    }

    @Test
    void twoPicturesDoNotShareAText() throws IOException {
        PictureFile jpg = picture("a.jpg");
        PictureFile png = picture("a.png");
        for (CaptionStore store : List.of(new TextSidecars(false), new XmpSidecars(false))) {
            store.check(jpg);
            String end = store instanceof TextSidecars ? "txt" : "xmp";
            assertThatThrownBy(() -> store.check(png))
                    .isInstanceOf(IOException.class)
                    .hasMessage(png.path() + ": expected a name for its text that no other picture needs, got a." + end
                            + ", which belongs to a.jpg; rename one of the two");
        }
    }

    @Test
    void aFolderThatCannotBeWrittenToIsToldOfBeforeTheWork() {
        Path gone = directory.resolve("gone"); // since the picture was found; no right to write reads the same
        PictureFile picture = PictureFile.of(gone.resolve("a.png"), "gone/a.png");
        assertThatThrownBy(() -> new TextSidecars(false).check(picture))
                .isInstanceOf(IOException.class)
                .hasMessage(gone.resolve("a.txt") + ": expected a folder that this program may write to, got " + gone
                        + "; ask for the right to, or write one file for all elsewhere");
    }

    @Test
    void aNewXmpFileHoldsTheDescription() throws IOException {
        XmpSidecars store = new XmpSidecars(false);
        PictureFile picture = picture("b.png");
        assertThat(store.isDone(picture, null)).isFalse();
        store.write(picture, null, CaptionTableTest.text("a red apple"));
        String written = Files.readString(directory.resolve("b.xmp"));
        assertThat(written)
                .contains("<dc:description><rdf:Alt><rdf:li xml:lang=\"x-default\">a red apple</rdf:li></rdf:Alt>"
                        + "</dc:description>");
        assertThat(store.isDone(picture, null)).isTrue();
    }

    @Test
    void allElseInAnXmpFileStays() throws IOException {
        String merged = xmp(LIGHTROOM.formatted(""), false);
        assertThat(described(merged)).isEqualTo("a <red> \"apple\" &  pear");
        assertThat(merged)
                .contains(
                        "<?xpacket begin=\"\ufeff\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>",
                        "x:xmptk=\"Adobe XMP Core 7.0\"",
                        "xmp:Rating=\"5\"",
                        "crs:Exposure2012=\"+0.35\"",
                        "<!-- by hand -->",
                        "<r:Bag><r:li>cat &amp; dog</r:li></r:Bag>",
                        "<r:li xml:lang=\"x-default\">a &lt;red&gt; \"apple\" &amp;  pear</r:li>",
                        "<?xpacket end=\"w\"?>");
    }

    @Test
    void aDescriptionThatIsThereStaysUnlessToldOtherwise() throws IOException {
        String german = "<r:li xml:lang=\"de\">ein Apfel</r:li>";
        String dc = "<dc:description xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><r:Alt>%s</r:Alt></dc:description>";
        String both = LIGHTROOM.formatted(dc.formatted("<r:li xml:lang=\"x-default\">mine</r:li>" + german));
        assertThat(xmp(both, false)).isEqualTo(both);
        assertThat(new XmpSidecars(false).isDone(picture("a.png"), null)).isTrue();
        assertThat(new XmpSidecars(true).isDone(picture("a.png"), null)).isFalse();
        String replaced = xmp(both, true);
        assertThat(described(replaced)).startsWith("a <red>");
        assertThat(replaced).contains(german).doesNotContain("mine");

        String alone = xmp(LIGHTROOM.formatted(dc.formatted(german)), false);
        assertThat(described(alone)).startsWith("a <red>");
        assertThat(alone).contains(german).matches("(?s).*x-default.*ein Apfel.*");

        String brief = LIGHTROOM
                .formatted("")
                .replace(
                        "xmp:Rating",
                        "xmlns:dc=\"http://purl.org/dc/elements/1.1/\" dc:description=\"mine\" xmp:Rating");
        assertThat(xmp(brief, false)).isEqualTo(brief);
        assertThat(xmp(brief, true)).doesNotContain("mine").contains("x-default");
    }

    @Test
    void whatIsNoXmpIsRefusedAndStays() throws IOException {
        Path file = directory.resolve("a.xmp");
        String secret = "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><x>&e;</x>";
        for (String foreign :
                List.of("not XML", "<a/>", "", secret, LIGHTROOM.formatted("").substring(0, 300))) {
            Files.writeString(file, foreign);
            XmpSidecars store = new XmpSidecars(true);
            PictureFile picture = picture("a.png");
            assertThat(new XmpSidecars(false).isDone(picture, null)).isFalse();
            for (var attempt : List.<org.assertj.core.api.ThrowableAssert.ThrowingCallable>of(
                    () -> store.check(picture), () -> store.write(picture, null, CaptionTableTest.text("x")))) {
                assertThatThrownBy(attempt)
                        .isInstanceOf(IOException.class)
                        .hasMessageStartingWith(file + ": expected XMP, XML with one element rdf:RDF, got ")
                        .hasMessageEndingWith("; the file stays as it is, move it away to have a new one");
            }
            assertThat(Files.readString(file)).isEqualTo(foreign);
        }
    }
}
