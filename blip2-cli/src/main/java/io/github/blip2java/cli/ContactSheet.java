/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ImageReader;
import io.github.blip2java.processor.ReadOptions;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.BufferedWriter;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.ImageOutputStream;

/**
 * A page that shows pictures with words below, for any browser: one file that needs nothing else, unless it is told to link to the
 * pictures. Written picture by picture, so that there may be any number of them.
 */
final class ContactSheet implements Closeable {
    /** Tells a page of ours from anything else that would be lost. */
    private static final String MARK = "<meta name=\"generator\" content=\"blip2-java contact sheet\">";

    private static final int START_BYTES = 512;

    private static final Pattern PLACES = Pattern.compile("\\{(mark|title|subtitle)}");

    /** Pixels of the longer side, enough for a card on a screen of double density. */
    private static final int SIZE = 360;

    private static final float QUALITY = 0.8f;

    private final Path file;
    private final Path part;
    private final BufferedWriter out;
    private final ReadOptions reading;
    private final boolean links;

    private ContactSheet(Path file, Path part, ReadOptions reading, boolean links) throws IOException {
        this.file = file;
        this.part = part;
        this.reading = reading.background() == null ? reading.withBackground("white") : reading;
        this.links = links;
        this.out = Files.newBufferedWriter(part);
    }

    /**
     * Refuses a file that holds something else, before any work.
     *
     * @throws IOException when there is one, or no folder for it
     */
    static void check(Path file) throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw new IOException("--html: " + file + ": expected a file in a folder that is there, got " + folder
                    + "; make the folder, or name another");
        }
        if (Files.exists(file) && !isOurs(file)) {
            throw new IOException(
                    "--html: " + file
                            + ": expected nothing there, or a page to be written anew, got something else; choose another name");
        }
    }

    private static boolean isOurs(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            return false;
        }
        try (InputStream in = Files.newInputStream(file)) {
            return new String(in.readNBytes(START_BYTES), StandardCharsets.UTF_8).contains(MARK);
        }
    }

    /**
     * Begins a page.
     *
     * @param file where it will be after {@link #finish}; takes the place of an earlier page
     * @param title what the pictures have in common
     * @param subtitle more about it, in small letters
     * @param reading how picture files are read; what is transparent is white where nothing else is said
     * @param links whether the page links to the files, in place of holding small pictures
     * @throws IOException when it cannot be written
     */
    static ContactSheet create(Path file, String title, String subtitle, ReadOptions reading, boolean links)
            throws IOException {
        check(file);
        Path part = file.resolveSibling("." + file.getFileName() + ".part");
        ContactSheet sheet;
        try {
            sheet = new ContactSheet(file, part, reading, links);
        } catch (IOException e) {
            throw new IOException("--html: " + file + ": expected a file that can be written, got " + e, e);
        }
        Map<String, String> texts = Map.of("mark", MARK, "title", escape(title), "subtitle", escape(subtitle));
        sheet.out.write(PLACES.matcher(HEAD).replaceAll(place -> Matcher.quoteReplacement(texts.get(place.group(1)))));
        return sheet;
    }

    /**
     * Adds a picture.
     *
     * @param picture its file; one that cannot be read has a card that says so
     * @param headline such as its name
     * @param lines what else there is to say
     * @throws IOException when the page cannot be written
     */
    void add(Path picture, String headline, List<String> lines) throws IOException {
        String link = escape(link(picture));
        out.write("<figure><a href=\"" + link + "\">");
        String source = links ? link : thumbnail(picture);
        out.write(
                source == null
                        ? "<span class=\"none\">cannot be shown</span>"
                        : "<img loading=\"lazy\" src=\"" + source + "\" alt=\""
                                + escape(lines.isEmpty() ? headline : headline + ": " + String.join(", ", lines))
                                + "\">");
        out.write("</a><figcaption><b><bdi>" + escape(headline) + "</bdi></b>"
                + lines.stream()
                        .map(line -> "<span><bdi>" + escape(line) + "</bdi></span>")
                        .collect(Collectors.joining())
                + "</figcaption></figure>\n");
    }

    /** Ends the page, and puts it where it belongs. */
    void finish() throws IOException {
        out.write(FOOT);
        out.close();
        try {
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(part, file, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /** Drops a page that was not finished. */
    @Override
    public void close() throws IOException {
        out.close();
        Files.deleteIfExists(part);
    }

    /** From the page to a file: below the page's folder or beside it by a relative address, which stays right when both are moved. */
    private String link(Path picture) {
        Path folder = file.toAbsolutePath().normalize().getParent();
        Path target = picture.toAbsolutePath().normalize();
        if (!folder.getRoot().equals(target.getRoot())) {
            return target.toUri().toASCIIString();
        }
        // Each name is encoded whole, so that none can be taken for the beginning of another kind of address.
        return "./"
                + StreamSupport.stream(folder.relativize(target).spliterator(), false)
                        .map(name -> URLEncoder.encode(name.toString(), StandardCharsets.UTF_8)
                                .replace("+", "%20"))
                        .collect(Collectors.joining("/"));
    }

    /** A small JPEG as an address, or null. */
    private String thumbnail(Path picture) throws IOException {
        BufferedImage image;
        try {
            image = small(ImageReader.read(picture, reading));
        } catch (IOException e) {
            return null;
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        ImageWriter writer = ImageIO.getImageWriters(ImageTypeSpecifier.createFromRenderedImage(image), "jpeg")
                .next();
        try (ImageOutputStream stream = ImageIO.createImageOutputStream(bytes)) {
            ImageWriteParam quality = writer.getDefaultWriteParam();
            quality.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
            quality.setCompressionQuality(QUALITY);
            writer.setOutput(stream);
            writer.write(null, new IIOImage(image, null, null), quality);
        } finally {
            writer.dispose();
        }
        return "data:image/jpeg;base64," + Base64.getEncoder().encodeToString(bytes.toByteArray());
    }

    private static BufferedImage small(Image image) {
        BufferedImage current = new BufferedImage(image.width(), image.height(), BufferedImage.TYPE_3BYTE_BGR);
        byte[] rgb = image.rgb();
        int[] row = new int[image.width()];
        for (int y = 0; y < image.height(); y++) {
            for (int x = 0; x < row.length; x++) {
                int at = 3 * (y * row.length + x);
                row[x] = (rgb[at] & 0xff) << 16 | (rgb[at + 1] & 0xff) << 8 | rgb[at + 2] & 0xff;
            }
            current.setRGB(0, y, row.length, 1, row, 0, row.length);
        }
        double scale = Math.min(1, (double) SIZE / Math.max(image.width(), image.height()));
        int width = Math.max(1, (int) Math.round(image.width() * scale));
        int height = Math.max(1, (int) Math.round(image.height() * scale));
        // By halves, as one step would skip pixels.
        while (current.getWidth() > width || current.getHeight() > height) {
            current =
                    scale(current, Math.max(width, current.getWidth() / 2), Math.max(height, current.getHeight() / 2));
        }
        return current;
    }

    private static BufferedImage scale(BufferedImage image, int width, int height) {
        BufferedImage scaled = new BufferedImage(width, height, BufferedImage.TYPE_3BYTE_BGR);
        Graphics2D graphics = scaled.createGraphics();
        graphics.setRenderingHint(RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
        graphics.drawImage(image, 0, 0, width, height, null);
        graphics.dispose();
        return scaled;
    }

    /** Text for elements and quoted attributes. Control characters, which a page may not hold, become their pictures. */
    static String escape(String text) {
        StringBuilder escaped = new StringBuilder();
        text.codePoints().forEach(c -> {
            switch (c) {
                case '&' -> escaped.append("&amp;");
                case '<' -> escaped.append("&lt;");
                case '>' -> escaped.append("&gt;");
                case '"' -> escaped.append("&quot;");
                case '\'' -> escaped.append("&#39;");
                case 0x7f -> escaped.append('\u2421');
                default -> {
                    if (c < ' ') {
                        escaped.append((char) (0x2400 + c));
                    } else if (Character.isISOControl(c)
                            || c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
                        escaped.append('\ufffd');
                    } else {
                        escaped.appendCodePoint(c);
                    }
                }
            }
        });
        return escaped.toString();
    }

    private static final String HEAD = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            {mark}
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>{title}</title>
            <style>
            :root { color-scheme: light dark; --back: #f4f5f7; --card: #fff; --text: #1b1f24; --dim: #626c78; --line: #d9dde3 }
            @media (prefers-color-scheme: dark) {
              :root { --back: #14171a; --card: #1e2328; --text: #e8eaed; --dim: #9aa4af; --line: #333b43 }
            }
            * { box-sizing: border-box }
            body { margin: 0; padding: 1.5rem; background: var(--back); color: var(--text); font: 15px/1.4 system-ui, sans-serif }
            header { display: flex; flex-wrap: wrap; align-items: end; gap: .5rem 1.5rem; margin-bottom: 1.25rem }
            h1 { margin: 0; font-size: 1.5rem; overflow-wrap: anywhere }
            header p { margin: 0; color: var(--dim); overflow-wrap: anywhere }
            input { margin-left: auto; padding: .45rem .8rem; min-width: 14rem; font: inherit; color: inherit;
              background: var(--card); border: 1px solid var(--line); border-radius: .5rem }
            main { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr)) }
            figure { margin: 0; display: flex; flex-direction: column; overflow: hidden; background: var(--card);
              border: 1px solid var(--line); border-radius: .6rem }
            figure[hidden] { display: none }
            a { display: flex; align-items: center; justify-content: center; aspect-ratio: 1; background: #fff; color: #626c78 }
            img { width: 100%; height: 100%; object-fit: contain }
            figcaption { padding: .6rem .75rem .7rem; display: flex; flex-direction: column; gap: .15rem; overflow-wrap: anywhere }
            figcaption span { color: var(--dim) }
            </style>
            </head>
            <body>
            <header>
            <div><h1>{title}</h1><p>{subtitle}</p></div>
            <input id="find" type="search" placeholder="Filter" aria-label="Show only pictures whose words contain">
            </header>
            <main>
            """;

    private static final String FOOT = """
            </main>
            <script>
            const find = document.getElementById("find");
            const cards = [...document.querySelectorAll("figure")].map(card => [card, card.textContent.toLowerCase()]);
            find.addEventListener("input", () => {
              const words = find.value.toLowerCase().split(/\\s+/);
              for (const [card, text] of cards) card.hidden = !words.every(word => text.includes(word));
            });
            </script>
            </body>
            </html>
            """;
}
