/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import io.github.blip2java.LoadOptions;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.conformance.HeldOutDrawings.Drawing;
import io.github.blip2java.conformance.HeldOutDrawings.Run;
import io.github.blip2java.demo.DemoModel;
import io.github.blip2java.pipeline.Blip2Pipeline;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ImageReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/**
 * Many callers of the demo model at once, and many rounds of loading and closing it. {@code ManyCallersTest} does a little of this; the
 * main method as much as is asked for, and prints memory, open files and calls a second. docs/servers.md has the command.
 */
public final class ManyCallers {
    private static final int DRAWINGS = 20;
    private static final double MIB = 1 << 20;

    /** Something to be asked, and the text that {@code transformers} gives. */
    private record Task(Image image, Run run) {
        String failure(Blip2Pipeline blip2) {
            try {
                String text = run.question() == null
                        ? blip2.caption(image, run.prompt()).text()
                        : blip2.answer(image, run.question()).text();
                return text.equals(run.text()) ? null : "expected \"" + run.text() + "\", got \"" + text + '"';
            } catch (RuntimeException | Error e) {
                return e.toString();
            }
        }
    }

    private final Blip2Pipeline blip2;
    private final List<Task> tasks = new ArrayList<>();

    ManyCallers(Blip2Pipeline blip2) throws IOException {
        this.blip2 = blip2;
        for (Drawing drawing : HeldOutDrawings.all().subList(0, DRAWINGS)) {
            Image image = ImageReader.read(drawing.file());
            drawing.runs().forEach(run -> tasks.add(new Task(image, run)));
        }
    }

    /** Where Java has them: threads that take no thread of the system. */
    static boolean hasVirtualThreads() {
        return Runtime.version().feature() >= 21;
    }

    static ThreadFactory threads(boolean virtual) {
        if (!virtual) {
            return Thread::new;
        }
        try {
            Object builder = Thread.class.getMethod("ofVirtual").invoke(null);
            Class<?> type = Class.forName("java.lang.Thread$Builder$OfVirtual");
            return (ThreadFactory) type.getMethod("factory").invoke(builder);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Lets callers, all started at once, share out a number of calls; gives what went wrong. */
    List<String> call(int callers, int calls, ThreadFactory threads) throws InterruptedException {
        ConcurrentLinkedQueue<String> failures = new ConcurrentLinkedQueue<>();
        AtomicInteger next = new AtomicInteger();
        List<Thread> started = new ArrayList<>();
        for (int caller = 0; caller < callers; caller++) {
            int own = calls / callers + (caller < calls % callers ? 1 : 0);
            Thread thread = threads.newThread(() -> {
                for (int i = 0; i < own; i++) {
                    String failure =
                            tasks.get(next.getAndIncrement() % tasks.size()).failure(blip2);
                    if (failure != null) {
                        failures.add(failure);
                    }
                }
            });
            thread.start();
            started.add(thread);
        }
        for (Thread thread : started) {
            thread.join();
        }
        return List.copyOf(failures);
    }

    /** Loads the demo model, asks it once and closes it. */
    static String round(WeightFormat dtype) throws IOException {
        Drawing drawing = HeldOutDrawings.all().get(0);
        try (Blip2Pipeline blip2 = Blip2Pipeline.load(
                DemoModel.checkpoint(), LoadOptions.defaults().withDtype(dtype))) {
            return blip2.caption(ImageReader.read(drawing.file())).text();
        }
    }

    /** What this process has in memory, in MiB. Linux only. */
    static double residentMib() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
            return lines.filter(line -> line.startsWith("VmRSS:"))
                            .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                            .sum()
                    / 1024.0;
        }
    }

    /** Files that this process has open. Linux only. */
    static long openFiles() throws IOException {
        try (Stream<Path> handles = Files.list(Path.of("/proc/self/fd"))) {
            return handles.count();
        }
    }

    /**
     * Runs the proof.
     *
     * @param args {@code callers N CALLS platform|virtual}, or {@code rounds N TYPE}
     */
    public static void main(String[] args) throws Exception {
        if (args[0].equals("rounds")) {
            rounds(Integer.parseInt(args[1]), WeightFormat.valueOf(args[2].toUpperCase(Locale.ROOT)));
        } else {
            callers(Integer.parseInt(args[1]), Integer.parseInt(args[2]), args[3].equals("virtual"));
        }
    }

    private static void rounds(int rounds, WeightFormat dtype) throws IOException {
        for (int round = 1; round <= rounds; round++) {
            String text = round(dtype);
            if (round == 1 || round % 10 == 0) {
                System.out.printf(
                        "round %d: %.0f MiB, %d open files, \"%s\"%n", round, residentMib(), openFiles(), text);
            }
        }
    }

    private static void callers(int callers, int calls, boolean virtual) throws Exception {
        try (Blip2Pipeline blip2 = Blip2Pipeline.load(DemoModel.checkpoint())) {
            ManyCallers many = new ManyCallers(blip2);
            many.measure("2 callers, for warming up", 2, 1000, false);
            many.measure("2 callers", 2, 1000, false);
            many.measure(callers + (virtual ? " virtual" : " platform") + " threads", callers, calls, virtual);
            many.measure("2 callers", 2, 1000, false);
        }
    }

    private void measure(String what, int callers, int calls, boolean virtual) throws Exception {
        double before = residentMib();
        double[] highest = {before};
        Thread watch = new Thread(() -> {
            try {
                while (!Thread.interrupted()) {
                    highest[0] = Math.max(highest[0], residentMib());
                    Thread.sleep(50);
                }
            } catch (IOException | InterruptedException e) {
                return;
            }
        });
        watch.start();
        long start = System.nanoTime();
        List<String> failures = call(callers, calls, threads(virtual));
        double seconds = (System.nanoTime() - start) / 1e9;
        watch.interrupt();
        watch.join();
        Runtime java = Runtime.getRuntime();
        System.out.printf(
                "%s: %d calls, %d wrong, %.0f a second; %.0f MiB before, %.0f at most, %.0f after; heap %.0f of %.0f MiB%n",
                what,
                calls,
                failures.size(),
                calls / seconds,
                before,
                highest[0],
                residentMib(),
                java.totalMemory() / MIB,
                java.maxMemory() / MIB);
        failures.stream().distinct().limit(5).forEach(System.out::println);
    }
}
