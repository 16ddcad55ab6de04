# SPDX-License-Identifier: Apache-2.0
"""Beams whose candidates are drawn: the scores that are drawn from, and what was drawn."""

import zlib

import torch
from transformers.generation.utils import GenerationMixin

from .margins import IMPOSSIBLE
from .runs import Ask, Unfit, inputs_of, run, written
from .searches import MODELS


def asks():
    for model in MODELS:
        for i, (rows, options) in enumerate(
            [
                (1, {"num_beams": 2, "top_k": 0}),
                (1, {"num_beams": 3, "top_k": 0, "temperature": 1.5, "num_return_sequences": 3}),
                (2, {"num_beams": 2, "top_k": 8, "length_penalty": 0.5, "early_stopping": True}),
                (1, {"num_beams": 3, "top_k": 0, "top_p": 0.9, "repetition_penalty": 1.2}),
                (1, {"num_beams": 2}),
            ]
        ):
            yield Ask(f"{model}-beam-sample-{i}", model, {"do_sample": True, "max_new_tokens": 4, **options}, rows=rows)


def make(world, ask):
    original = GenerationMixin._get_top_k_continuations
    for attempt in world.attempts(ask.name):
        name = f"{ask.name}/{attempt}"
        inputs = inputs_of(ask, attempt)
        steps = []

        def recorded(self, **kwargs):
            scores = kwargs["accumulated_log_probs"]
            state = torch.get_rng_state()
            chosen = torch.multinomial(torch.softmax(scores, dim=-1), num_samples=kwargs["beams_to_keep"])
            torch.set_rng_state(state)  # what is drawn next is what was just drawn
            steps.append({"accumulated": list(scores.clone()), "chosen": chosen.tolist()})
            found = original(self, **kwargs)
            assert torch.equal(found[0], scores.gather(1, chosen))
            return found

        torch.manual_seed(zlib.crc32(name.encode()))
        GenerationMixin._get_top_k_continuations = recorded
        try:
            outcome = run(world, ask, inputs)
        except RuntimeError as problem:  # fewer ids are left than are to be drawn
            assert "multinomial" in str(problem), problem
            continue
        finally:
            GenerationMixin._get_top_k_continuations = original
        if outcome.margin.value > 2e-4 and max(outcome.lengths) >= 3 and outcome.beam_scores.min() > IMPOSSIBLE:
            case = written(world, ask, inputs, outcome)
            return {**case, "steps": steps}
    raise Unfit(ask.name)
