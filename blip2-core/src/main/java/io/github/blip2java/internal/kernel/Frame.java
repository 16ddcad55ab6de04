/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Arrays for what a part of a computation, such as a layer, works with and nobody needs afterwards. The next frame of the same
 * thread gets them again: a new array of Java is filled with zeros by the one thread that asks for it, and has to be collected.
 *
 * <p>Within a {@link Parallel#call}; elsewhere all arrays are new.
 */
public final class Frame {
    private static final Scratch<Frame[]> OWN = Scratch.of(Frame[]::new);

    /** After so many frames in which nobody asked for a length, its arrays go: a few tokens of a model with 32 layers. */
    private static final int KEPT_FRAMES = 128;

    /** Arrays of one length. */
    private static final class Free {
        final Deque<float[]> arrays = new ArrayDeque<>();
        long asked;
    }

    private final Map<Integer, Free> free = new HashMap<>();
    private final List<float[]> lent = new ArrayList<>();
    private int depth;
    private long frames;

    private Frame() {}

    /** That of this thread's call; a new one where there is no call. */
    private static Frame own() {
        Frame[] own = OWN.get(1);
        if (own[0] == null) {
            own[0] = new Frame();
        }
        return own[0];
    }

    /**
     * Lends an array until the innermost frame of this thread ends. Without a frame, it is the caller's for good.
     *
     * @param n its length
     * @return an array with anything in it
     */
    public static float[] floats(int n) {
        Frame frame = own();
        return frame.depth == 0 ? new float[n] : frame.lend(n);
    }

    private float[] lend(int n) {
        Free some = free.computeIfAbsent(n, length -> new Free());
        some.asked = frames;
        float[] array = some.arrays.isEmpty() ? new float[n] : some.arrays.removeLast();
        lent.add(array);
        return array;
    }

    /**
     * Does work with a frame of its own.
     *
     * @param work what to do on this thread; nothing that it asked of {@link #floats} may be kept, but for its result
     * @param data the array of the result, which outlives the frame
     * @param <T>  type of the result
     * @return what the work returns
     */
    public static <T> T call(Supplier<T> work, Function<T, float[]> data) {
        Frame frame = own();
        int mark = frame.lent.size();
        frame.depth++;
        float[] kept = null;
        try {
            T result = work.get();
            kept = data.apply(result);
            return result;
        } finally {
            frame.depth--;
            frame.end(mark, kept);
        }
    }

    /**
     * Takes an array back that {@link #floats} gave for good, or as part of a result: nobody needs it any longer.
     *
     * @param array any array
     */
    public static void release(float[] array) {
        Frame frame = own();
        Free some = frame.free.get(array.length);
        if (frame.depth == 0 && some != null) { // else this thread has not worked with arrays of this length lately
            some.arrays.addLast(array);
        }
    }

    private void end(int mark, float[] kept) {
        boolean ours = false;
        for (float[] array : lent.subList(mark, lent.size())) {
            if (array == kept) {
                ours = true;
            } else {
                free.get(array.length).arrays.addLast(array);
            }
        }
        lent.subList(mark, lent.size()).clear();
        if (depth > 0) {
            if (ours) {
                lent.add(kept); // until the frame around this one ends
            }
            return;
        }
        frames++;
        free.values().removeIf(each -> frames - each.asked > KEPT_FRAMES);
    }
}
