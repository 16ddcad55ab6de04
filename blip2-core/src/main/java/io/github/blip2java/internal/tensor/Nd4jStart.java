/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.tensor;

import org.nd4j.common.io.Resource;
import org.nd4j.linalg.factory.Environment;
import org.nd4j.linalg.factory.Nd4jBackend;

/**
 * No backend: ND4J makes one of each that it finds before it loads JavaCPP, which is the last moment for
 * {@link JavaCpp#prepare} in a program that uses ND4J first. It ranks last, so ND4J never asks it for more.
 */
public final class Nd4jStart extends Nd4jBackend {

    /** For {@code ServiceLoader}. */
    public Nd4jStart() {
        JavaCpp.prepare();
    }

    @Override
    public int getPriority() {
        return Integer.MIN_VALUE;
    }

    @Override
    public boolean isAvailable() {
        return false;
    }

    @Override
    public boolean canRun() {
        return false;
    }

    @Override
    public boolean allowsOrder() {
        return false;
    }

    @Override
    public Resource getConfigurationResource() {
        return null;
    }

    @Override
    @SuppressWarnings("rawtypes") // as ND4J declares it
    public Class getNDArrayClass() {
        return null;
    }

    @Override
    public Environment getEnvironment() {
        return null;
    }

    @Override
    public String buildInfo() {
        return "";
    }

    @Override
    public void logBackendInit() {
        // Never chosen.
    }
}
