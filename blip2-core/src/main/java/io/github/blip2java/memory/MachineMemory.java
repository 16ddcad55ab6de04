/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.memory;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * What memory there is, in bytes.
 *
 * @param total       of the machine, or of the container that this process is in
 * @param available   what programs can still get: unused, or filled with copies of files that can be dropped
 */
record MachineMemory(long total, long available) {

    /** Asks Java and the system; empty where it is not Linux, as other systems' figures count file copies as used. */
    static Optional<MachineMemory> read() {
        try {
            OptionalLong total = Jdk.total();
            return total.isPresent() ? read(Path.of("/"), total.getAsLong()) : Optional.empty();
        } catch (IOException | RuntimeException | LinkageError e) {
            return Optional.empty(); // a check that cannot be made must not keep a model from loading
        }
    }

    /** Apart, as a small runtime may lack the module jdk.management: this class cannot be loaded then. */
    private static final class Jdk {
        static OptionalLong total() {
            return ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean system
                    ? OptionalLong.of(system.getTotalMemorySize())
                    : OptionalLong.empty();
        }
    }

    /**
     * Reads the figures below a folder that stands for the root of the file system.
     *
     * @param total what Java says, which knows the limits of containers
     */
    static Optional<MachineMemory> read(Path root, long total) throws IOException {
        OptionalLong available = number(root.resolve("proc/meminfo"), "MemAvailable:");
        if (available.isEmpty()) {
            return Optional.empty();
        }
        long left = available.getAsLong() * 1024;
        OptionalLong machine = number(root.resolve("proc/meminfo"), "MemTotal:");
        if (machine.isPresent() && total < machine.getAsLong() * 1024) {
            left = Math.min(left, total - usedByContainer(root));
        }
        return Optional.of(new MachineMemory(total, Math.max(0, left)));
    }

    /** What the container's programs hold, without the file copies that count as used there; 0 if nobody tells. */
    private static long usedByContainer(Path root) throws IOException {
        for (String line : Files.readAllLines(root.resolve("proc/self/cgroup"))) {
            String[] parts = line.split(":", 3); // number, controllers (none in version 2), path
            boolean second = parts[1].isEmpty();
            if (second || parts[1].equals("memory")) {
                Path groups = root.resolve(second ? "sys/fs/cgroup" : "sys/fs/cgroup/memory");
                Path own = groups.resolve(parts[2].substring(1));
                // Within a container the folder that the path leads to may be the topmost one there is.
                Path statistics = (Files.exists(own) ? own : groups).resolve("memory.stat");
                OptionalLong used = number(statistics, second ? "anon" : "total_rss");
                if (used.isPresent()) {
                    return used.getAsLong();
                }
            }
        }
        return 0;
    }

    /** The number behind a name at the start of a line. */
    private static OptionalLong number(Path file, String name) throws IOException {
        if (!Files.isReadable(file)) {
            return OptionalLong.empty();
        }
        try (Stream<String> lines = Files.lines(file)) {
            return lines.map(line -> line.trim().split("\\s+"))
                    .filter(words -> words.length > 1 && words[0].equals(name))
                    .mapToLong(words -> Long.parseLong(words[1]))
                    .findFirst();
        }
    }
}
