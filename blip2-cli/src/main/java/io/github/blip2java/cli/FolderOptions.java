/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.cli.folder.Affixes;
import io.github.blip2java.cli.folder.Console;
import io.github.blip2java.cli.folder.FolderRun;
import io.github.blip2java.cli.folder.PictureInputs;
import io.github.blip2java.pipeline.Blip2Pipeline;
import io.github.blip2java.pipeline.Blip2Request;
import io.github.blip2java.pipeline.folder.CaptionStore;
import io.github.blip2java.pipeline.folder.CaptionTable;
import io.github.blip2java.pipeline.folder.TableFormat;
import io.github.blip2java.pipeline.folder.TextSidecars;
import io.github.blip2java.pipeline.folder.XmpSidecars;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Which pictures of whole folders, and where their texts go. */
final class FolderOptions {
    /** Where texts go, and how they are written there. */
    private enum Format {
        JSONL,
        CSV,
        TXT_SIDECAR,
        XMP_SIDECAR;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }

        boolean isTable() {
            return this == JSONL || this == CSV;
        }
    }

    @Option(
            names = {"-r", "--recursive"},
            description = "Enter the folders in folders, too.")
    private boolean recursive;

    @Option(
            names = "--files-from",
            paramLabel = "LIST",
            description =
                    "A file with a name of a picture or a folder in each line; - reads names from standard input.")
    private String filesFrom;

    @Option(
            names = {"-0", "--null"},
            description = "Names of --files-from end with a zero byte, as find -print0 writes them.")
    private boolean nul;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description =
                    "Write results there. What is in it already is not made again, unless its picture has changed: a"
                            + " run that was stopped goes on where it was.")
    private Path output;

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            description = {
                "How to write results (default: csv where --output ends so, else jsonl).",
                "jsonl        a JSON object a line, with file_name and text",
                "csv          a table, with file_name and text",
                "txt-sidecar  a file beside each picture, cat.txt for cat.jpg",
                "xmp-sidecar  the same with cat.xmp, in its dc:description"
            })
    private String format;

    @Option(names = "--prefix", paramLabel = "TEXT", description = "Write this before each text.", defaultValue = "")
    private String prefix;

    @Option(names = "--suffix", paramLabel = "TEXT", description = "Write this behind each text.", defaultValue = "")
    private String suffix;

    @Option(names = "--overwrite", description = "Replace results that are there; without, they count as done.")
    private boolean overwrite;

    @Option(names = "--unordered", description = "Take pictures as the file system lists them rather than by name.")
    private boolean unordered;

    @Option(
            names = "--html",
            paramLabel = "FILE",
            description =
                    "Also write a page that shows the pictures with their texts, for any browser, with nothing else needed.")
    private Path html;

    @Option(names = "--links", description = "Let that page link to the pictures, in place of holding small ones.")
    private boolean links;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    /** Made by picocli. */
    FolderOptions() {}

    /** Whether there is more to do than to print texts about some files. */
    boolean isUsed(List<String> images) {
        return recursive
                || filesFrom != null
                || output != null
                || format != null
                || html != null
                || overwrite
                || unordered
                || !prefix.isEmpty()
                || !suffix.isEmpty()
                || images.stream().anyMatch(FolderOptions::isFolder);
    }

    boolean hasList() {
        return filesFrom != null;
    }

    static boolean isFolder(String name) {
        try {
            return Files.isDirectory(Path.of(name));
        } catch (InvalidPathException e) {
            return false;
        }
    }

    /** Loads the model once it is needed. */
    interface Loading {
        Blip2Pipeline load(Progress progress) throws IOException;
    }

    /**
     * Describes pictures.
     *
     * @param questions what is asked; one null for a caption
     * @return the exit code
     */
    int run(
            List<String> images,
            List<String> questions,
            Blip2Request request,
            GenerationOptions generation,
            ResultOptions results,
            PipelineOptions pipeline)
            throws IOException {
        check(images, questions, results, pipeline);
        PrintWriter err = command.commandLine().getErr();
        PictureInputs inputs = new PictureInputs(images, filesFrom, nul, recursive, !unordered);
        if (html != null) {
            ContactSheet.check(html);
        }
        try (Progress progress = new Progress(err);
                CaptionSheet sheet = html == null || output != null ? null : sheet(inputs, questions, pipeline)) {
            Console console = new OnStandardError(err, progress);
            CaptionStore kept = store(questions, pipeline, console);
            CaptionStore store = sheet == null ? kept : sheet.beside(kept);
            FolderRun run = closedOnFailure(
                    store,
                    () -> new FolderRun(inputs, store, questions, new Affixes(prefix, suffix), onStop(), console));
            try (run) {
                if (run.hasWork()) {
                    try (Blip2Pipeline blip2 = pipeline.load(progress)) {
                        generation.explained(() -> {
                            run.run(blip2, request, pipeline.reading());
                            return null;
                        });
                    }
                }
            }
            if (run.found() == 0) {
                console.note(nothing(images));
                return Blip2.SOME_FAILED;
            }
            run.summarize();
            if (sheet != null) {
                sheet.finish();
            } else if (html != null) {
                try (CaptionSheet all = sheet(inputs, questions, pipeline)) {
                    show(inputs, questions, all, console);
                    all.finish();
                }
            }
            return run.failed() == 0 ? Blip2.OK : Blip2.SOME_FAILED;
        }
    }

    private CaptionSheet sheet(PictureInputs inputs, List<String> questions, PipelineOptions pipeline)
            throws IOException {
        String title = filesFrom == null ? String.join(", ", inputs.names()) : filesFrom;
        String subtitle = questions.get(0) == null ? "captions" : String.join(" ", questions);
        return new CaptionSheet(ContactSheet.create(html, title, subtitle, pipeline.reading(), links));
    }

    /** All that is in the table, of earlier runs too. */
    private void show(PictureInputs inputs, List<String> questions, CaptionSheet sheet, Console console)
            throws IOException {
        try {
            CaptionTable.read(output, table(), questions.get(0) != null, row -> {
                console.show("showing " + row.name());
                try {
                    sheet.add(inputs.resolve(row.name()), row.name(), row.question(), row.text());
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        console.show("");
    }

    private TableFormat table() {
        return format() == Format.CSV ? TableFormat.CSV : TableFormat.JSONL;
    }

    private interface Opening<T> {
        T open() throws IOException;
    }

    private static <T> T closedOnFailure(CaptionStore store, Opening<T> opening) throws IOException {
        try {
            return opening.open();
        } catch (IOException | RuntimeException e) {
            store.close();
            throw e;
        }
    }

    private void check(List<String> images, List<String> questions, ResultOptions results, PipelineOptions pipeline) {
        Format written = format();
        if (images.contains(PictureArgument.STANDARD_INPUT)) {
            throw new IllegalArgumentException("IMAGE: expected files and folders, got - too; describe the picture from"
                    + " standard input in a call of its own");
        }
        if (results.stream()) {
            throw new IllegalArgumentException(
                    "--stream: expected some pictures by name, got a folder, a list or a file for results; leave it out");
        }
        if (output != null && written != null && !written.isTable()) {
            throw new IllegalArgumentException("--output: expected none with --format " + written
                    + ", whose files lie beside the pictures; leave one of the two out");
        }
        if (output == null && written != null && written.isTable()) {
            throw new IllegalArgumentException(
                    "--format " + written + ": expected --output too, got none; name a file, or use --json");
        }
        if (pipeline.json() && written != null) {
            throw new IllegalArgumentException(
                    "--json: expected results on standard output, got --output or --format; leave it out");
        }
        if (overwrite && written == null) {
            throw new IllegalArgumentException("--overwrite: expected --output or --format, got none; leave it out");
        }
        if (html != null && written != null && !written.isTable()) {
            throw new IllegalArgumentException("--html: expected --output, or neither that nor --format, got --format "
                    + written + "; write a table in a call of its own");
        }
        if (links && html == null) {
            throw new IllegalArgumentException("--links: expected --html too, got none; leave it out");
        }
        if (nul && filesFrom == null) {
            throw new IllegalArgumentException("--null: expected --files-from too, got none; leave it out");
        }
        if (written != null && written != Format.JSONL && (results.candidates() > 1 || results.logProbabilities())) {
            throw new IllegalArgumentException(
                    (results.candidates() > 1 ? "--candidates" : "--logprobs") + ": expected --format jsonl, got "
                            + written + ", which has room for one text alone; change one of the two");
        }
        if (written != null && !written.isTable() && questions.size() > 1) {
            throw new IllegalArgumentException("QUESTION: expected one with --format " + written + ", got "
                    + questions.size() + "; a file beside a picture holds one text");
        }
    }

    /** Null where texts are printed. */
    private Format format() {
        if (format == null) {
            return output == null
                    ? null
                    : output.toString().toLowerCase(Locale.ROOT).endsWith(".csv") ? Format.CSV : Format.JSONL;
        }
        for (Format one : Format.values()) {
            if (one.toString().equals(format.toLowerCase(Locale.ROOT))) {
                return one;
            }
        }
        throw new IllegalArgumentException(
                "--format: expected jsonl, csv, txt-sidecar or xmp-sidecar, got \"" + format + '"');
    }

    private CaptionStore store(List<String> questions, PipelineOptions pipeline, Console console) throws IOException {
        Format written = format();
        if (written == null) {
            return new PrintedTexts(command.commandLine().getOut(), pipeline.json(), questions.size() > 1);
        }
        switch (written) {
            case TXT_SIDECAR:
                return new TextSidecars(overwrite);
            case XMP_SIDECAR:
                return new XmpSidecars(overwrite);
            default:
                CaptionTable table = CaptionTable.open(output, table(), questions.get(0) != null, overwrite);
                if (table.repaired()) {
                    console.note(output + ": its last row was cut off when a run was stopped; it is made again");
                }
                return table;
        }
    }

    private String onStop() {
        if (format() == null) {
            return "";
        }
        return overwrite
                ? "; without --overwrite the same goes on from there"
                : "; the same command goes on from there";
    }

    private String nothing(List<String> images) {
        String where = filesFrom == null ? String.join(", ", images) : "--files-from " + filesFrom;
        return where + ": expected pictures, found none"
                + (!recursive && images.stream().anyMatch(FolderOptions::hasFolders)
                        ? "; --recursive enters the folders in it, too"
                        : "; files are taken for pictures by the ends of their names, such as .jpg, .png, .webp");
    }

    private static boolean hasFolders(String name) {
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(Path.of(name), Files::isDirectory)) {
            return folders.iterator().hasNext();
        } catch (IOException | RuntimeException e) {
            return false;
        }
    }

    private record OnStandardError(PrintWriter err, Progress progress) implements Console {
        @Override
        public void error(Throwable problem) {
            note(Blip2.message(problem));
        }

        @Override
        public void note(String message) {
            progress.clear();
            err.println("blip2: " + message);
            err.flush();
        }

        @Override
        public void show(String status) {
            progress.show(status);
        }
    }
}
