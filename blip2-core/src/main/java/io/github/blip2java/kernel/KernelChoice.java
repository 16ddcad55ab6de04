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
            Kernels kernels = make(Runtime.version().feature() >= 22 ? "SegmentKernels" : "VectorKernels");
            return new KernelChoice(kernels, "Vector API kernels, " + kernels);
        } catch (ReflectiveOperationException | LinkageError e) {
            return scalar("the Vector API could not be used: " + e);
        }
    }

    private static Kernels make(String name) throws ReflectiveOperationException {
        String type = KernelChoice.class.getPackageName() + "." + name;
        try {
            return (Kernels) Class.forName(type).getDeclaredConstructor().newInstance();
        } catch (ClassNotFoundException e) {
            if (name.equals("VectorKernels")) {
                throw e;
            }
            return make("VectorKernels"); // built by a JDK that is older than 22
        }
    }

    private static KernelChoice scalar(String why) {
        return new KernelChoice(new ScalarKernels(), "scalar kernels; " + why);
    }
}
