/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import java.util.Locale;

/** Sizes for people, in powers of ten, as the Hub shows them. */
final class Bytes {
    private Bytes() {}

    static String shown(long bytes) {
        if (bytes < 1000) {
            return bytes + " bytes";
        }
        String units = "kMGT";
        double value = bytes / 1000.0;
        int unit = 0;
        while (value >= 999.95 && unit < units.length() - 1) {
            value /= 1000;
            unit++;
        }
        return String.format(Locale.ROOT, "%.1f %sB", value, units.charAt(unit));
    }
}
