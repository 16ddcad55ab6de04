# SPDX-License-Identifier: Apache-2.0
"""Drafted tokens, stop strings, options that read the prompt's ids, and likelihoods of given texts."""

import random

import torch
from transformers.generation.logits_process import (
    EncoderNoRepeatNGramLogitsProcessor,
    EncoderRepetitionPenaltyLogitsProcessor,
)

from .inputs import Inputs
from .models import IMAGE, QUERIES
from .runs import Ask, Unfit, inputs_of, run, unfit, written
from .searches import MODELS


def lookup():
    for model in MODELS:
        for i, options in enumerate(
            [
                {"prompt_lookup_num_tokens": 3},
                {"prompt_lookup_num_tokens": 10, "max_matching_ngram_size": 1},
                {"prompt_lookup_num_tokens": 2, "max_matching_ngram_size": 3},
                {"prompt_lookup_num_tokens": 5, "repetition_penalty": 1.2},
                {"prompt_lookup_num_tokens": 4, "min_new_tokens": 6, "no_repeat_ngram_size": 3},
            ]
        ):
            for kind, highest in (("", IMAGE), ("-repeats", 9)):  # ids that stand several times in a prompt
                name = f"{model}-lookup-{i}{kind}"
                yield Ask(name, model, {"max_new_tokens": 16, **options}, least=5, longest=16, highest=highest)


def assisted():
    for model in MODELS:
        assistant = "assistant-t5" if model == "t5" else "assistant"
        for i, options in enumerate(
            [
                {},
                {"num_assistant_tokens": 3},
                {"num_assistant_tokens": 5, "num_assistant_tokens_schedule": "heuristic"},
                {"num_assistant_tokens": 4, "assistant_confidence_threshold": 0.0},
                {"repetition_penalty": 1.3},
                {"min_new_tokens": 6, "suppress_tokens": [5]},
            ]
        ):
            arguments = {"assistant": assistant}
            yield Ask(f"{model}-assisted-{i}", model, {"max_new_tokens": 14, **options}, arguments=arguments, least=5)


DRAFTED = {
    "prompt_lookup_num_tokens", "max_matching_ngram_size", "num_assistant_tokens", "num_assistant_tokens_schedule",
    "assistant_confidence_threshold",
}  # fmt: skip


DRAFTED_SOURCE = (
    "greedy search of transformers 5.18.0, as drafts change no answer (Leviathan et al. 2023); its own drafting {} when it is"
    " given embeddings"
)


def make_drafted(world, ask):
    """Drafts change the speed, never the answer. Given embeddings, transformers compares the first drafts with scores of the
    prompt's positions.
    """
    for attempt in world.attempts(ask.name):
        inputs = inputs_of(ask, attempt)
        plain = Ask(ask.name, ask.model, {k: v for k, v in ask.options.items() if k not in DRAFTED}, least=ask.least)
        outcome = run(world, plain, inputs)
        if unfit(world, plain, inputs, outcome) is None:
            try:
                same = torch.equal(run(world, ask, inputs).sequences, outcome.sequences)
                ask.source = None if same else DRAFTED_SOURCE.format("answers otherwise")
            except ValueError:
                assert ask.model == "t5"
                ask.source = DRAFTED_SOURCE.format("fails")
            return written(world, ask, inputs, outcome)
    raise Unfit(ask.name)


def stops():
    texts = {
        "opt": [[","], ["g"], ["A", "S", "Q"], ["!!", ",,", "::"], ["1!", "!1", ",:", ":!", "9,"], ["!:", ":1", "g,", "the "]],
        "t5": [["beach"], ["!"], ["the", " a"], ["tion: ", "ion:t"], ["n: th", "n: be"], ["!!", "ththe", "beachb", ":est"]],
    }
    for model in MODELS:
        for i, strings in enumerate(texts[model]):
            options = {"max_new_tokens": 14, "stop_strings": strings}
            yield Ask(f"{model}-stop-{i}", model, options, rows=1 + i % 2, differ=False, without=["stop_strings"], least=2)
        options = {"max_new_tokens": 10, "stop_strings": texts[model][3], "num_beams": 3}
        yield Ask(f"{model}-stop-beams", model, options, differ=False, without=["stop_strings"], least=2)


def encoder():
    for model in MODELS:
        for i, options in enumerate(
            [
                {"encoder_repetition_penalty": 1.5},
                {"encoder_repetition_penalty": 0.6},
                {"encoder_repetition_penalty": 3.0},
                {"encoder_no_repeat_ngram_size": 1},
                {"encoder_no_repeat_ngram_size": 2},
                {"encoder_repetition_penalty": 2.0, "encoder_no_repeat_ngram_size": 2},
            ]
        ):
            common = dict(longest=16, highest=18, differ=False)
            yield Ask(f"{model}-encoder-{i}-greedy", model, {"max_new_tokens": 12, **options}, rows=2, **common)
            yield Ask(f"{model}-encoder-{i}-beams", model, {"max_new_tokens": 10, "num_beams": 3, **options}, **common)


ENCODER_SOURCE = (
    "processors of transformers 5.18.0, given the prompt's ids, in place of which generate of BLIP-2 has embeddings"
)


def make_encoder(world, ask):
    ignored = {k: v for k, v in ask.options.items() if not k.startswith("encoder_")}
    penalty, size = (ask.options.get(f"encoder_{name}") for name in ("repetition_penalty", "no_repeat_ngram_size"))
    for attempt in world.attempts(ask.name):
        inputs = inputs_of(ask, attempt)
        ids = torch.tensor(inputs.input_ids)
        extra = []
        if penalty:
            # As generate does it: one row of the prompt for each row of scores.
            expanded = ids.repeat_interleave(ask.options.get("num_beams", 1), dim=0)
            extra.append(EncoderRepetitionPenaltyLogitsProcessor(penalty, expanded))
        if size:
            extra.append(EncoderNoRepeatNGramLogitsProcessor(size, ids))
        asked = Ask(ask.name, ask.model, ignored, rows=ask.rows, differ=False, processors=extra, source=ENCODER_SOURCE)
        outcome = run(world, asked, inputs)
        if unfit(world, asked, inputs, outcome) is not None:
            continue
        plain = Ask(ask.name, ask.model, ignored, rows=ask.rows, differ=False)
        other = run(world, plain, inputs)
        if unfit(world, plain, inputs, other) is not None or torch.equal(other.sequences, outcome.sequences):
            continue
        reference = run(world, Ask(ask.name, ask.model, ask.options, rows=ask.rows), inputs)
        assert torch.equal(reference.sequences, other.sequences), ask.name  # it does ignore them
        asked.options = ask.options
        return {**written(world, asked, inputs, outcome), "ignored_sequences": other.sequences.tolist()}
    raise Unfit(ask.name)


def scores():
    for model in MODELS:
        for i in range(6):
            yield Ask(f"{model}-score-{i}", model, {}, shape="image" if i % 3 == 0 else "text")


@torch.no_grad()
def make_scores(world, ask):
    """Log-likelihoods from one full forward pass for each text, without a cache."""
    chance = random.Random(ask.name)
    inputs = Inputs(ask.name, ask.model, 1, ask.shape)
    model = world.models[ask.model]
    end = model.language_model.generation_config.eos_token_id
    candidates = [[chance.randrange(5, IMAGE) for _ in range(chance.randint(1, 9))] + [end] for _ in range(3)]
    candidates.append([chance.randrange(5, IMAGE) for _ in range(4)])  # without the end
    greedy = run(world, Ask(ask.name, ask.model, {"max_new_tokens": 8}), inputs)
    candidates.append(greedy.new[0, : greedy.lengths[0]].tolist())
    given = inputs.arguments(world.pixels)
    if given["input_ids"] is None:
        given["input_ids"] = torch.tensor([[IMAGE] * QUERIES + [model.config.text_config.bos_token_id]])
    prompt = given.pop("input_ids")
    given["attention_mask"] = torch.ones_like(prompt) if given["attention_mask"] is None else given["attention_mask"]
    found = []
    for ids in candidates:
        text = torch.tensor([ids])
        if ask.model == "t5":
            start = torch.tensor([[model.config.text_config.decoder_start_token_id]])
            out = model(**given, input_ids=prompt, decoder_input_ids=torch.cat([start, text[:, :-1]], dim=1))
            logits = out.logits[0]
        else:
            mask = torch.cat([given["attention_mask"], torch.ones_like(text)], dim=1)
            out = model(given["pixel_values"], input_ids=torch.cat([prompt, text], dim=1), attention_mask=mask)
            logits = out.logits[0, prompt.shape[1] - 1 : -1]
        found.append(torch.log_softmax(logits, dim=-1).gather(1, text[0][:, None])[:, 0])
    return {
        "name": ask.name,
        "model": ask.model,
        "pictures": inputs.pictures,
        "input_ids": inputs.input_ids,
        "attention_mask": inputs.attention_mask,
        "candidates": candidates,
        "token_log_probs": found,
        "log_probs": torch.stack([values.sum() for values in found]),
        "source": "one full forward pass of transformers 5.18.0 for each candidate",
    }
