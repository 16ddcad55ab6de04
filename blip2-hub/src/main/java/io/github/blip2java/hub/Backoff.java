/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tries again, after pauses that double, and as long as the server asks for. */
final class Backoff {
    /** Waits; tests do not. */
    interface Pause {
        void sleep(Duration time) throws InterruptedException;

        Pause REAL = time -> Thread.sleep(time.toMillis());
    }

    /** One try. */
    interface Attempt<T> {
        T run() throws java.io.IOException, InterruptedException;
    }

    static final int RETRIES = 5;
    private static final Logger LOG = LoggerFactory.getLogger(Backoff.class);
    private static final Duration FIRST = Duration.ofSeconds(1);

    /** Nobody waits longer than this without being told. */
    private static final Duration LONGEST = Duration.ofMinutes(10);

    private final Pause pause;
    private final int unreachable;
    private int failures;

    /**
     * @param pause       how to wait
     * @param unreachable how often to try again where there is no connection at all
     */
    Backoff(Pause pause, int unreachable) {
        this.pause = pause;
        this.unreachable = unreachable;
    }

    /** Says that the last try brought something, so that the next error is a first one. */
    void reset() {
        failures = 0;
    }

    /**
     * Runs an attempt until it succeeds.
     *
     * @throws HubException if it failed {@link #RETRIES} times more, or the server asks to wait too long
     */
    <T> T run(Attempt<T> attempt) throws java.io.IOException {
        while (true) {
            try {
                return attempt.run();
            } catch (TransientException e) {
                await(e);
            } catch (InterruptedException e) {
                throw interrupted();
            }
        }
    }

    private void await(TransientException e) throws java.io.IOException {
        Duration asked = e.retryAfter();
        if (asked != null && asked.compareTo(LONGEST) > 0) {
            throw e.lasting("the server asks to wait " + asked.toMinutes()
                    + " minutes; run it again then, what is here is kept");
        }
        if (failures >= (e.isUnreachable() ? unreachable : RETRIES)) {
            throw e.lasting("tried " + (failures + 1) + " times; run it again later, what is here is kept");
        }
        Duration time = FIRST.multipliedBy(1L << failures)
                .plusMillis(ThreadLocalRandom.current().nextInt(500));
        failures++;
        if (asked != null && asked.compareTo(time) > 0) {
            time = asked;
        }
        LOG.debug("{}; trying again in {} s", e.getMessage(), time.toSeconds());
        try {
            pause.sleep(time);
        } catch (InterruptedException interrupt) {
            throw interrupted();
        }
    }

    static InterruptedIOException interrupted() {
        Thread.currentThread().interrupt();
        return new InterruptedIOException("download: interrupted; what is here is kept");
    }
}
