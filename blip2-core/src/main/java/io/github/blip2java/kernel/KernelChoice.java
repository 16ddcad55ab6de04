/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.kernel;

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
        try {
            // By name, so that no class of the incubating module is touched where it is not readable.
            Class<?> type = Class.forName(KernelChoice.class.getPackageName() + ".VectorKernels");
            Kernels kernels = (Kernels) type.getDeclaredConstructor().newInstance();
            return new KernelChoice(kernels, "Vector API kernels, " + kernels);
        } catch (ReflectiveOperationException | LinkageError e) {
            return scalar("the Vector API could not be used: " + e);
        }
    }

    private static KernelChoice scalar(String why) {
        return new KernelChoice(new ScalarKernels(), "scalar kernels; " + why);
    }
}
