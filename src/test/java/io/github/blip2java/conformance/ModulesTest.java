/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.properties.HasModifiers.Predicates.modifier;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.codeUnits;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What docs/architecture.md says of modules: who may use whom, and what is there for users. */
class ModulesTest {
    private static final String BASE = "io.github.blip2java";
    private static final String INTERNAL = BASE + ".internal..";
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages(BASE)
            .that(DescribedPredicate.not(resideInAPackage(BASE + ".conformance..")));

    /** Parts of the model, public because they are in packages of their own; they compute with internal tensors. */
    private static final DescribedPredicate<JavaClass> PARTS = resideInAPackage(BASE + ".vision..")
            .or(resideInAPackage(BASE + ".qformer.."))
            .or(resideInAPackage(BASE + ".language.."))
            .as("parts of the model");

    @Test
    void modulesPointOneWay() {
        layeredArchitecture()
                .consideringOnlyDependenciesInLayers()
                .layer("cli")
                .definedBy(BASE + ".cli..")
                .layer("examples")
                .definedBy(BASE + ".examples..")
                .layer("demo")
                .definedBy(BASE + ".demo..")
                .layer("search")
                .definedBy(BASE + ".search..")
                .layer("pipeline")
                .definedBy(BASE + ".pipeline..")
                .layer("hub")
                .definedBy(BASE + ".hub..")
                .layer("processor")
                .definedBy(BASE + ".processor..", BASE + ".internal.codec..")
                .layer("onednn")
                .definedBy(BASE + ".onednn..")
                .whereLayer("cli")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("examples")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("demo")
                .mayOnlyBeAccessedByLayers("cli", "examples")
                .whereLayer("search")
                .mayOnlyBeAccessedByLayers("cli", "examples")
                .whereLayer("hub")
                .mayOnlyBeAccessedByLayers("cli", "examples", "pipeline")
                .whereLayer("hub")
                .mayNotAccessAnyLayer()
                .whereLayer("pipeline")
                .mayOnlyBeAccessedByLayers("search", "cli", "examples")
                .whereLayer("onednn")
                .mayNotBeAccessedByAnyLayer()
                .check(CLASSES);
    }

    @Test
    void programsUseWhatUsersMayUse() {
        noClasses()
                .that()
                .resideInAnyPackage(BASE + ".cli..", BASE + ".examples..", BASE + ".demo..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage(INTERNAL)
                .check(CLASSES);
    }

    @Test
    void nothingForUsersSpeaksOfInternalTypes() {
        codeUnits()
                .that(arePublic()
                        .and(ofPublicClassesOutside(resideInAPackage(INTERNAL).or(PARTS))))
                .should(new ArchCondition<JavaCodeUnit>("speak of types for users alone") {
                    @Override
                    public void check(JavaCodeUnit unit, ConditionEvents events) {
                        Stream.concat(Stream.of(unit.getReturnType()), unit.getParameterTypes().stream())
                                .flatMap(type -> type.getAllInvolvedRawTypes().stream())
                                .filter(resideInAPackage(INTERNAL))
                                .forEach(type -> events.add(SimpleConditionEvent.violated(
                                        unit, unit.getFullName() + " speaks of " + type.getName())));
                    }
                })
                .check(CLASSES);
    }

    private static DescribedPredicate<JavaCodeUnit> arePublic() {
        return DescribedPredicate.describe(
                "are public", unit -> modifier(JavaModifier.PUBLIC).test(unit));
    }

    private static DescribedPredicate<JavaCodeUnit> ofPublicClassesOutside(DescribedPredicate<JavaClass> excluded) {
        return DescribedPredicate.describe(
                "belong to public classes outside of internal packages",
                unit -> modifier(JavaModifier.PUBLIC).test(unit.getOwner()) && !excluded.test(unit.getOwner()));
    }
}
