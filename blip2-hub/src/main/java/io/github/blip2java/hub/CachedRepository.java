/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A repository in the cache, laid out as {@code huggingface_hub} does:
 *
 * <pre>
 * blobs/ETAG              contents, named by their hashes
 * refs/REVISION           the commit that a branch or tag stood for when it was last asked for
 * snapshots/COMMIT/NAME   a link to ../../blobs/ETAG; where links are impossible, the file itself
 * trees/COMMIT.json       the list of the commit's files
 * .no_exist/              what Python looked for in vain; left alone
 * </pre>
 */
final class CachedRepository {
    /** Ours alone: older versions of huggingface_hub go on writing a file ETAG.incomplete without a look at its content. */
    private static final String PARTIAL = ".blip2-java.incomplete";

    private static final int SHORT_COMMIT = 7;

    private final Path folder;
    private final Path locks;
    private final boolean links;

    CachedRepository(Path folder, Path locks, boolean links) {
        this.folder = folder;
        this.locks = locks;
        this.links = links;
    }

    Path snapshot(String commit) {
        return folder.resolve("snapshots").resolve(commit);
    }

    Path blob(RepositoryFile file) {
        return folder.resolve("blobs").resolve(file.etag());
    }

    Path partial(RepositoryFile file) {
        return folder.resolve("blobs").resolve(file.etag() + PARTIAL);
    }

    Path lock(RepositoryFile file) {
        return locks.resolve(file.etag() + ".lock");
    }

    private Path tree(String commit) {
        return folder.resolve("trees").resolve(commit + ".json");
    }

    /** The commit that a revision stood for when it was last asked for. */
    Optional<String> commit(String revision) throws IOException {
        if (RepositoryListing.isCommit(revision)) {
            return Optional.of(revision);
        }
        try {
            String commit = Files.readString(folder.resolve("refs").resolve(revision), StandardCharsets.US_ASCII)
                    .strip();
            if (RepositoryListing.isCommit(commit)) {
                return Optional.of(commit);
            }
        } catch (NoSuchFileException | NotDirectoryException e) {
            // perhaps the beginning of a commit
        } catch (IOException e) {
            if (Files.isRegularFile(folder.resolve("refs").resolve(revision))) {
                throw e;
            }
        }
        List<String> commits = revision.length() < SHORT_COMMIT
                ? List.of()
                : names(folder.resolve("snapshots")).stream()
                        .filter(name -> name.startsWith(revision) && RepositoryListing.isCommit(name))
                        .toList();
        return commits.size() == 1 ? Optional.of(commits.get(0)) : Optional.empty();
    }

    void writeRef(String revision, String commit) throws IOException {
        Path ref = folder.resolve("refs").resolve(revision);
        if (!revision.equals(commit)
                && !(Files.exists(ref) && Files.readString(ref).equals(commit))) {
            AtomicFiles.write(ref, commit.getBytes(StandardCharsets.US_ASCII));
        }
    }

    void writeTree(RepositoryListing listing) throws IOException {
        TreeFile.write(tree(listing.commit()), listing);
    }

    /**
     * What a snapshot lacks of what a model needs: by its list of files where that is there, else by what any model needs.
     *
     * @return names; empty if it is whole
     */
    List<String> missing(String commit) throws IOException {
        Path snapshot = snapshot(commit);
        Optional<RepositoryListing> listing = TreeFile.read(tree(commit), commit);
        Collection<String> names = listing.isPresent() ? listing.get().names() : Set.copyOf(names(snapshot));
        Set<String> shards = Set.of();
        if (RepositoryFiles.sharded(names)) {
            Path index = snapshot.resolve(RepositoryFiles.INDEX);
            if (!Files.isRegularFile(index)) {
                return List.of(RepositoryFiles.INDEX);
            }
            shards = RepositoryFiles.shards(Files.readAllBytes(index));
        }
        List<String> missing = new ArrayList<>();
        for (String name : RepositoryFiles.needed(names, shards)) {
            long size = listing.flatMap(all -> all.file(name))
                    .map(RepositoryFile::size)
                    .orElse(-1L);
            if (!has(snapshot.resolve(name), size)) {
                missing.add(name);
            }
        }
        if (listing.isEmpty() && missing.isEmpty() && !RepositoryFiles.hasVocabulary(names)) {
            missing.add("tokenizer.json or another vocabulary");
        }
        return missing;
    }

    /** Whether a file needs no download, because its content or the snapshot's file is there. */
    boolean has(String commit, RepositoryFile file) throws IOException {
        return isLinked(commit, file) || has(blob(file), file.size());
    }

    boolean isLinked(String commit, RepositoryFile file) throws IOException {
        return has(snapshot(commit).resolve(file.path()), file.size());
    }

    /** How much of a file has still to come. */
    long missingBytes(String commit, RepositoryFile file) throws IOException {
        if (has(commit, file)) {
            return 0;
        }
        Path partial = partial(file);
        long there = Files.isRegularFile(partial) ? Files.size(partial) : 0;
        return there > file.size() ? file.size() : file.size() - there;
    }

    private static boolean has(Path file, long size) throws IOException {
        return Files.isRegularFile(file) && (size < 0 || Files.size(file) == size);
    }

    /**
     * Puts a content into a snapshot: by a relative link, or where links are impossible as a file of its own.
     *
     * @param fresh whether this process made the content, so that no other snapshot needs it where there are no links
     */
    void link(String commit, RepositoryFile file, boolean fresh) throws IOException {
        Path pointer = snapshot(commit).resolve(file.path());
        if (isLinked(commit, file)) {
            return;
        }
        Files.createDirectories(pointer.getParent());
        Files.deleteIfExists(pointer); // a link to nothing, or a file that was cut off
        Path blob = blob(file);
        if (links) {
            try {
                Files.createSymbolicLink(pointer, pointer.getParent().relativize(blob));
                return;
            } catch (FileAlreadyExistsException e) {
                return; // another process was faster
            } catch (UnsupportedOperationException | IOException e) {
                // Windows without the right to it, or a file system without links
            }
        }
        if (fresh) {
            AtomicFiles.move(blob, pointer);
        } else {
            AtomicFiles.copy(blob, pointer);
        }
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.map(path -> path.getFileName().toString()).toList();
        } catch (NoSuchFileException e) {
            return List.of();
        }
    }
}
