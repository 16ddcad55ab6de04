# SPDX-License-Identifier: Apache-2.0
"""Group beams, constrained beams and contrastive search."""

from . import removed
from .runs import Ask
from .searches import END, MODELS

FIRST_END = "the scorer writes the first end token in place of the one that was found"


def groups():
    search = removed.GroupBeamSearch()
    for model in MODELS:
        for i, (beams, several, penalty, more, rows) in enumerate(
            [
                (4, 2, 1.0, {}, 1),
                (4, 2, 0.3, {"num_return_sequences": 4}, 1),
                (4, 4, 1.5, {"num_return_sequences": 4}, 2),
                (6, 3, 0.5, {"num_return_sequences": 3}, 2),
                (6, 2, 5.0, {"num_return_sequences": 6}, 1),
                (2, 2, 2.0, {"num_return_sequences": 2}, 3),
                (6, 3, 1.0, {"early_stopping": True, "num_return_sequences": 2}, 2),
                (4, 2, 0.7, {"early_stopping": "never", "length_penalty": 1.5}, 2),
                (4, 2, 0.7, {"length_penalty": 0.0}, 2),
                (4, 2, 0.7, {"length_penalty": -1.0, "num_return_sequences": 2}, 1),
                (4, 2, 0.8, {"eos_token_id": [END[model], 9, 12], "num_return_sequences": 4}, 2),
                (4, 2, 0.8, {"min_new_tokens": 6, "num_return_sequences": 2}, 2),
                (6, 3, 0.8, {"no_repeat_ngram_size": 2, "num_return_sequences": 3}, 1),
            ]
        ):
            options = {
                "num_beams": beams, "num_beam_groups": several, "diversity_penalty": penalty, "max_new_tokens": 10, **more
            }  # fmt: skip
            yield Ask(
                f"{model}-groups-{i}-{beams}-{several}",
                model,
                options,
                rows=rows,
                differ=False,
                without=["num_beam_groups", "diversity_penalty"],
                custom=search,
                source=removed.GROUPS_SOURCE,
                note=FIRST_END if "eos_token_id" in options else None,
            )


def constrained():
    search = removed.ConstrainedBeamSearch()
    for model in MODELS:
        for i, (words, beams, more, rows) in enumerate(
            [
                ([[5]], 2, {}, 1),
                ([[40]], 3, {}, 2),
                ([[41, 42]], 3, {}, 1),
                ([[30, 31, 32]], 4, {}, 2),
                ([[50], [51]], 4, {}, 1),
                ([[60, 61], [62]], 5, {"num_return_sequences": 2}, 1),
                ([[[70, 71], [72]]], 3, {}, 2),
                ([[[33, 34], [33, 35], [36]]], 4, {"num_return_sequences": 3}, 1),
                ([[[44], [45, 46]], [47]], 4, {}, 2),
                ([[37]], 4, {"early_stopping": True, "num_return_sequences": 2}, 2),
                ([[38, 39]], 4, {"early_stopping": "never", "length_penalty": 2.0}, 1),
                ([[52]], 3, {"length_penalty": 0.0, "no_repeat_ngram_size": 1}, 2),
                ([[53, 54]], 3, {"eos_token_id": [END[model], 9], "min_new_tokens": 5}, 2),
            ]
        ):
            yield Ask(
                f"{model}-constrained-{i}",
                model,
                {"num_beams": beams, "force_words_ids": words, "max_new_tokens": 11, **more},
                rows=rows,
                differ=False,
                without=["force_words_ids"],
                custom=search,
                source=removed.CONSTRAINED_SOURCE,
                note=FIRST_END if "eos_token_id" in more else None,
                check=lambda outcome, words=words: all(holds(row, words) for row in outcome.new.tolist()),
            )


def holds(row, words):
    """Whether an answer has every phrase, or one of its alternatives."""
    text = " " + " ".join(map(str, row)) + " "
    several = [word if isinstance(word[0], list) else [word] for word in words]
    return all(any(" " + " ".join(map(str, phrase)) + " " in text for phrase in phrases) for phrases in several)


def contrastive():
    search = removed.ContrastiveSearch()
    for model in MODELS:
        for i, (alpha, top_k, more, rows, shape) in enumerate(
            [
                (0.6, 4, {}, 1, "image"),
                (0.6, 4, {}, 1, "text"),
                (0.4, 6, {}, 2, "text"),
                (0.2, 2, {}, 2, "text"),
                (0.9, 5, {}, 2, "image"),
                (0.5, 8, {}, 3, "left"),
                (0.6, None, {}, 2, "text"),  # top_k is 50
                (0.5, 4, {"repetition_penalty": 1.3}, 2, "text"),
                (0.5, 4, {"min_new_tokens": 6, "no_repeat_ngram_size": 2}, 2, "text"),
                (0.3, 4, {"eos_token_id": [END[model], 9, 12, 15]}, 3, "text"),
            ]
        ):
            options = {"penalty_alpha": alpha, "max_new_tokens": 12, **more}
            if top_k:
                options["top_k"] = top_k
            yield Ask(
                f"{model}-contrastive-{i}",
                model,
                options,
                rows=rows,
                shape=shape,
                differ=False,
                without=["penalty_alpha"],
                custom=search,
                source=removed.CONTRASTIVE_SOURCE,
            )
