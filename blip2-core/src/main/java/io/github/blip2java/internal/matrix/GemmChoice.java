/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import io.github.blip2java.checkpoint.DType;
import java.util.EnumSet;
import java.util.Iterator;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The library that computes products of many rows: the first one that is there and computes right on this processor.
 *
 * @param provider null if there is none
 * @param dtypes   weights that it multiplies right where they lie
 * @param int8     how to give it activations as bytes so that it multiplies them exactly; null if it cannot
 */
record GemmChoice(GemmProvider provider, Set<DType> dtypes, Int8Inputs int8) {
    private static final Logger LOG = LoggerFactory.getLogger(GemmChoice.class);
    private static final Set<DType> FLOATS = EnumSet.of(DType.F32, DType.F16, DType.BF16);
    private static final GemmChoice NONE = new GemmChoice(null, Set.of(), null);

    static GemmChoice choose() {
        Iterator<GemmProvider> found = ServiceLoader.load(GemmProvider.class, Gemm.class.getClassLoader())
                .iterator();
        for (GemmProvider provider = next(found); provider != null; provider = next(found)) {
            GemmChoice choice = of(provider);
            if (choice != NONE) {
                return choice;
            }
        }
        return of(new OpenBlasGemm());
    }

    /** The next provider that can be made; null at the end. */
    private static GemmProvider next(Iterator<GemmProvider> found) {
        while (true) {
            try {
                return found.hasNext() ? found.next() : null;
            } catch (ServiceConfigurationError e) {
                LOG.warn("a library for products could not be used, another one is: {}", e.toString());
            }
        }
    }

    static GemmChoice of(GemmProvider provider) {
        try {
            if (!provider.isAvailable()) {
                return NONE;
            }
            GemmCheck check = new GemmCheck(provider);
            Set<DType> right = FLOATS.stream()
                    .filter(dtype -> provider.supports(dtype) && check.isRight(dtype))
                    .collect(Collectors.toCollection(() -> EnumSet.noneOf(DType.class)));
            if (!right.contains(DType.F32)) {
                LOG.warn(
                        "{}: products of float32 are wrong on this processor, so it is not used; another version of the library may"
                                + " help",
                        provider.description());
                return NONE;
            }
            Set<DType> wrong = EnumSet.copyOf(FLOATS);
            wrong.removeIf(dtype -> right.contains(dtype) || !provider.supports(dtype));
            if (!wrong.isEmpty()) {
                LOG.warn(
                        "{}: products with weights of {} are wrong on this processor, so these are widened to float32 first, which"
                                + " is slower",
                        provider.description(),
                        wrong);
            }
            return new GemmChoice(provider, right, int8(provider, check));
        } catch (LinkageError | RuntimeException e) {
            LOG.warn(
                    "{} could not be used, another library is: {}",
                    provider.getClass().getName(),
                    e.toString());
            return NONE;
        }
    }

    /** Why products cannot be computed in bfloat16: as what there is. Empty if they can. */
    Optional<String> bf16Refusal() {
        if (provider == null) {
            return Optional.of("no library");
        }
        if (!provider.supportsBf16()) {
            return Optional.of(provider.description());
        }
        try {
            return new GemmCheck(provider).isRightInBf16()
                    ? Optional.empty()
                    : Optional.of(provider.description() + ", whose products of bfloat16 are wrong here");
        } catch (LinkageError | RuntimeException e) {
            return Optional.of(provider.description() + ", which cannot multiply bfloat16 here: " + e.getMessage());
        }
    }

    private static Int8Inputs int8(GemmProvider provider, GemmCheck check) {
        return Stream.of(Int8Inputs.values())
                .filter(inputs -> provider.supportsInt8() && check.isExact(inputs))
                .findFirst()
                .orElse(null);
    }
}
