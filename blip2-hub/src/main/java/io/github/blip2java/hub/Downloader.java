/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import io.github.blip2java.hub.HubException.Reason;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Brings what a model needs of one revision of a repository into the cache. */
final class Downloader {
    private static final Logger LOG = LoggerFactory.getLogger(Downloader.class);

    /** As many as one connection to a content network leaves bandwidth for. */
    private static final int AT_ONCE = 4;

    private final HubCache cache;
    private final HubClient client;
    private final RepositoryId id;
    private final String revision;
    private final CachedRepository repository;
    private final RepositoryListing listing;
    private final List<RepositoryFile> files;

    private Downloader(
            HubCache cache,
            HubClient client,
            RepositoryId id,
            String revision,
            RepositoryListing listing,
            List<RepositoryFile> files) {
        this.cache = cache;
        this.client = client;
        this.id = id;
        this.revision = revision;
        this.repository = cache.repository(id);
        this.listing = listing;
        this.files = files;
    }

    /**
     * Asks the Hub which files there are and which of them are needed; nothing is written.
     *
     * @throws HubException if there is no such model, or none that can be used
     */
    static Downloader prepare(HubCache cache, HubClient client, RepositoryId id, String revision) throws IOException {
        RepositoryListing listing = client.listing();
        String commit = listing.commit();
        Set<String> names = new HashSet<>(listing.names());
        RepositoryFiles.checkWeights(id.toString(), names);
        RepositoryFiles.checkConfig(id.toString(), client.small(commit, RepositoryFiles.CONFIG));
        Set<String> shards = Set.of();
        if (RepositoryFiles.sharded(names)) {
            shards = RepositoryFiles.shards(client.small(commit, RepositoryFiles.INDEX));
            if (shards.isEmpty() || !names.containsAll(shards)) {
                throw RepositoryFiles.unsuitable(
                        id + ": expected " + RepositoryFiles.INDEX
                                + " to name weights that are in the repository, got other names or none; choose another revision");
            }
        }
        List<RepositoryFile> files = new ArrayList<>();
        for (String name : RepositoryFiles.needed(names, shards)) {
            RepositoryFile file = listing.file(name).orElseThrow();
            files.add(listing.complete() ? file : client.describe(commit, name));
        }
        return new Downloader(cache, client, id, revision, listing, files);
    }

    DownloadPlan plan() throws IOException {
        long total = files.stream().mapToLong(RepositoryFile::size).sum();
        return new DownloadPlan(
                id,
                revision,
                listing.commit(),
                files.stream().map(RepositoryFile::path).toList(),
                total,
                missingBytes(),
                cache.folder());
    }

    private long missingBytes() throws IOException {
        long missing = 0;
        for (RepositoryFile file : contents()) {
            missing += repository.missingBytes(listing.commit(), file);
        }
        return missing;
    }

    /** The files with different contents, large ones first. */
    private List<RepositoryFile> contents() {
        Map<String, RepositoryFile> contents = new LinkedHashMap<>();
        files.forEach(file -> contents.putIfAbsent(file.etag(), file));
        return contents.values().stream()
                .sorted(Comparator.comparingLong(RepositoryFile::size).reversed())
                .toList();
    }

    /**
     * Downloads, and makes the snapshot: its files appear when all contents are there, config.json last of all, and the revision stands
     * for it only then.
     *
     * @return the snapshot's folder
     */
    Path run(DownloadListener listener) throws IOException {
        try {
            if (isWhole()) {
                noteRevision();
                return repository.snapshot(listing.commit());
            }
            cache.create();
            checkSpace();
            repository.writeTree(listing);
            Set<String> fresh = load(listener);
            for (int i = 0; i < files.size(); i++) {
                String etag = files.get(i).etag();
                boolean last = files.subList(i + 1, files.size()).stream()
                        .noneMatch(later -> later.etag().equals(etag));
                repository.link(listing.commit(), files.get(i), last && fresh.contains(etag));
            }
            repository.writeRef(revision, listing.commit());
            return repository.snapshot(listing.commit());
        } catch (InterruptedException e) {
            throw Backoff.interrupted();
        } catch (FileSystemException e) {
            throw notWritable(e);
        }
    }

    private boolean isWhole() throws IOException {
        for (RepositoryFile file : files) {
            if (!repository.isLinked(listing.commit(), file)) {
                return false;
            }
        }
        return true;
    }

    /** A cache that has everything may be one that cannot be written to. */
    private void noteRevision() {
        try {
            repository.writeTree(listing);
            repository.writeRef(revision, listing.commit());
        } catch (IOException e) {
            LOG.warn("{}: could not note what {} stands for now: {}", cache.folder(), revision, e.toString());
        }
    }

    private HubException notWritable(FileSystemException e) {
        return new HubException(
                Reason.CACHE_NOT_WRITABLE,
                cache.folder() + ": expected a cache that may be written to, got \"" + Http.reason(e)
                        + "\"; ask for the right to it, or set HF_HUB_CACHE to a folder of yours",
                e);
    }

    private void checkSpace() throws IOException {
        long missing = missingBytes();
        long free = cache.free();
        if (missing > free) {
            throw new HubException(
                    Reason.DISK_FULL,
                    cache.folder() + ": expected room for " + Bytes.shown(missing) + " of " + id + ", got "
                            + Bytes.shown(free) + " free; make room, or set HF_HUB_CACHE to a folder on another disk");
        }
    }

    /** Loads all contents; the first error ends all. Returns the tags of what this call made. */
    private Set<String> load(DownloadListener listener) throws IOException, InterruptedException {
        List<RepositoryFile> contents = contents();
        Transfer transfer = new Transfer(
                id, contents.stream().mapToLong(RepositoryFile::size).sum(), listener);
        transfer.report();
        ExecutorService pool = Executors.newFixedThreadPool(AT_ONCE, task -> {
            Thread thread = new Thread(task, "blip2-hub-download");
            thread.setDaemon(true);
            return thread;
        });
        ExecutorCompletionService<String> tasks = new ExecutorCompletionService<>(pool);
        List<FileDownload> downloads = new ArrayList<>();
        Set<String> fresh = new HashSet<>();
        try {
            for (RepositoryFile file : contents) {
                FileDownload download = new FileDownload(client, repository, listing.commit(), file, transfer);
                downloads.add(download);
                tasks.submit(() -> download.run() ? file.etag() : null);
            }
            for (int i = 0; i < contents.size(); i++) {
                fresh.add(tasks.take().get());
            }
            transfer.report();
            return fresh;
        } catch (ExecutionException e) {
            throw rethrown(e.getCause());
        } finally {
            pool.shutdownNow();
            for (FileDownload download : downloads) {
                download.cancel();
            }
            pool.awaitTermination(1, TimeUnit.MINUTES);
        }
    }

    private static IOException rethrown(Throwable cause) {
        if (cause instanceof IOException io) {
            return io;
        }
        if (cause instanceof RuntimeException runtime) {
            throw runtime;
        }
        if (cause instanceof Error error) {
            throw error;
        }
        return Backoff.interrupted();
    }
}
