# SPDX-License-Identifier: Apache-2.0
"""What sampling draws from: processors on random rows, and drawn answers with the scores before each token."""

import random
import zlib
from dataclasses import dataclass

import torch
from transformers import GenerationConfig

from .models import IMAGE, VOCABULARY
from .runs import Ask, Margin, Outcome, Unfit, inputs_of, written
from .searches import MODELS

SPREADS = (1.0, 2.0, 4.0, 8.0)  # of the random scores
SINGLE = [
    {},  # top_k is 50
    {"top_k": 0},
    {"temperature": 0.7, "top_k": 0},
    {"temperature": 1.7, "top_k": 0},
    {"temperature": 0.7},
    {"top_k": 1},
    {"top_k": 5},
    {"top_k": 200},
    {"top_p": 0.9, "top_k": 0},
    {"top_p": 0.3, "top_k": 0},
    {"top_p": 0.01, "top_k": 0},
    {"min_p": 0.05, "top_k": 0},
    {"min_p": 0.5, "top_k": 0},
    {"typical_p": 0.9, "top_k": 0},
    {"typical_p": 0.2, "top_k": 0},
    {"epsilon_cutoff": 3e-4, "top_k": 0},
    {"epsilon_cutoff": 0.02, "top_k": 0},
    {"epsilon_cutoff": 0.9, "top_k": 0},
    {"eta_cutoff": 3e-4, "top_k": 0},
    {"eta_cutoff": 0.02, "top_k": 0},
    {"top_h": 0.4, "top_k": 0},
    {"top_h": 0.9, "top_k": 0},
    {"top_h": 0.05, "top_k": 0},
    {"renormalize_logits": True, "top_k": 4},
]
COMBINED = [
    {"temperature": 0.6, "top_k": 20, "top_p": 0.9},
    {"temperature": 1.5, "top_k": 30, "top_p": 0.8, "min_p": 0.02, "typical_p": 0.95},
    {"temperature": 2.0, "top_h": 0.6, "top_k": 10, "renormalize_logits": True},
    {"top_k": 40, "epsilon_cutoff": 1e-3, "eta_cutoff": 2e-3},
    {"temperature": 0.8, "top_p": 0.95, "typical_p": 0.8, "epsilon_cutoff": 0.01, "renormalize_logits": True},
    {"temperature": 1.3, "top_k": 25, "repetition_penalty": 1.4, "no_repeat_ngram_size": 2},
    {"temperature": 0.9, "top_p": 0.9, "suppress_tokens": [7, 8, 9, 10], "bad_words_ids": [[11], [12, 13]]},
    {"temperature": 1.2, "top_k": 0, "min_p": 0.1, "sequence_bias": [[[20], 2.0], [[21], -3.0]]},
    {"temperature": 0.7, "top_k": 8, "min_length": 40},
    {"temperature": 0.7, "top_k": 8, "exponential_decay_length_penalty": [1, 1.2]},
]
# With beams more than one token stays whatever the options say: one for each end, and one.
BEAMS = [
    {"top_k": 1},
    {"top_k": 0, "top_p": 0.01},
    {"top_k": 0, "min_p": 0.9},
    {"top_k": 0, "typical_p": 0.01},
    {"top_k": 0, "epsilon_cutoff": 0.9},
    {"top_k": 0, "eta_cutoff": 0.9},
    {"top_k": 0, "top_h": 0.05},
    {"top_k": 1, "eos_token_id": [5, 6, 7]},
    {"top_k": 0, "top_p": 0.01, "eos_token_id": [5, 6, 7]},
    {"temperature": 0.7, "top_k": 3, "top_p": 0.2, "typical_p": 0.3},
]


@dataclass
class Rows:
    """One call of the processors."""

    name: str
    options: dict


def rows():
    for kind, several in (("single", SINGLE), ("combined", COMBINED)):
        for i, options in enumerate(several):
            yield Rows(f"sampling-{kind}-{i}-{'-'.join(options) or 'defaults'}", {"do_sample": True, **options})
    for i, options in enumerate(BEAMS):
        yield Rows(f"sampling-beams-{i}-{'-'.join(options)}", {"do_sample": True, "num_beams": 3, **options})


def processors(language, options, length):
    """The list that generate makes of the options; a prompt of the given length."""
    config, _ = language._prepare_generation_config(GenerationConfig(**options))
    language._prepare_special_tokens(config, True, device=torch.device("cpu"))
    return language._get_logits_processor(config, input_ids_seq_length=length, device="cpu", model_kwargs={})


def stable(process, ids, scores):
    """Whether noise far above rounding leaves the same ids."""
    finite = torch.isfinite(process(ids, scores.clone()))
    for seed in range(4):
        noise = 4e-5 * (torch.rand(scores.shape, generator=torch.Generator().manual_seed(seed)) - 0.5)
        if not torch.equal(finite, torch.isfinite(process(ids, scores + noise))):
            return False
    return True


def make_rows(world, ask):
    for attempt in world.attempts(ask.name):
        name = f"{ask.name}/{attempt}"
        chance = random.Random(name)
        generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
        logits = torch.randn(len(SPREADS), VOCABULARY, generator=generator) * torch.tensor(SPREADS)[:, None]
        if "num_beams" in ask.options:
            logits = torch.log_softmax(logits, dim=-1)
        ids = torch.tensor([[chance.randrange(5, IMAGE) for _ in range(12)] for _ in SPREADS])
        prompt = 8
        process = processors(world.models["opt"].language_model, ask.options, prompt)
        if stable(process, ids, logits):
            return {
                "name": ask.name,
                "model": "opt",
                "options": ask.options,
                "prompt_length": prompt,
                "input_ids": ids.tolist(),
                "logits": list(logits),
                "processed": list(process(ids, logits.clone())),
            }
    raise Unfit(f"{ask.name}: no row is stable")


def sampled():
    for model in MODELS:
        for i, options in enumerate(
            [
                {"top_k": 0},
                {},
                {"temperature": 0.7},
                {"top_k": 8},
                {"top_k": 0, "top_p": 0.8},
                {"top_k": 0, "min_p": 0.1, "temperature": 1.4},
                {"top_k": 0, "typical_p": 0.7},
                {"top_k": 0, "epsilon_cutoff": 0.01, "eta_cutoff": 0.02},
                {"top_k": 0, "top_h": 0.6},
                {"top_k": 20, "top_p": 0.9, "temperature": 0.8, "repetition_penalty": 1.3, "min_new_tokens": 4},
                {"top_k": 12, "num_return_sequences": 3},
                {"top_k": 12, "renormalize_logits": True, "no_repeat_ngram_size": 1},
            ]
        ):
            name = f"{model}-sampled-{i}-{'-'.join(options) or 'defaults'}"
            rows = 1 if "num_return_sequences" in options or i % 3 == 0 else 2
            yield Ask(name, model, {"do_sample": True, "max_new_tokens": 7, **options}, rows=rows, scores=True)


def make_sampled(world, ask):
    model = world.models[ask.model]
    for attempt in world.attempts(ask.name):
        inputs = inputs_of(ask, attempt)
        torch.manual_seed(zlib.crc32(f"{ask.name}/{attempt}".encode()))
        config = GenerationConfig(**ask.options, output_scores=True, output_logits=True, return_dict_in_generate=True)
        result = model.generate(**inputs.arguments(world.pixels), generation_config=config)
        prompt = result.sequences.shape[1] - len(result.scores)
        outcome = Outcome(result, prompt, [model.language_model.generation_config.eos_token_id], Margin())
        process = processors(model.language_model, ask.options, prompt)
        steps = [(result.sequences[:, : prompt + i], logits) for i, logits in enumerate(result.logits)]
        assert all(torch.equal(process(ids, x.clone()), y) for (ids, x), y in zip(steps, result.scores))
        if max(outcome.lengths) >= ask.least and all(stable(process, ids, logits) for ids, logits in steps):
            case = written(world, ask, inputs, outcome)
            del case["margin"]
            return case
    raise Unfit(f"{ask.name}: no answer is stable")
