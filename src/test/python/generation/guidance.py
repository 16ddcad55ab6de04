# SPDX-License-Identifier: Apache-2.0
"""Classifier-free guidance: s * (conditional - unconditional) + unconditional, of log-probabilities."""

import random

import torch

from .models import IMAGE
from .runs import Ask, Unfit, inputs_of, run, unfit, written
from .searches import MODELS

OPT_SOURCE = (
    "transformers' formula with the unconditional text of each beam (negative prompt or last id of the prompt, then the beam's"
    " own tokens) computed as a whole; generate itself does not move its cache with the beams"
)
T5_SOURCE = (
    "transformers' formula, which generate refuses for T5: the unconditional model's encoder reads the negative prompt without"
    " picture, or the end token alone; its decoder reads the same ids as the conditional one"
)


def guidance():
    for model in MODELS:
        for i, (scale, negative, options, rows) in enumerate(
            [
                (1.5, False, {}, 1),
                (3.0, False, {}, 2),
                (1.5, True, {}, 1),
                (2.0, True, {}, 2),
                (0.5, False, {}, 2),
                (1.8, False, {"repetition_penalty": 1.3, "min_new_tokens": 4}, 2),
                (1.5, False, {"num_beams": 3}, 1),
                (1.5, True, {"num_beams": 2, "num_return_sequences": 2}, 2),
            ]
        ):
            arguments = {}
            if negative:
                chance = random.Random(i)
                arguments["negative_prompt_ids"] = [
                    [chance.randrange(5, IMAGE) for _ in range(3)] + ([1] if model == "t5" else []) for _ in range(rows)
                ]
            options = {"guidance_scale": scale, "max_new_tokens": 10, **options}
            yield Ask(f"{model}-guidance-{i}", model, options, rows=rows, differ=False, arguments=arguments)


class Guidance:
    """A processor for generate; it must be the first, so other processors of the case come after it here."""

    def __init__(self, model, scale, negative, rows, prompt, rest):
        self.model, self.scale, self.negative, self.rows, self.prompt, self.rest = model, scale, negative, rows, prompt, rest

    @torch.no_grad()
    def __call__(self, ids, scores):
        conditional = torch.log_softmax(scores, dim=-1)
        beams = len(ids) // self.rows
        t5 = self.model.config.is_encoder_decoder
        negative = self.negative
        if negative is None:
            negative = torch.ones(self.rows, 1, dtype=torch.long) if t5 else ids[::beams, self.prompt - 1 : self.prompt]
        negative = negative.repeat_interleave(beams, dim=0)
        if t5:
            out = self.model(input_ids=negative, decoder_input_ids=ids, use_cache=False)
        else:
            out = self.model(input_ids=torch.cat([negative, ids[:, self.prompt :]], dim=1), use_cache=False)
        unconditional = torch.log_softmax(out.logits[:, -1], dim=-1)
        guided = self.scale * (conditional - unconditional) + unconditional
        return self.rest(ids, guided)


def make_guidance(world, ask):
    language = world.models[ask.model].language_model
    negative = ask.arguments.get("negative_prompt_ids")
    formula = ask.model == "t5" or "num_beams" in ask.options
    kept = ("max_new_tokens", "num_beams", "num_return_sequences")
    for attempt in world.attempts(ask.name):
        inputs = inputs_of(ask, attempt)
        prompt = 1 if ask.model == "t5" else len(inputs.input_ids[0])
        config, _ = language._prepare_generation_config(config_of(ask.options))
        language._prepare_special_tokens(config, True, device=torch.device("cpu"))
        rest = language._get_logits_processor(config, input_ids_seq_length=prompt, device="cpu", model_kwargs={})
        processor = Guidance(
            language,
            ask.options["guidance_scale"],
            None if negative is None else torch.tensor(negative),
            ask.rows,
            prompt,
            rest,
        )
        asked = Ask(
            ask.name,
            ask.model,
            {key: value for key, value in ask.options.items() if key in kept},
            rows=ask.rows,
            differ=False,
            processors=[processor],
        )
        outcome = run(world, asked, inputs)
        if unfit(world, asked, inputs, outcome) is not None:
            continue
        plain = Ask(ask.name, ask.model, {k: v for k, v in ask.options.items() if k != "guidance_scale"})
        if torch.equal(run(world, plain, inputs).sequences, outcome.sequences):
            continue
        if not formula:  # the reference itself, equal to the formula
            reference = run(world, ask, inputs)
            assert torch.equal(reference.sequences, outcome.sequences), ask.name
        asked.options, asked.arguments = ask.options, ask.arguments
        asked.source = None if not formula else T5_SOURCE if ask.model == "t5" else OPT_SOURCE
        return written(world, asked, inputs, outcome)
    raise Unfit(ask.name)


def config_of(options):
    from transformers import GenerationConfig

    return GenerationConfig(**{key: value for key, value in options.items() if key != "guidance_scale"})
