/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who is let in, and when. */
@Timeout(60)
class PictureAdmissionTest {
    private static final int MIB = 1 << 20;

    /** Eight MiB for pictures. */
    private final PictureAdmission admission = new PictureAdmission(16 * MIB);

    /** A thread that holds some room until it is told to leave. */
    private final class Holder extends Thread {
        private final long bytes;
        private final CountDownLatch entered = new CountDownLatch(1);
        private final CountDownLatch leave = new CountDownLatch(1);

        Holder(long bytes) {
            this.bytes = bytes;
            setDaemon(true);
            start();
        }

        @Override
        public void run() {
            try (PictureAdmission.Place place = admission.enter(bytes)) {
                entered.countDown();
                leave.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        boolean waits() {
            return entered.getCount() > 0;
        }

        void untilItWaits() throws InterruptedException {
            while (getState() != State.WAITING) {
                Thread.sleep(1);
            }
            assertThat(waits()).isTrue();
        }

        void leave() throws InterruptedException {
            entered.await();
            leave.countDown();
            join();
        }
    }

    @Test
    void picturesEnterAsLongAsHalfTheHeapHasRoom() throws Exception {
        Holder first = new Holder(4 * MIB);
        Holder second = new Holder(4 * MIB);
        first.entered.await();
        second.entered.await();
        Holder third = new Holder(1);
        third.untilItWaits();
        second.leave();
        third.leave();
        first.leave();
    }

    @Test
    void aLargePictureIsNotStarvedBySmallOnesThatComeLater() throws Exception {
        Holder small = new Holder(MIB);
        small.entered.await();
        Holder large = new Holder(100L * MIB);
        large.untilItWaits();
        Holder later = new Holder(MIB);
        later.untilItWaits();
        small.leave();
        large.entered.await();
        assertThat(later.waits()).isTrue(); // a picture of more than all the room is alone
        large.leave();
        later.leave();
    }

    @Test
    void aPlaceGrowsOnlyWhereThereIsRoomAndNobodyWaits() throws Exception {
        try (PictureAdmission.Place place = admission.enter(2 * MIB)) {
            assertThat(place.grow(6 * MIB)).isTrue();
            assertThat(place.grow(6 * MIB)).isTrue();
            assertThat(place.grow(9 * MIB)).isTrue(); // all there is
        }
        PictureAdmission.Place place = admission.enter(2 * MIB);
        Holder other = new Holder(3 * MIB);
        other.entered.await();
        assertThat(place.grow(6 * MIB)).isFalse();
        Holder waiting = new Holder(8 * MIB);
        waiting.untilItWaits();
        assertThat(place.grow(3 * MIB)).isFalse();
        place.close();
        other.leave();
        waiting.leave();
    }

    @Test
    void whatNeedsMoreThanHalfTheHeapNeedsAll() {
        assertThat(admission.needsAll(8 * MIB)).isTrue();
        assertThat(admission.needsAll(7 * MIB)).isFalse();
    }

    @Test
    void anInterruptedThreadIsNotLetIn() {
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> admission.enter(1))
                .isInstanceOf(CancellationException.class)
                .hasMessage(
                        "interrupted: the thread that waits for room for a picture was interrupted, so it was given up");
        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void picturesThatCallersHoldAreKnownUntilTheyAreReturned() {
        LentPictures lent = new LentPictures(60_000);
        lent.lend(Image.ofRgb(1, 1, new byte[3]));
        assertThat(lent.bytes()).isZero();
        lent.lend(Image.ofRgb(1000, 1000, new byte[3_000_000])); // which nobody holds
        assertThat(lent.await(() -> lent.bytes() == 0)).isTrue();
    }

    @Test
    void whoKeepsPicturesForGoodIsWaitedForOnce() {
        LentPictures lent = new LentPictures(1);
        Image image = Image.ofRgb(1000, 1000, new byte[3_000_000]);
        lent.lend(image);
        assertThat(lent.await(() -> false)).isFalse();
        assertThat(lent.bytes()).isEqualTo(3_000_000);
        assertThat(image.width()).isEqualTo(1000); // held until here
    }
}
