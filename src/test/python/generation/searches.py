# SPDX-License-Identifier: Apache-2.0
"""Greedy search and beam search."""

from .runs import Ask

MODELS = ("opt", "t5")
END = {"opt": 4, "t5": 1}


def total(model, new, shape="text"):
    """max_length or min_length that leaves about this many new tokens: OPT counts image ids and prompt."""
    return new + 1 if model == "t5" else new + (5 if shape == "image" else 12)


def at_once(outcome):
    return min(outcome.lengths) == 1


def greedy():
    for model in MODELS:
        start = f"{model}-greedy"
        yield Ask(f"{start}-image", model, {"max_new_tokens": 20}, shape="image", scores=True, least=6)
        yield Ask(f"{start}-image-2", model, {"max_new_tokens": 24}, shape="image", least=8, most=23)
        yield Ask(f"{start}-defaults", model, {"eos_token_id": 2}, shape="image", least=20)
        yield Ask(f"{start}-defaults-text", model, {}, rows=2)
        yield Ask(f"{start}-text", model, {"max_new_tokens": 20}, least=8)
        yield Ask(f"{start}-text-ended", model, {"max_new_tokens": 30}, least=8, most=29)
        yield Ask(f"{start}-one-token", model, {"max_new_tokens": 1}, rows=3, least=1, differ=False)
        several = {"max_new_tokens": 9, "eos_token_id": [END[model], 6, 10, 25]}
        yield Ask(f"{start}-ends-at-once", model, several, rows=3, check=at_once)
        yield Ask(f"{start}-batch-2", model, {"max_new_tokens": 16}, rows=2, scores=True, least=5, most=15)
        yield Ask(f"{start}-batch-3", model, {"max_new_tokens": 20}, rows=3, least=8)
        yield Ask(f"{start}-batch-5", model, {"max_new_tokens": 20}, rows=5, least=8)
        yield Ask(f"{start}-batch-left", model, {"max_new_tokens": 14}, rows=3, shape="left", least=6)
        yield Ask(f"{start}-batch-image", model, {"max_new_tokens": 14}, rows=4, shape="image", least=6)
        yield Ask(f"{start}-max-length", model, {"max_length": total(model, 5)}, rows=2, longest=6, least=4, differ=False)
        yield Ask(f"{start}-no-end", model, {"max_new_tokens": 18, "eos_token_id": 2}, rows=2, least=18, differ=False)
        yield Ask(
            f"{start}-end-list", model, {"max_new_tokens": 18, "eos_token_id": [7, 12, 17, 22, 40]}, rows=3, least=5, most=17
        )
        yield Ask(f"{start}-pad", model, {"max_new_tokens": 18, "pad_token_id": 2}, rows=3, least=5)


def beams():
    for model in MODELS:
        start = f"{model}-beams"
        for count in (2, 3, 4, 5, 6, 7):
            yield Ask(
                f"{start}-{count}-image", model, {"num_beams": count, "max_new_tokens": 12}, shape="image", transitions=True,
                scores=count == 2,
            )
            yield Ask(f"{start}-{count}-text", model, {"num_beams": count, "max_new_tokens": 14}, transitions=count < 4)
            yield Ask(
                f"{start}-{count}-batch",
                model,
                {"num_beams": count, "max_new_tokens": 12},
                rows=2 + count % 2,
                least=5,
            )
        for count, returned in ((2, 2), (3, 2), (4, 4), (5, 3), (7, 7)):
            yield Ask(
                f"{start}-{count}-return-{returned}",
                model,
                {"num_beams": count, "num_return_sequences": returned, "max_new_tokens": 12},
                rows=1 + returned % 2,
                transitions=True,
                differ=False,
                check=lambda o: len(set(o.lengths)) > 1,
            )
        yield Ask(f"{start}-defaults", model, {"num_beams": 3}, shape="image")
        yield Ask(f"{start}-one-token", model, {"num_beams": 3, "max_new_tokens": 1}, rows=2, least=1, differ=False)
        yield Ask(f"{start}-two-tokens", model, {"num_beams": 4, "max_new_tokens": 2}, rows=2, least=2, differ=False)
        yield Ask(f"{start}-left", model, {"num_beams": 3, "max_new_tokens": 12}, rows=3, shape="left")
        yield Ask(f"{start}-long", model, {"num_beams": 4, "max_new_tokens": 30}, rows=2, least=10)


def beam_endings():
    """Length penalties, early stopping and several ends."""
    for model in MODELS:
        start = f"{model}-beam-ends"
        for penalty in (-1.0, -0.5, 0.0, 0.6, 1.0, 2.0):
            for stop in (True, False, "never"):
                name = f"{start}-penalty{penalty:+g}-stop-{str(stop).lower()}"
                options = {"num_beams": 4, "max_new_tokens": 16, "length_penalty": penalty, "early_stopping": stop}
                yield Ask(name, model, options, rows=2, differ=False, least=2)
        for stop in (True, False, "never"):
            options = {
                "num_beams": 3, "max_new_tokens": 14, "early_stopping": stop, "num_return_sequences": 3, "length_penalty": 0.8
            }  # fmt: skip
            yield Ask(f"{start}-return-3-stop-{str(stop).lower()}", model, options, rows=2, differ=False, transitions=True)
            options = {"num_beams": 3, "max_new_tokens": 14, "early_stopping": stop, "eos_token_id": [6, 10, 14]}
            yield Ask(f"{start}-three-ends-stop-{str(stop).lower()}", model, options, rows=2, differ=False)
        many = {"num_beams": 2, "max_new_tokens": 14, "eos_token_id": [9, 12, 15, 18, 21, 24]}
        yield Ask(f"{start}-six-ends", model, many, rows=3)
        yield Ask(f"{start}-no-end", model, {"num_beams": 3, "max_new_tokens": 8, "eos_token_id": 2}, rows=2, differ=False)
        yield Ask(
            f"{start}-no-end-never",
            model,
            {"num_beams": 3, "max_new_tokens": 8, "eos_token_id": 2, "early_stopping": "never", "length_penalty": 2.0},
            rows=2,
            differ=False,
        )
        options = {"num_beams": 3, "max_length": total(model, 6), "min_length": total(model, 3)}
        yield Ask(f"{start}-min-max-length", model, options, rows=2, longest=6, differ=False)
        options = {"num_beams": 4, "max_new_tokens": 15, "min_new_tokens": 7}
        yield Ask(f"{start}-min-new", model, options, rows=2, without=["min_new_tokens"], least=7)
        yield Ask(
            f"{start}-min-new-return",
            model,
            {**options, "num_return_sequences": 4, "early_stopping": True},
            rows=2,
            without=["min_new_tokens"],
            differ=False,
        )
        # The presets of LAVIS.
        yield Ask(f"{start}-caption", model, {"num_beams": 5, "max_new_tokens": 30, "min_new_tokens": 8}, rows=2, differ=False)
        vqa = {"num_beams": 5, "max_new_tokens": 10, "length_penalty": -1.0 if model == "t5" else 0.0}
        yield Ask(f"{start}-vqa", model, vqa, rows=3, differ=False)
        yield Ask(f"{start}-vqa-one", model, {**vqa, "min_new_tokens": 1}, rows=1)


def beam_stopping():
    """Where early stopping and the length penalty make a difference."""
    for model in MODELS:
        for i, (option, options, rows) in enumerate(
            [
                ("early_stopping", {"num_beams": 2, "early_stopping": True}, 1),
                ("early_stopping", {"num_beams": 3, "early_stopping": True, "length_penalty": 1.5}, 2),
                ("early_stopping", {"num_beams": 4, "early_stopping": True, "num_return_sequences": 2}, 2),
                ("early_stopping", {"num_beams": 2, "early_stopping": "never", "length_penalty": 2.0}, 1),
                ("early_stopping", {"num_beams": 3, "early_stopping": "never", "length_penalty": 1.0}, 2),
                ("early_stopping", {"num_beams": 2, "early_stopping": "never", "num_return_sequences": 2}, 1),
                ("length_penalty", {"num_beams": 3, "length_penalty": 1.6}, 1),
                ("length_penalty", {"num_beams": 4, "length_penalty": 2.0, "early_stopping": "never"}, 1),
                ("length_penalty", {"num_beams": 4, "length_penalty": -2.0, "early_stopping": True}, 2),
            ]
        ):
            options = {"max_new_tokens": 20, "eos_token_id": [END[model], 7, 9], **options}
            yield Ask(f"{model}-beam-stopping-{i}", model, options, rows=rows, differ=False, without=[option], least=2)
