/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.lang.management.ManagementFactory;

/** Decides once which kernels this process uses. */
record KernelChoice(Kernels kernels, String reason) {
    static final KernelChoice CHOSEN = choose();

    private static KernelChoice choose() {
        if ("scalar".equals(System.getProperty("blip2.kernels"))) {
            return scalar("-Dblip2.kernels=scalar is set");
        }
        if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
            return scalar("start Java with --add-modules jdk.incubator.vector to make them several times faster");
        }
        if (!fusesMultiplyAndAdd()) {
            return scalar(
                    "without fused multiply-add (FMA3, or Java's flag UseFMA) the Vector API is slower than these");
        }
        try {
            return vector();
        } catch (ReflectiveOperationException | LinkageError e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            return scalar("the Vector API could not be used: " + cause);
        }
    }

    /** Where the processor does not, Java computes each with arbitrary precision: exact, and thousands of times slower. */
    private static boolean fusesMultiplyAndAdd() {
        try {
            HotSpotDiagnosticMXBean java = ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
            return java == null || !"false".equals(java.getVMOption("UseFMA").getValue());
        } catch (LinkageError | RuntimeException e) {
            return true; // a runtime without the module jdk.management, or another one than HotSpot
        }
    }

    /** By name, so that no class of the incubating module is touched where it is not readable. */
    private static KernelChoice vector() throws ReflectiveOperationException {
        Class<?> type = Class.forName(KernelChoice.class.getPackageName() + ".VectorKernels");
        Kernels kernels = (Kernels) type.getDeclaredConstructor().newInstance();
        return new KernelChoice(
                kernels,
                "Vector API kernels, " + kernels
                        + (kernels.readInPlace()
                                ? ", weights read where they are mapped"
                                : ", weights copied to the heap first; Java 19 or newer reads them where they are mapped, up to"
                                        + " twice as fast"));
    }

    private static KernelChoice scalar(String why) {
        return new KernelChoice(new ScalarKernels(), "scalar kernels; " + why);
    }
}
