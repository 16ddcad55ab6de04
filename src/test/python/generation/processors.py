# SPDX-License-Identifier: Apache-2.0
"""Every processor of scores, alone and with others, before greedy search and before beams."""

import random

from .models import VOCABULARY
from .runs import Ask
from .searches import MODELS, total

WATERMARK = {"greenlist_ratio": 0.25, "bias": 2.5, "hashing_key": 15485863, "seeding_scheme": "lefthash", "context_width": 1}


def single(model):
    """Options that are to change the answer; None in place of a condition where they cannot."""
    eos = 1 if model == "t5" else 4
    yield "repetition-1.3", {"repetition_penalty": 1.3}
    yield "repetition-2.5", {"repetition_penalty": 2.5}
    yield "repetition-rewarded", {"repetition_penalty": 0.8}
    yield "ngram-1", {"no_repeat_ngram_size": 1}
    yield "ngram-2", {"no_repeat_ngram_size": 2}
    yield "ngram-3", {"no_repeat_ngram_size": 3}
    yield "bad-words", {"bad_words_ids": [[5], [6], [10], [25]]}
    yield "bad-phrases", {"bad_words_ids": [[5, 6], [10, 7], [25, 3], [6, 6], [10, 10, 10], [5, 10], [7, 5], [25, 6], [31]]}
    yield "bad-words-end", {"bad_words_ids": [[eos], [5]]}  # the end alone is never bad
    yield "bias", {"sequence_bias": [[[5], -4.0], [[12], 3.0], [[20], 1.5]]}
    yield "bias-phrases", {"sequence_bias": [[[5, 6], 6.0], [[10, 5], 4.0], [[6, 7, 8], 8.0], [[10], -1.0], [[25, 9], 9.0]]}
    yield "bias-end", {"sequence_bias": [[[eos], 2.0]]}
    yield "min-length", {"min_length": total(model, 7)}
    yield "min-new", {"min_new_tokens": 7}
    yield "forced-end", {"forced_eos_token_id": 30}
    yield "suppress", {"suppress_tokens": [5, 6, 7, 10, 25]}
    yield "suppress-end", {"suppress_tokens": [eos, 5]}
    yield "begin-suppress", {"begin_suppress_tokens": [5, 6, 10, 18, 25, 31, 37]}
    yield "decay-1.1", {"exponential_decay_length_penalty": [3, 1.1]}
    yield "decay-1.5", {"exponential_decay_length_penalty": [2, 1.5]}
    yield "decay-at-once", {"exponential_decay_length_penalty": [0, 1.03]}
    yield "watermark", {"watermarking_config": WATERMARK}
    yield "watermark-half", {"watermarking_config": {**WATERMARK, "greenlist_ratio": 0.5, "bias": 1.0, "hashing_key": 12345}}
    yield "watermark-self", {"watermarking_config": {**WATERMARK, "seeding_scheme": "selfhash", "context_width": 2}}


# They change no answer, or only scores of beams.
NEUTRAL = {
    "invalid-removed": {"remove_invalid_values": True},
    "renormalized": {"renormalize_logits": True},
    "neutral-values": {
        "repetition_penalty": 1.0, "no_repeat_ngram_size": 0, "min_length": 0, "temperature": 0.3, "top_k": 5, "top_p": 0.5
    },  # fmt: skip
}


def alone():
    for model in MODELS:
        if model == "t5":
            forced = [("forced-start", {"forced_bos_token_id": 9})]
        else:
            forced = [("forced-start", {"forced_bos_token_id": 9}, "works only after a prompt of one id, which OPT never has")]
        for name, options, *note in [*single(model), *forced]:
            without = None if note else list(options)
            common = dict(rows=2, without=without, differ=False, note=note[0] if note else None)
            yield Ask(f"{model}-{name}-greedy", model, {"max_new_tokens": 12, **options}, **common)
            options = {"num_beams": 3, "max_new_tokens": 10, **options}
            yield Ask(f"{model}-{name}-beams", model, options, **common)
        for name, options in NEUTRAL.items():
            yield Ask(f"{model}-{name}-greedy", model, {"max_new_tokens": 8, **options}, rows=2, differ=False)
            options = {"num_beams": 3, "max_new_tokens": 8, **options}
            yield Ask(f"{model}-{name}-beams", model, options, scores=name == "renormalized")


def scored():
    """Scores of each step, for those processors that do more than forbid."""
    for model in MODELS:
        for name, options in (
            ("repetition", {"repetition_penalty": 1.4}),
            ("bias", {"sequence_bias": [[[5], -1.5], [[12, 5], 3.0], [[6], 0.5]]}),
            ("decay", {"exponential_decay_length_penalty": [1, 1.2]}),
            ("min-new", {"min_new_tokens": 3, "suppress_tokens": [9, 10]}),
            ("watermark", {"watermarking_config": WATERMARK}),
            ("all", {"repetition_penalty": 1.2, "no_repeat_ngram_size": 2, "bad_words_ids": [[6], [5, 7]], "min_new_tokens": 2}),
        ):
            options = {"max_new_tokens": 4, **options}
            yield Ask(f"{model}-scored-{name}", model, options, scores=True)
            options = {**options, "num_beams": 2, "renormalize_logits": True}
            yield Ask(f"{model}-scored-{name}-beams", model, options, scores=True)


def combined():
    for model in MODELS:
        eos = 1 if model == "t5" else 4
        several = [
            {"repetition_penalty": 1.5, "no_repeat_ngram_size": 2},
            {"repetition_penalty": 1.2, "min_new_tokens": 6, "length_penalty": 0.5},
            {"no_repeat_ngram_size": 2, "bad_words_ids": [[5], [6, 7]], "min_length": total(model, 5)},
            {"sequence_bias": [[[5], -2.0], [[9], 2.0]], "suppress_tokens": [10, 25], "begin_suppress_tokens": [9]},
            {"min_new_tokens": 4, "forced_eos_token_id": eos, "suppress_tokens": [5]},
            {"exponential_decay_length_penalty": [4, 1.3], "no_repeat_ngram_size": 1},
            {"renormalize_logits": True, "repetition_penalty": 1.4, "sequence_bias": [[[6, 5], 5.0]]},
            {"watermarking_config": WATERMARK, "repetition_penalty": 1.3, "renormalize_logits": True},
            {"eos_token_id": [eos, 9, 12], "min_new_tokens": 5, "no_repeat_ngram_size": 2},
            {"eos_token_id": [eos, 9, 12], "exponential_decay_length_penalty": [2, 1.2], "bad_words_ids": [[9], [5]]},
            {"repetition_penalty": 1.3, "remove_invalid_values": True, "suppress_tokens": [5, 6], "forced_eos_token_id": 40},
            {
                "repetition_penalty": 1.1, "no_repeat_ngram_size": 3, "bad_words_ids": [[7]], "min_new_tokens": 3,
                "sequence_bias": [[[8], 1.0]], "suppress_tokens": [11], "begin_suppress_tokens": [5, 10],
                "renormalize_logits": True,
            },
        ]  # fmt: skip
        for i, options in enumerate(several):
            without = [key for key in options if key not in ("eos_token_id", "length_penalty")]
            common = dict(without=without, differ=False)
            yield Ask(f"{model}-combined-{i}-greedy", model, {"max_new_tokens": 12, **options}, rows=2, **common)
            found = {"num_beams": 4, "max_new_tokens": 10, "num_return_sequences": 2, **options}
            yield Ask(f"{model}-combined-{i}-beams", model, found, rows=1 + i % 2, transitions=True, **common)


def prefixes():
    for model in MODELS:
        start = f"{model}-prefix"
        for i, (rows, options) in enumerate(
            [
                (1, {"max_new_tokens": 10}),
                (2, {"max_new_tokens": 10}),
                (3, {"max_new_tokens": 8, "repetition_penalty": 1.3}),
                (2, {"max_new_tokens": 8, "num_beams": 3}),
                (2, {"max_new_tokens": 8, "num_beams": 2, "num_return_sequences": 2, "early_stopping": True}),
            ]
        ):
            yield Ask(
                f"{start}-{i}", model, options, rows=rows, differ=False, arguments={"prefix_allowed_tokens": table(i, rows)}
            )


def table(seed, rows):
    """For each picture the ids allowed after some ids, and after all others."""
    chance = random.Random(seed)
    ids = [1, 4, *range(5, VOCABULARY - 1)]
    tables = []
    for _ in range(rows):
        after = {str(last): sorted(chance.sample(ids, 12)) for last in chance.sample(ids, 20)}
        tables.append({**after, "default": sorted(chance.sample(ids, 30))})
    return tables
