/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.tensor;

import java.util.OptionalLong;
import org.bytedeco.javacpp.Pointer;

/**
 * JavaCPP's limit on the memory of the whole process.
 *
 * <p>JavaCPP, through which ND4J and oneDNN are called, refuses every native allocation once the process takes more than a few
 * times the largest heap. Weights outside the heap count, and so do mapped files, which the system could drop at any time:
 * every full-size model is over it. It is read once, when JavaCPP's first class is loaded, so it is turned off before that.
 */
public final class JavaCpp {
    private static final String LIMIT = "org.bytedeco.javacpp.maxPhysicalBytes";

    private JavaCpp() {}

    /**
     * Turns the limit off, if it is not too late and nobody has set it, and names a folder of this user's for native libraries
     * ({@link NativeCache}).
     */
    public static void prepare() {
        liftPhysicalLimit();
        NativeCache.prepareJavaCpp();
    }

    private static void liftPhysicalLimit() {
        if (System.getProperty(LIMIT) == null && System.getProperty(LIMIT.toLowerCase(java.util.Locale.ROOT)) == null) {
            System.setProperty(LIMIT, "0");
        }
    }

    /**
     * Asks what the limit is, which loads JavaCPP.
     *
     * @return bytes that the process may take; empty if there is no limit, or no JavaCPP
     */
    public static OptionalLong physicalLimit() {
        try {
            long limit = Pointer.maxPhysicalBytes();
            return limit > 0 ? OptionalLong.of(limit) : OptionalLong.empty();
        } catch (LinkageError e) {
            return OptionalLong.empty();
        }
    }
}
