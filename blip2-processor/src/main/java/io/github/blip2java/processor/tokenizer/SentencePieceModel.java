/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.tokenizer;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import io.github.blip2java.checkpoint.CheckpointFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The vocabulary and the character map of a SentencePiece file.
 *
 * <p>The file is a protocol buffer, {@code ModelProto} of {@code sentencepiece_model.proto}; only the fields named here are
 * read.
 *
 * @param pieces the vocabulary; a piece's id is its place
 * @param characterMap the field {@code precompiled_charsmap}; empty for none
 */
record SentencePieceModel(List<Piece> pieces, byte[] characterMap) {

    private static final int MODEL_PIECES = 1;
    private static final int MODEL_NORMALIZER = 3;
    private static final int PIECE_TEXT = 1;
    private static final int PIECE_SCORE = 2;
    private static final int NORMALIZER_CHARACTER_MAP = 2;

    /** A piece and its log-probability. */
    record Piece(String text, float score) {}

    static SentencePieceModel read(Path file) throws IOException {
        CodedInputStream input = CodedInputStream.newInstance(CheckpointFile.bytes(file));
        List<Piece> pieces = new ArrayList<>();
        byte[] characterMap = {};
        try {
            for (int tag = input.readTag(); tag != 0; tag = input.readTag()) {
                switch (WireFormat.getTagFieldNumber(tag)) {
                    case MODEL_PIECES -> pieces.add(piece(message(input)));
                    case MODEL_NORMALIZER -> characterMap = characterMap(message(input));
                    default -> input.skipField(tag);
                }
            }
        } catch (InvalidProtocolBufferException e) {
            throw TokenizerFiles.malformed(file, "expected a SentencePiece model, got: " + e.getMessage());
        }
        for (Piece piece : pieces) {
            if (!Float.isFinite(piece.score)) {
                throw TokenizerFiles.malformed(
                        file, "piece \"" + piece.text + "\": expected a finite score, got " + piece.score);
            }
        }
        return new SentencePieceModel(pieces, characterMap);
    }

    private static CodedInputStream message(CodedInputStream input) throws IOException {
        return input.readBytes().newCodedInput();
    }

    private static Piece piece(CodedInputStream input) throws IOException {
        String text = "";
        float score = 0;
        for (int tag = input.readTag(); tag != 0; tag = input.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case PIECE_TEXT -> text = input.readStringRequireUtf8();
                case PIECE_SCORE -> score = input.readFloat();
                default -> input.skipField(tag);
            }
        }
        return new Piece(text, score);
    }

    private static byte[] characterMap(CodedInputStream input) throws IOException {
        byte[] map = {};
        for (int tag = input.readTag(); tag != 0; tag = input.readTag()) {
            if (WireFormat.getTagFieldNumber(tag) == NORMALIZER_CHARACTER_MAP) {
                map = input.readByteArray();
            } else {
                input.skipField(tag);
            }
        }
        return map;
    }
}
