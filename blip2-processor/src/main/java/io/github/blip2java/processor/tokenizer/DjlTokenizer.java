/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.tokenizer;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import io.github.blip2java.checkpoint.CheckpointFile;
import io.github.blip2java.internal.tensor.NativeCache;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.Semaphore;
import java.util.function.Function;

/**
 * The tokenizer of Hugging Face's Rust library, through DJL.
 *
 * <p>DJL pads and cuts by default and cannot look up or add tokens, so that is turned off or done here.
 */
final class DjlTokenizer implements Tokenizer {

    private static final String OFFLINE = "ai.djl.offline";
    private static final Map<String, String> PLAIN = Map.of("padding", "false", "truncation", "false");

    private final TokenizerDefinition definition;
    private final HuggingFaceTokenizer tokenizer;
    /**
     * Calls at once. The library ends the whole process where it gets no memory for an answer: each call asks for more than that first, where
     * too little is an error like any other, and few calls at once do so.
     */
    private static final int CALLS = Runtime.getRuntime().availableProcessors();

    /** Bytes of an answer, beside those for each letter or token. */
    private static final int ANSWER = 1 << 16;

    private static final int ANSWER_EACH = 64;

    /** Who uses the native object holds one, who frees it all: a late call must fail, not crash. */
    private final Semaphore calls = new Semaphore(CALLS, true);

    private final TokenBytes tokenBytes;
    private boolean closed;

    DjlTokenizer(TokenizerDefinition definition) throws IOException {
        this.definition = definition;
        if (!definition.normalizedTokens().isEmpty()) {
            checkTokensRemain(definition);
        }
        this.tokenizer = load(definition, definition.json());
        this.tokenBytes = new TokenBytes(this, definition);
    }

    /** An added token that its own normalizer leaves nothing of would end the whole process when a text comes. */
    private static void checkTokensRemain(TokenizerDefinition definition) throws IOException {
        String normalizerAlone = "{\"added_tokens\": [], \"normalizer\": " + definition.normalizer()
                + ", \"model\": {\"type\": \"WordLevel\", \"vocab\": {\"x\": 0}, \"unk_token\": \"x\"}}";
        try (HuggingFaceTokenizer probe = load(definition, normalizerAlone)) {
            for (String token : definition.normalizedTokens()) {
                if (probe.encode(withoutLoneSurrogates(token), false, false).getIds().length == 0) {
                    throw TokenizerFiles.malformed(
                            definition.source(),
                            "added token \"" + CheckpointFile.shown(token)
                                    + "\": expected characters that the normalizer keeps, got none");
                }
            }
        }
    }

    /** Loads the native library first: on a machine with a GPU, DJL would otherwise download a build for it. */
    private static synchronized HuggingFaceTokenizer load(TokenizerDefinition definition, String text)
            throws IOException {
        NativeCache.prepareDjl();
        String before = System.setProperty(OFFLINE, "true");
        try {
            byte[] json = text.getBytes(StandardCharsets.UTF_8);
            return HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(json), PLAIN);
        } catch (LinkageError e) {
            if (isLoadedElsewhere(e)) {
                throw new IllegalStateException(
                        "the native tokenizer library is in use by another class loader of this process (two web applications,"
                                + " two plugins, or one that was loaded again), and Java loads a native library for one alone; put"
                                + " ai.djl.huggingface:tokenizers and ai.djl:api where one class loader serves both, such as the"
                                + " class path or the server's shared libraries, or run them in two processes (" + e
                                + ")",
                        e);
            }
            throw new IllegalStateException(
                    "the native tokenizer library does not run here: expected Linux on x86_64 or aarch64 with glibc"
                            + " 2.34 or newer, macOS on arm64, or Windows on x86_64; got "
                            + System.getProperty("os.name") + " on " + System.getProperty("os.arch") + " (" + e + ")",
                    e);
        } catch (RuntimeException e) {
            throw TokenizerFiles.malformed(
                    definition.source(),
                    "the tokenizers library cannot read it: " + CheckpointFile.shown(e.getMessage()));
        } finally {
            if (before == null) {
                System.clearProperty(OFFLINE);
            } else {
                System.setProperty(OFFLINE, before);
            }
        }
    }

    /** After the first failure Java tells only that the class cannot be used, with the text of the first one in its cause. */
    private static boolean isLoadedElsewhere(Throwable e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (String.valueOf(cause.getMessage()).contains("already loaded in another classloader")) {
                return true;
            }
        }
        return false;
    }

    @Override
    public long[] encode(String text, boolean addSpecialTokens) {
        String valid = withoutLoneSurrogates(text);
        return use(
                text.length(),
                library -> library.encode(valid, addSpecialTokens, false).getIds());
    }

    @Override
    public String decode(long[] ids, boolean skipSpecialTokens) {
        String text = joined(ids, skipSpecialTokens);
        return definition.cleanUp() ? CleanUp.of(text) : text;
    }

    @Override
    public String joined(long[] ids, boolean skipSpecialTokens) {
        for (long id : ids) {
            if (id < 0) {
                throw new IllegalArgumentException("ids: expected token ids of 0 or more, got " + id);
            }
        }
        // The library takes the lowest 32 bits; no vocabulary has more.
        long[] possible =
                Arrays.stream(ids).filter(id -> id <= Integer.MAX_VALUE).toArray();
        return use(ids.length, library -> library.decode(possible, skipSpecialTokens));
    }

    @Override
    public boolean cleansUp() {
        return definition.cleanUp();
    }

    @Override
    public byte[] bytes(int id) {
        return tokenBytes.of(id);
    }

    private <T> T use(int length, Function<HuggingFaceTokenizer, T> call) {
        calls.acquireUninterruptibly();
        try {
            if (closed) {
                throw new IllegalStateException("the tokenizer is closed");
            }
            makeRoom(length);
            return use(call, tokenizer);
        } finally {
            calls.release();
        }
    }

    /** Fails where the heap has no room for an answer. */
    private static void makeRoom(int length) {
        byte[] room = new byte[(int) Math.min(Integer.MAX_VALUE - 8, ANSWER + (long) ANSWER_EACH * length)];
        Reference.reachabilityFence(room);
    }

    /** What the library cannot do with a text lies in the file, such as an unknown token that the vocabulary lacks. */
    private <T> T use(Function<HuggingFaceTokenizer, T> call, HuggingFaceTokenizer tokenizer) {
        try {
            return call.apply(tokenizer);
        } catch (RuntimeException e) {
            throw TokenizerFiles.malformed(
                    definition.source(),
                    "the tokenizers library cannot use it: " + CheckpointFile.shown(e.getMessage()));
        }
    }

    /** Half a surrogate pair has no UTF-8 form. */
    private static String withoutLoneSurrogates(String text) {
        if (text.chars().noneMatch(unit -> Character.isSurrogate((char) unit))) {
            return text;
        }
        StringBuilder valid = new StringBuilder(text.length());
        text.codePoints()
                .map(point -> point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE ? 0xfffd : point)
                .forEach(valid::appendCodePoint);
        return valid.toString();
    }

    @Override
    public OptionalInt tokenId(String token) {
        Integer id = definition.vocabulary().get(token);
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    @Override
    public int vocabSize() {
        return definition.vocabulary().size();
    }

    @Override
    public OptionalInt bosTokenId() {
        return special("bos_token");
    }

    @Override
    public OptionalInt eosTokenId() {
        return special("eos_token");
    }

    @Override
    public OptionalInt padTokenId() {
        return special("pad_token");
    }

    private OptionalInt special(String role) {
        String token = definition.specials().get(role);
        return token == null ? OptionalInt.empty() : tokenId(token);
    }

    @Override
    public String imageToken() {
        return definition.imageToken();
    }

    @Override
    public int imageTokenId() {
        return definition.vocabulary().get(definition.imageToken());
    }

    @Override
    public OptionalInt modelMaxLength() {
        return definition.modelMaxLength();
    }

    @Override
    public void close() {
        calls.acquireUninterruptibly(CALLS);
        try {
            if (!closed) {
                closed = true;
                tokenizer.close();
            }
        } finally {
            calls.release(CALLS);
        }
    }
}
