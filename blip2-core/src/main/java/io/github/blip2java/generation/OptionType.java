/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * The values that an option takes, in JSON and in Java.
 *
 * @param <T> the values
 */
interface OptionType<T> {

    /** Reads a value that is not null; null where the JSON is of another kind. */
    T read(JsonNode json);

    /** The value as Jackson writes it. */
    default Object write(T value) {
        return value;
    }

    /** Whether a value is in range. */
    boolean accepts(T value);

    /** What is expected, for messages. */
    String expected();

    private static <T> OptionType<T> of(String expected, Function<JsonNode, T> reader, Predicate<T> range) {
        return new OptionType<>() {
            @Override
            public T read(JsonNode json) {
                return reader.apply(json);
            }

            @Override
            public boolean accepts(T value) {
                return range.test(value);
            }

            @Override
            public String expected() {
                return expected;
            }
        };
    }

    /** A whole number from a least one to the largest int. Written as 1.0 it is one too. */
    static OptionType<Integer> integer(int least) {
        return of(
                "a whole number from " + least + " to " + Integer.MAX_VALUE,
                json -> json.isNumber() && json.doubleValue() == json.intValue() ? json.intValue() : null,
                value -> value >= least);
    }

    private static OptionType<Double> number(String expected, Predicate<Double> range) {
        return of(
                expected,
                json -> json.isNumber() ? json.doubleValue() : null,
                value -> Double.isFinite(value) && range.test(value));
    }

    static OptionType<Double> number() {
        return number("a number", value -> true);
    }

    static OptionType<Double> number(double least, double most) {
        return number(
                most == Double.MAX_VALUE
                        ? "a number of " + whole(least) + " or more"
                        : "a number from " + whole(least) + " to " + whole(most),
                value -> value >= least && value <= most);
    }

    private static String whole(double number) {
        return String.valueOf((long) number);
    }

    static OptionType<Double> positive() {
        return number("a number above 0", value -> value > 0);
    }

    /** Above 0, at most 1. */
    static OptionType<Double> part() {
        return number("a number above 0 and up to 1", value -> value > 0 && value <= 1);
    }

    OptionType<Boolean> BOOLEAN =
            of("true or false", json -> json.isBoolean() ? json.booleanValue() : null, value -> true);

    OptionType<Long> SEED = of(
            "a whole number",
            json -> json.isIntegralNumber() && json.canConvertToLong() ? json.longValue() : null,
            value -> true);

    static OptionType<String> oneOf(String... values) {
        List<String> all = List.of(values);
        return of(
                "one of " + String.join(", ", all), json -> json.isTextual() ? json.textValue() : null, all::contains);
    }

    OptionType<List<String>> TEXTS = of(
            "a text that is not empty, or a list of such texts",
            json -> json.isTextual()
                    ? List.of(json.textValue())
                    : list(json, each -> each.isTextual() ? each.textValue() : null),
            value -> value.stream().noneMatch(String::isEmpty));

    private static Integer id(JsonNode json) {
        return json.isInt() ? json.intValue() : null;
    }

    private static boolean areIds(List<Integer> ids) {
        return ids.stream().allMatch(id -> id >= 0);
    }

    private static boolean areWords(List<List<Integer>> words) {
        return words.stream().allMatch(word -> !word.isEmpty() && areIds(word));
    }

    /** Token ids; one may stand without brackets, and is written so. */
    OptionType<List<Integer>> IDS = new OptionType<>() {
        @Override
        public List<Integer> read(JsonNode json) {
            return json.isInt() ? List.of(json.intValue()) : list(json, OptionType::id);
        }

        @Override
        public Object write(List<Integer> value) {
            return value.size() == 1 ? value.get(0) : value;
        }

        @Override
        public boolean accepts(List<Integer> value) {
            return areIds(value);
        }

        @Override
        public String expected() {
            return "a token id of 0 or more, or a list of ids";
        }
    };

    /** Token ids in brackets; the reference reads no other form of these. */
    OptionType<List<Integer>> ID_LIST =
            of("a list of token ids of 0 or more", json -> list(json, OptionType::id), OptionType::areIds);

    OptionType<List<List<Integer>>> WORDS = of(
            "a list of lists of token ids, none of them empty",
            json -> list(json, word -> list(word, OptionType::id)),
            OptionType::areWords);

    OptionType<List<Double>> TWO_NUMBERS = of(
            "two numbers: new tokens of 0 or more, and a factor above 0",
            json -> list(json, each -> each.isNumber() ? each.doubleValue() : null),
            value -> value.size() == 2
                    && value.get(0) >= 0
                    && value.get(0) == Math.rint(value.get(0))
                    && value.get(1) > 0);

    /** A constraint is a run of ids, or a list of runs of which one must occur. */
    OptionType<List<List<List<Integer>>>> CONSTRAINTS = new OptionType<>() {
        @Override
        public List<List<List<Integer>>> read(JsonNode json) {
            return list(json, each -> {
                List<Integer> word = list(each, OptionType::id);
                return word != null ? List.of(word) : list(each, run -> list(run, OptionType::id));
            });
        }

        @Override
        public Object write(List<List<List<Integer>>> value) {
            return value.stream()
                    .map(each -> each.size() == 1 ? each.get(0) : each)
                    .toList();
        }

        @Override
        public boolean accepts(List<List<List<Integer>>> value) {
            return !value.isEmpty() && value.stream().allMatch(each -> !each.isEmpty() && areWords(each));
        }

        @Override
        public String expected() {
            return "a list of constraints, each a list of token ids or a list of such lists, none of them empty";
        }
    };

    OptionType<EarlyStopping> EARLY_STOPPING = new OptionType<>() {
        @Override
        public EarlyStopping read(JsonNode json) {
            return json.isBoolean()
                    ? json.booleanValue() ? EarlyStopping.TRUE : EarlyStopping.FALSE
                    : json.asText().equals("never") ? EarlyStopping.NEVER : null;
        }

        @Override
        public Object write(EarlyStopping value) {
            return value == EarlyStopping.NEVER ? "never" : (Object) (value == EarlyStopping.TRUE);
        }

        @Override
        public boolean accepts(EarlyStopping value) {
            return true;
        }

        @Override
        public String expected() {
            return "true, false or \"never\"";
        }
    };

    /** {@code [[[ids], bias], …]}, as a JSON object cannot have lists as keys. */
    final class Biases implements OptionType<Map<List<Integer>, Double>> {
        @Override
        public Map<List<Integer>, Double> read(JsonNode json) {
            if (!json.isArray()) {
                return null;
            }
            Map<List<Integer>, Double> biases = new LinkedHashMap<>();
            for (JsonNode each : json) {
                List<Integer> run = each.size() == 2 ? list(each.get(0), OptionType::id) : null;
                if (run == null || !each.get(1).isNumber()) {
                    return null;
                }
                biases.put(run, each.get(1).doubleValue());
            }
            return biases;
        }

        @Override
        public Object write(Map<List<Integer>, Double> value) {
            return value.entrySet().stream()
                    .map(each -> List.of(each.getKey(), each.getValue()))
                    .toList();
        }

        @Override
        public boolean accepts(Map<List<Integer>, Double> value) {
            return !value.isEmpty()
                    && areWords(new ArrayList<>(value.keySet()))
                    && value.values().stream().allMatch(Double::isFinite);
        }

        @Override
        public String expected() {
            return "a list of pairs of a list of token ids and a number, such as [[[5, 6], -10.0]]";
        }
    }

    /** A list of values; null where it is none, or one of its values is of another kind. */
    private static <E> List<E> list(JsonNode json, Function<JsonNode, E> reader) {
        if (!json.isArray()) {
            return null;
        }
        List<E> values = new ArrayList<>();
        for (JsonNode each : json) {
            E value = reader.apply(each);
            if (value == null) {
                return null;
            }
            values.add(value);
        }
        return List.copyOf(values);
    }
}
