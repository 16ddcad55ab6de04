/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline.heatmap;

/**
 * From 0 to 1 as colours: the more, the lighter, in even steps for the eye, also for people who see red and green alike. Source: the
 * colour map "inferno" of matplotlib, by S. van der Walt and N. Smith, CC0, at ten places.
 */
final class ColourMap {
    private static final int[] STOPS = {
        0x000004, 0x1b0c42, 0x4b0c6b, 0x781c6d, 0xa52c60, 0xcf4446, 0xed6925, 0xfb9a06, 0xf7d03c, 0xfcffa4
    };

    private ColourMap() {}

    /**
     * Looks a colour up.
     *
     * @param value   0 to 1
     * @param channel 0 red, 1 green, 2 blue
     * @return 0 to 255
     */
    static double channel(double value, int channel) {
        double place = value * (STOPS.length - 1);
        int below = Math.min((int) place, STOPS.length - 2);
        return channel(below, channel) + (place - below) * (channel(below + 1, channel) - channel(below, channel));
    }

    private static int channel(int stop, int channel) {
        return STOPS[stop] >> 8 * (2 - channel) & 0xff;
    }
}
