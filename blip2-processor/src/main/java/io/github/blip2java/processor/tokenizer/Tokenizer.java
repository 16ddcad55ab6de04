/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.tokenizer;

import io.github.blip2java.checkpoint.CheckpointFolder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.OptionalInt;

/**
 * Text to token ids and back.
 *
 * <p>A tokenizer neither pads nor cuts; {@link io.github.blip2java.processor.Blip2Processor} does both. It is safe for
 * many threads at once. After {@link #close} every call throws an {@link IllegalStateException}.
 */
public interface Tokenizer extends AutoCloseable {

    /**
     * Reads the tokenizer of a checkpoint: {@code tokenizer.json} or the older files {@code vocab.json} and
     * {@code merges.txt} (byte-level BPE), {@code vocab.txt} (WordPiece) or {@code spiece.model} (SentencePiece); with
     * {@code tokenizer_config.json}, {@code special_tokens_map.json} and {@code added_tokens.json} where they are there.
     *
     * <p>Reference: {@code AutoTokenizer} of transformers 5.18 given the folder. Where {@code tokenizer_class} is
     * {@code T5Tokenizer}, {@code BertTokenizer} or {@code GPT2Tokenizer}, the vocabulary alone comes from
     * {@code tokenizer.json}, and the steps around it are those of the class.
     *
     * <p>The image token ({@code <image>}, unless the configuration names another) is added when the files lack it.
     *
     * @param directory the checkpoint's folder
     * @return the tokenizer; close it after use
     * @throws IOException when no tokenizer files of these kinds are there, or one cannot be read
     * @throws io.github.blip2java.checkpoint.MalformedCheckpointException when a file's content is not what it should be
     * @throws io.github.blip2java.checkpoint.UnsupportedModelException when {@code tokenizer.json} has steps that no published
     *     checkpoint of BLIP-2 has
     * @throws IllegalStateException when the native tokenizer library does not run on this machine
     */
    static Tokenizer fromPretrained(Path directory) throws IOException {
        return new DjlTokenizer(TokenizerFiles.read(CheckpointFolder.resolve(directory)));
    }

    /**
     * Turns text into token ids.
     *
     * @param text any text; an unpaired surrogate is read as U+FFFD
     * @param addSpecialTokens whether to add what the model expects around a text, such as a start token
     * @return the token ids
     * @throws io.github.blip2java.checkpoint.MalformedCheckpointException when the files give the text no ids, such as a
     *     vocabulary without its own unknown token
     */
    long[] encode(String text, boolean addSpecialTokens);

    /**
     * Turns token ids into text.
     *
     * @param ids token ids of 0 or more; ids that the vocabulary lacks are left out
     * @param skipSpecialTokens whether to leave out special tokens such as start, end, padding and image tokens
     * @return the text; bytes that are no complete character become U+FFFD
     * @throws IllegalArgumentException when an id is negative
     */
    String decode(long[] ids, boolean skipSpecialTokens);

    /**
     * The text that {@link #decode} cleans where {@link #cleansUp} says so: the tokens' own texts, one behind the other.
     *
     * @param ids as there
     * @param skipSpecialTokens as there
     * @return the text before any cleaning
     * @throws IllegalArgumentException when an id is negative
     */
    String joined(long[] ids, boolean skipSpecialTokens);

    /** {@return whether decoding takes spaces before punctuation out ({@code clean_up_tokenization_spaces})} */
    boolean cleansUp();

    /**
     * What a token adds to a text, special ones included: with byte-level BPE perhaps a part of a character.
     *
     * @param id a token id
     * @return UTF-8 bytes, not to be changed; null when the vocabulary lacks the id
     */
    byte[] bytes(int id);

    /**
     * Looks up a token as the vocabulary spells it (byte-level BPE writes a space as {@code Ġ}, Unigram as {@code ▁}).
     *
     * @param token the token
     * @return its id; empty when the vocabulary lacks it
     */
    OptionalInt tokenId(String token);

    /**
     * Returns the size of the vocabulary.
     *
     * @return number of tokens, with the added ones
     */
    int vocabSize();

    /**
     * Returns the start token's id.
     *
     * @return the id; empty when the files name none
     */
    OptionalInt bosTokenId();

    /**
     * Returns the end token's id.
     *
     * @return the id; empty when the files name none
     */
    OptionalInt eosTokenId();

    /**
     * Returns the padding token's id.
     *
     * @return the id; empty when the files name none
     */
    OptionalInt padTokenId();

    /**
     * Returns the token that stands for a piece of an image.
     *
     * @return the token, {@code <image>} unless the configuration names another
     */
    String imageToken();

    /**
     * Returns the image token's id.
     *
     * @return the id
     */
    int imageTokenId();

    /**
     * Returns the longest text that the model was made for.
     *
     * @return tokens with special ones; empty when the configuration sets no limit
     */
    OptionalInt modelMaxLength();

    /** Frees the native memory. A second call does nothing. */
    @Override
    void close();
}
