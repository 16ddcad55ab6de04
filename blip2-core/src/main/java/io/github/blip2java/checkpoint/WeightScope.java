/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A prefix within a checkpoint, from which a component takes its tensors with the shapes it expects.
 *
 * <p>{@code weights.at("layers").at(3).floats("bias", 64)} reads {@code layers.3.bias}.
 */
public final class WeightScope {
    private static final Logger LOG = LoggerFactory.getLogger(WeightScope.class);

    /** 16 MiB: what a trained head and its table differ in is seen long before. */
    private static final int REPORT_PARTS = 64;

    private final Checkpoint checkpoint;
    private final String prefix;
    private final WeightFormat format;
    private final Arithmetic arithmetic;

    WeightScope(Checkpoint checkpoint, String prefix, WeightFormat format, Arithmetic arithmetic) {
        this.checkpoint = checkpoint;
        this.prefix = prefix;
        this.format = format;
        this.arithmetic = arithmetic;
    }

    /**
     * Goes one name deeper.
     *
     * @param child the name
     * @return the scope {@code prefix.child}
     */
    public WeightScope at(String child) {
        return new WeightScope(checkpoint, path(child), format, arithmetic);
    }

    /**
     * Goes to a numbered child.
     *
     * @param index its number
     * @return the scope {@code prefix.index}
     */
    public WeightScope at(int index) {
        return at(Integer.toString(index));
    }

    /**
     * Gives a tensor's full name.
     *
     * @param name its name in this scope
     * @return its name in the checkpoint
     */
    public String path(String name) {
        return prefix.isEmpty() ? name : prefix + "." + name;
    }

    /**
     * Gives the wish for the matrices below here.
     *
     * @return how they are to be kept in memory
     */
    public WeightFormat format() {
        return format;
    }

    /**
     * The wish for the products of the matrices below here.
     *
     * @return how those of many rows are to be computed
     */
    public Arithmetic arithmetic() {
        return arithmetic;
    }

    /**
     * The memory that matrices made of these weights lie in.
     *
     * @return that of the checkpoint
     */
    public WeightMemory memory() {
        return checkpoint.memory();
    }

    /**
     * Tells whether a tensor is there.
     *
     * @param name its name in this scope
     * @return true if the checkpoint has it
     */
    public boolean contains(String name) {
        return checkpoint.contains(path(name));
    }

    /**
     * Tells whether two tensors that should be one hold different values; says so in the log. Reads them up to the first difference.
     *
     * @param name  the name of one in this scope
     * @param other the name of the other
     * @return true if both are there as floats and differ; {@code transformers} uses each as stored then, and ties them otherwise
     */
    public boolean disagree(String name, String other) {
        return disagree(name, other, Long.MAX_VALUE);
    }

    /**
     * Says in the log that two tensors that should be one hold different values, where it is the log alone that depends on it: of large
     * ones not all is read.
     *
     * @param name  the name of one in this scope
     * @param other the name of the other
     */
    public void reportDisagreement(String name, String other) {
        disagree(name, other, REPORT_PARTS);
    }

    private boolean disagree(String name, String other, long parts) {
        if (!contains(name)
                || !contains(other)
                || !dtype(name).isWeight()
                || !dtype(other).isWeight()) {
            return false;
        }
        boolean differ = !checkpoint.tensor(path(name)).isEqualTo(checkpoint.tensor(path(other)), parts);
        if (differ) {
            LOG.warn(
                    "{}: config.json ties \"{}\" to \"{}\", but both are stored and differ, so each is used as stored",
                    checkpoint.directory(),
                    path(other),
                    path(name));
        }
        return differ;
    }

    /**
     * Finds a tensor of floats.
     *
     * @param name  its name in this scope
     * @param shape the shape it must have
     * @return the tensor
     * @throws MalformedCheckpointException if it is missing or has another shape
     * @throws UnsupportedModelException if it is neither F32 nor F16 nor BF16
     */
    public StoredTensor tensor(String name, long... shape) {
        StoredTensor tensor = checkpoint.take(path(name), shape);
        if (!tensor.dtype().isWeight()) {
            throw new UnsupportedModelException(tensor.file().path().getFileName() + ": tensor \"" + path(name)
                    + "\": expected F32, F16 or BF16, got " + tensor.dtype()
                    + "; save the model with one of these dtypes");
        }
        return tensor;
    }

    /**
     * Finds a tensor of any type, as quantised matrices have.
     *
     * @param name  its name in this scope
     * @param dtype the type it must have
     * @param shape the shape it must have
     * @return the tensor
     * @throws MalformedCheckpointException if it is missing, or has another type or shape
     */
    public StoredTensor tensorOf(DType dtype, String name, long... shape) {
        StoredTensor tensor = checkpoint.take(path(name), shape);
        if (tensor.dtype() != dtype) {
            throw new MalformedCheckpointException(
                    tensor.file().path(),
                    path(name),
                    tensor.info().begin(),
                    tensor.file().path().getFileName()
                            + ": tensor \"" + path(name) + "\": expected " + dtype + ", got " + tensor.dtype()
                            + "; convert the checkpoint again");
        }
        return tensor;
    }

    /**
     * Gives a tensor's type without taking it.
     *
     * @param name its name in this scope
     * @return the type as stored
     * @throws MalformedCheckpointException if it is missing
     */
    public DType dtype(String name) {
        return checkpoint.tensor(path(name)).dtype();
    }

    /**
     * Copies a small tensor to the heap.
     *
     * @param name  its name in this scope
     * @param shape the shape it must have
     * @return its elements as float32, row-major
     * @throws MalformedCheckpointException if it is missing or has another shape
     * @throws UnsupportedModelException if it is neither F32 nor F16 nor BF16
     */
    public float[] floats(String name, long... shape) {
        return tensor(name, shape).toFloats();
    }
}
