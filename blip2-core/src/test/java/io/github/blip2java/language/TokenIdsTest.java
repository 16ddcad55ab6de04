/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class TokenIdsTest {

    private static void refuses(ThrowingCallable call, String message) {
        assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
    }

    @Test
    void matricesAreChecked() {
        String pad = "; pad shorter rows and mark the padding with 0 in the attention mask";
        refuses(
                () -> TokenIds.matrix("ids", null, -1, -1),
                "ids: expected [batch, seq], got null; Blip2Processor makes it");
        refuses(
                () -> TokenIds.matrix("ids", new long[0][], -1, -1),
                "ids: expected [batch, seq], got 0 rows; one row belongs to each image or text");
        refuses(
                () -> TokenIds.matrix("ids", new long[3][2], 2, -1),
                "ids: expected [2, seq], got 3 rows; one row belongs to each image or text");
        refuses(
                () -> TokenIds.matrix("ids", new long[2][0], -1, -1),
                "ids: expected [batch, seq], got 0 values in row 0" + pad);
        refuses(
                () -> TokenIds.matrix("ids", new long[][] {{1, 2}, {3}}, -1, -1),
                "ids: expected [batch, seq], got 1 values in row 1" + pad);
        refuses(
                () -> TokenIds.matrix("ids", new long[][] {{1, 2}, null}, -1, -1),
                "ids: expected [batch, seq], got 0 values in row 1" + pad);
        refuses(
                () -> TokenIds.matrix("ids", new long[][] {null}, -1, -1),
                "ids: expected [batch, seq], got 0 values in row 0" + pad);
        refuses(
                () -> TokenIds.matrix("mask", new long[1][4], 1, 3),
                "mask: expected [1, 3], got 4 values in row 0" + pad);
        long[][] right = {{1, 2}, {3, 4}};
        assertThat(TokenIds.matrix("ids", right, 2, 2)).isSameAs(right);
    }

    @Test
    void idsAreOfTheVocabulary() {
        String end = "; the tokenizer and the checkpoint do not belong together";
        refuses(
                () -> TokenIds.ids("labels", new long[][] {{0, 9}, {9, 10}}, -1, 10),
                "labels: expected ids from 0 to 9, got 10 in row 1, column 1" + end);
        refuses(
                () -> TokenIds.ids("ids", new long[][] {{-1}}, -1, 10),
                "ids: expected ids from 0 to 9, got -1 in row 0, column 0" + end);
        refuses(
                () -> TokenIds.ids("ids", new long[][] {{4294967296L}}, -1, 10),
                "ids: expected ids from 0 to 9, got 4294967296 in row 0, column 0" + end);
        assertThat(TokenIds.flatten(TokenIds.ids("ids", new long[][] {{0, 9}, {3, 4}}, 2, 10)))
                .containsExactly(0, 9, 3, 4);
    }

    @Test
    void masksAreZerosAndOnes() {
        long[][] ids = new long[2][3];
        assertThat(TokenIds.mask("mask", null, ids)).isDeepEqualTo(new long[][] {{1, 1, 1}, {1, 1, 1}});
        long[][] mask = {{0, 1, 1}, {0, 0, 0}};
        assertThat(TokenIds.mask("mask", mask, ids)).isSameAs(mask);
        refuses(
                () -> TokenIds.mask("mask", new long[][] {{1, 1, 1}, {1, 2, 1}}, ids),
                "mask: expected 1 (keep) or 0 (padding), got 2 in row 1, column 1; Blip2Processor makes it");
        refuses(
                () -> TokenIds.mask("mask", new long[][] {{-1, 1, 1}, {1, 2, 1}}, ids),
                "mask: expected 1 (keep) or 0 (padding), got -1 in row 0, column 0; Blip2Processor makes it");
        refuses(
                () -> TokenIds.checkKept("mask", mask),
                "mask: expected at least one 1 in every row, got none in row 1; a text cannot be all padding");
        assertThatCode(() -> TokenIds.checkKept("mask", new long[][] {{0, 1}, {1, 0}}))
                .doesNotThrowAnyException();
        assertThat(TokenIds.allOnes(mask)).isFalse();
        assertThat(TokenIds.allOnes(TokenIds.ones(2, 2))).isTrue();
    }

    @Test
    void copiesAreDeep() {
        long[][] ids = {{1, 2}, null};
        long[][] copy = TokenIds.copy(ids);
        ids[0][0] = 9;
        assertThat(copy).isDeepEqualTo(new long[][] {{1, 2}, null});
        assertThat(TokenIds.copy(null)).isNull();
    }
}
