/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** The arrows of docs/architecture.md. */
class ArchitectureTest {
    private static final String BASE = "io.github.blip2java";
    private static final String INTERNAL = BASE + ".internal.";
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages(BASE);

    @Test
    void dependenciesPointOneWay() {
        layeredArchitecture()
                .consideringOnlyDependenciesInLayers()
                .layer("facades")
                .definedBy(BASE, BASE + ".memory", BASE + ".conversion")
                .layer("generation")
                .definedBy(BASE + ".generation..")
                .layer("models")
                .definedBy(BASE + ".vision", BASE + ".qformer", BASE + ".language..")
                .layer("nn")
                .definedBy(INTERNAL + "nn")
                .layer("matrix")
                .definedBy(INTERNAL + "matrix")
                .layer("tensor")
                .definedBy(INTERNAL + "tensor")
                .layer("config")
                .definedBy(INTERNAL + "config")
                .layer("quantization")
                .definedBy(INTERNAL + "quantization")
                .layer("checkpoint")
                .definedBy(BASE + ".checkpoint")
                .layer("kernel")
                .definedBy(INTERNAL + "kernel")
                .whereLayer("facades")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("generation")
                .mayOnlyBeAccessedByLayers("facades")
                .whereLayer("models")
                .mayOnlyBeAccessedByLayers("facades", "generation")
                .whereLayer("nn")
                .mayOnlyBeAccessedByLayers("facades", "models")
                .whereLayer("matrix")
                .mayOnlyBeAccessedByLayers("facades", "nn", "models")
                .whereLayer("quantization")
                .mayOnlyBeAccessedByLayers("facades", "matrix")
                .whereLayer("config")
                .mayOnlyBeAccessedByLayers("facades", "models")
                .check(CLASSES);
    }

    @Test
    void kernelsUseTheJdkAlone() {
        classes()
                .that()
                .resideInAPackage(INTERNAL + "kernel")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage("java..", "com.sun.management", "jdk.incubator.vector", INTERNAL + "kernel")
                .check(CLASSES);
    }

    @Test
    void generationKnowsNoParticularLanguageModel() {
        noClasses()
                .that()
                .resideInAPackage(BASE + ".generation..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(BASE + ".language.opt", BASE + ".language.t5")
                .check(CLASSES);
    }

    @Test
    void onlyTensorsTouchesOperationsOfNd4j() {
        noClasses()
                .that()
                .resideOutsideOfPackage(INTERNAL + "tensor")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("org.nd4j.linalg.factory", "org.nd4j.linalg.ops..")
                .check(CLASSES);
    }
}
