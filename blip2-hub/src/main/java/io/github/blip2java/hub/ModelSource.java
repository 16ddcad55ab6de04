/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import io.github.blip2java.hub.HubException.Reason;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a model comes from: a folder, or a repository on the Hugging Face Hub.
 *
 * <pre>{@code
 * Path folder = ModelSource.of("Salesforce/blip2-opt-2.7b").resolve(Download.ALWAYS);
 * }</pre>
 *
 * <p>A repository is looked for in the cache that Python's {@code huggingface_hub} uses, and downloaded to it, so that neither has to
 * download what the other has. What is in the cache is used as it is, without asking the Hub whether there is something newer:
 * {@link #update} does that. Immutable, and safe for several threads and processes at once.
 */
public final class ModelSource {
    private static final String MAIN = "main";
    private static final Pattern ADDRESS = Pattern.compile(
            "(?:https://(?:huggingface\\.co|hf\\.co)/|hf://(?:models/)?)([^/@]+/[^/@]+?)(?:/tree/([^?#]+)|@([^?#]+))?/?");

    private final String given;
    private final HubEnvironment environment;
    private final DownloadListener listener;
    private final Backoff.Pause pause;

    ModelSource(String given, HubEnvironment environment, DownloadListener listener, Backoff.Pause pause) {
        this.given = Objects.requireNonNull(given, "model");
        this.environment = environment;
        this.listener = listener;
        this.pause = pause;
    }

    /**
     * Says which model, with the environment variables of this process.
     *
     * @param model a folder; or where nothing is there, {@code OWNER/NAME}, or {@code OWNER/NAME@REVISION} with a branch, a tag or a
     *     commit, on the Hub
     * @return a source; nothing is looked for yet
     */
    public static ModelSource of(String model) {
        return of(model, HubEnvironment.system());
    }

    /**
     * Says which model.
     *
     * @param model       as above
     * @param environment where the Hub and its cache are
     * @return a source; nothing is looked for yet
     */
    public static ModelSource of(String model, HubEnvironment environment) {
        return new ModelSource(model, environment, progress -> {}, Backoff.Pause.REAL);
    }

    /**
     * Reports downloads.
     *
     * @param listener is told how far they are
     * @return a source of the same model
     */
    public ModelSource withListener(DownloadListener listener) {
        return new ModelSource(given, environment, Objects.requireNonNull(listener, "listener"), pause);
    }

    /** {@return whether it is a folder or a file that is there} */
    public boolean isLocal() {
        return local().isPresent();
    }

    /**
     * Finds the folder with the model's files, or downloads them.
     *
     * @param download whether what is not in the cache may be downloaded
     * @return a folder that is there; of a repository, all that the model needs is in it
     * @throws HubException        if it cannot be had; its reason says why
     * @throws NoSuchFileException if it can neither be a folder nor a name on the Hub
     * @throws IOException         if the cache cannot be read or written
     */
    public Path resolve(Download download) throws IOException {
        try {
            return found(download);
        } catch (AccessDeniedException e) {
            throw new AccessDeniedException(
                    e.getFile(),
                    null,
                    "may not be read; ask for the right to it, or set HF_HUB_CACHE to a folder of yours");
        }
    }

    private Path found(Download download) throws IOException {
        Optional<Path> local = local();
        if (local.isPresent()) {
            return local.get();
        }
        Name name = name();
        CachedRepository repository = new HubCache(environment).repository(name.id());
        Optional<String> commit = repository.commit(name.revision());
        List<String> missing = commit.isPresent() ? repository.missing(commit.get()) : List.of();
        if (commit.isPresent() && missing.isEmpty()) {
            return repository.snapshot(commit.get());
        }
        if (!download.mayConnect() || environment.offline()) {
            throw notCached(commit.map(repository::snapshot), missing);
        }
        return fromHub(name, download);
    }

    /**
     * Asks the Hub what the revision stands for now, and downloads what is not in the cache.
     *
     * @param download whether it may be downloaded
     * @return the folder of that revision; a local folder as it is
     * @throws HubException        if it cannot be had, also when the Hub cannot be asked
     * @throws NoSuchFileException if it can neither be a folder nor a name on the Hub
     * @throws IOException         if the cache cannot be read or written
     */
    public Path update(Download download) throws IOException {
        return !download.mayConnect() || environment.offline() || isLocal()
                ? resolve(download)
                : fromHub(name(), download);
    }

    private Path fromHub(Name name, Download download) throws IOException {
        HubCache cache = new HubCache(environment);
        HubClient client = new HubClient(environment, name.id(), name.revision(), pause);
        Downloader downloader;
        try {
            downloader = Downloader.prepare(cache, client, name.id(), name.revision());
        } catch (HubException e) {
            throw e.reason() == Reason.UNREACHABLE
                    ? new HubException(
                            Reason.UNREACHABLE,
                            given + ": no folder here, and the Hub cannot be asked for it; " + e.getMessage(),
                            e)
                    : e;
        }
        DownloadPlan plan = downloader.plan();
        if (plan.missingBytes() > 0 && !download.mayLoad(plan)) {
            throw new HubException(
                    Reason.DECLINED,
                    given + ": not downloaded, as was wished; " + Bytes.shown(plan.missingBytes())
                            + " of it are missing in " + plan.cache());
        }
        return downloader.run(listener);
    }

    private record Name(RepositoryId id, String revision) {}

    private Optional<Path> local() {
        try {
            // A link to nothing is there too: whoever opens it says where it leads.
            return Optional.of(Path.of(given))
                    .filter(path -> !given.isEmpty() && Files.exists(path, LinkOption.NOFOLLOW_LINKS));
        } catch (InvalidPathException e) {
            return Optional.empty();
        }
    }

    private Name name() throws NoSuchFileException {
        Matcher address = ADDRESS.matcher(given);
        String text = given;
        String revision = MAIN;
        if (address.matches()) {
            text = address.group(1);
            revision = address.group(2) != null ? address.group(2) : address.group(3);
        } else if (given.contains("@")) {
            text = given.substring(0, given.indexOf('@'));
            revision = given.substring(given.indexOf('@') + 1);
        }
        revision = revision == null ? MAIN : revision;
        Optional<RepositoryId> id = RepositoryId.parse(text);
        if (id.isPresent() && RepositoryId.isRevision(revision)) {
            return new Name(id.get(), revision);
        }
        throw new NoSuchFileException((given.isEmpty() ? "\"\"" : given)
                + ": expected a checkpoint folder, found nothing there; check the path; a name on the Hugging Face Hub would be"
                + " OWNER/NAME or OWNER/NAME@REVISION");
    }

    private HubException notCached(Optional<Path> snapshot, List<String> missing) {
        boolean partly = snapshot.isPresent() && Files.exists(snapshot.get());
        String problem = partly
                ? given + ": expected the whole model in " + snapshot.get() + ", got it without " + missing.get(0)
                        + (missing.size() > 1 ? " and " + (missing.size() - 1) + " more" : "")
                : given + ": expected a checkpoint folder, or a model in the Hub's cache " + environment.cache()
                        + ", found neither; check the path";
        if (environment.offline()) {
            return new HubException(
                    Reason.OFFLINE,
                    problem
                            + "; it cannot be downloaded, as HF_HUB_OFFLINE is set: unset it, or copy the cache's folder from a"
                            + " machine that has the model");
        }
        return new HubException(
                Reason.NOT_CACHED,
                problem
                        + (partly
                                ? "; download the rest: "
                                : ", or download it, if this is a name on the Hugging Face Hub: ")
                        + "blip2 download " + given + ", or add --yes (in programs: Download.ALWAYS)");
    }
}
