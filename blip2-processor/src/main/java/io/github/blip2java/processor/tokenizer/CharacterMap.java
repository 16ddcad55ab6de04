/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.tokenizer;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * SentencePiece's {@code precompiled_charsmap}, checked before the native library follows it: an index or an offset that
 * points out of it would end the whole process there.
 *
 * <p>The format: the size of a double array in bytes, the array (Darts: units of 32 bits), replacements that end with a zero.
 * A unit holds a label (8 bits) and, in the bits from 10 on, the distance to its children by exclusive or; a leaf has the
 * highest bit set and holds the offset of a replacement.
 */
final class CharacterMap {

    /** A child differs from its base in the lowest 8 bits, so within whole blocks of this size it cannot be outside. */
    private static final int BLOCK = 256;

    private CharacterMap() {}

    static void check(Path source, byte[] map) {
        ByteBuffer bytes = ByteBuffer.wrap(map).order(ByteOrder.LITTLE_ENDIAN);
        long size = map.length < Integer.BYTES ? 0 : Integer.toUnsignedLong(bytes.getInt());
        if (size == 0 || size > bytes.remaining() || size % (BLOCK * Integer.BYTES) != 0) {
            throw malformed(
                    source, "expected a table of whole blocks, got a size of " + size + " in " + map.length + " bytes");
        }
        int[] units = new int[(int) size / Integer.BYTES];
        bytes.asIntBuffer().get(units);
        ByteBuffer replacements = bytes.position(bytes.position() + (int) size).slice();
        try {
            StandardCharsets.UTF_8.newDecoder().decode(replacements.duplicate());
        } catch (CharacterCodingException e) {
            throw malformed(source, "expected replacements in UTF-8, got other bytes");
        }
        for (int at = 0; at < units.length; at++) {
            if (units[at] >= 0) {
                checkNode(source, units, at, replacements);
            }
        }
    }

    private static void checkNode(Path source, int[] units, int at, ByteBuffer replacements) {
        int unit = units[at];
        boolean far = (unit & 1 << 9) != 0;
        long child = at ^ Integer.toUnsignedLong(unit >>> 10 << (far ? 8 : 0));
        if (child >= units.length) {
            throw malformed(source, "expected children within " + units.length + " units, got unit " + child);
        }
        boolean hasLeaf = (unit & 1 << 8) != 0;
        int offset = units[(int) child] & Integer.MAX_VALUE;
        if (hasLeaf && (offset > replacements.limit() || !startsCharacter(replacements, offset))) {
            throw malformed(
                    source, "expected replacements within " + replacements.limit() + " bytes, got one at " + offset);
        }
    }

    private static boolean startsCharacter(ByteBuffer utf8, int offset) {
        return offset == utf8.limit() || (utf8.get(offset) & 0xc0) != 0x80;
    }

    private static RuntimeException malformed(Path source, String problem) {
        return TokenizerFiles.malformed(source, "precompiled_charsmap: " + problem);
    }
}
