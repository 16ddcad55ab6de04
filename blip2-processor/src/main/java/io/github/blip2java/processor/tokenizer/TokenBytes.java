/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What each token adds to a text. Reference: {@code StopStringCriteria.clean_tokenizer_vocab}, which decodes each token behind the same
 * letters, so that no decoder takes the space before it away; tokens of byte-level BPE are bytes.
 */
final class TokenBytes {
    private static final String BEFORE = "abcdef";
    private static final byte[] NONE = {};

    private final Tokenizer tokenizer;
    private final TokenizerDefinition definition;
    private final Map<Integer, byte[]> known = new ConcurrentHashMap<>();
    /** Made when the first token is asked for, as few programs ask. */
    private Tables tables;

    /** The tokens' spellings; for byte-level BPE the bytes that characters stand for, else null. */
    private record Tables(Map<Integer, String> tokens, Map<Integer, Byte> bytes, long[] before) {}

    TokenBytes(Tokenizer tokenizer, TokenizerDefinition definition) {
        this.tokenizer = tokenizer;
        this.definition = definition;
    }

    /** The bytes of a token, or null where there is none of that id. */
    byte[] of(int id) {
        byte[] bytes = known.computeIfAbsent(id, this::find);
        return bytes == NONE ? null : bytes;
    }

    private byte[] find(int id) {
        Tables all = tables();
        String token = all.tokens.get(id);
        if (token == null) {
            return NONE;
        }
        if (all.bytes != null && token.codePoints().allMatch(all.bytes::containsKey)) {
            byte[] bytes = new byte[token.length()];
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = all.bytes.get((int) token.charAt(i));
            }
            return bytes;
        }
        long[] behind = Arrays.copyOf(all.before, all.before.length + 1);
        behind[all.before.length] = id;
        String text = tokenizer.joined(behind, false);
        return text.substring(text.indexOf(BEFORE) + BEFORE.length()).getBytes(StandardCharsets.UTF_8);
    }

    private synchronized Tables tables() {
        if (tables == null) {
            Map<Integer, String> tokens = new HashMap<>();
            definition.vocabulary().forEach((token, id) -> tokens.put(id, token));
            tables = new Tables(tokens, isByteLevel() ? byteLevel() : null, tokenizer.encode(BEFORE, false));
        }
        return tables;
    }

    private boolean isByteLevel() {
        try {
            JsonNode decoder = new ObjectMapper().readTree(definition.json()).path("decoder");
            return decoder.findValuesAsText("type").contains("ByteLevel");
        } catch (IOException e) {
            throw new UncheckedIOException(e); // written by ourselves
        }
    }

    /** Reference: {@code bytes_to_unicode}. Bytes that are printable stand for themselves, the others for letters from 256 on. */
    private static Map<Integer, Byte> byteLevel() {
        Map<Integer, Byte> bytes = new HashMap<>();
        int next = 256;
        for (int value = 0; value < 256; value++) {
            boolean printable = value >= '!' && value <= '~' || value >= 0xa1 && value <= 0xff && value != 0xad;
            bytes.put(printable ? value : next++, (byte) value);
        }
        return bytes;
    }
}
