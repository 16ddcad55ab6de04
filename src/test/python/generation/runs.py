# SPDX-License-Identifier: Apache-2.0
"""Makes a case out of what is asked for: tries inputs until the answer is one that rounding cannot turn."""

from dataclasses import dataclass, field

import torch
from transformers import GenerationConfig, LogitsProcessorList

from .inputs import Inputs
from .margins import IMPOSSIBLE, Margin, watched
from .models import IMAGE

MARGIN = 2e-4
ATTEMPTS = 200
REMOVED = {"num_beam_groups", "force_words_ids", "penalty_alpha"}  # options of searches that need a custom one


@dataclass
class Ask:
    """A case to be made."""

    name: str
    model: str
    options: dict
    rows: int = 1
    shape: str = "text"
    longest: int = 7
    highest: int = IMAGE  # ids of a prompt are less
    arguments: dict = field(default_factory=dict)
    scores: bool = False  # write the processed scores of each step
    transitions: bool = False
    without: list | None = None  # options that must matter: without them the answer is another one
    least: int = 3  # new tokens that some row has at least
    most: int | None = None  # new tokens that every row has at most, the end included
    differ: bool = True  # rows of a batch end after different numbers of tokens
    custom: object = None  # a search that transformers lacks, see removed.py
    source: str | None = None
    note: str | None = None
    processors: list = field(default_factory=list)  # further ones, behind those of the options
    check: object = None  # further condition on the result


class Unfit(Exception):
    """No inputs gave an answer that could serve as a case."""


class World:
    """The models, the pictures, and for each case the number of the attempt whose inputs are fit."""

    def __init__(self, models, tokenizers, pixels, known, search):
        self.models, self.tokenizers, self.pixels = models, tokenizers, pixels
        self.known, self.search = known, search

    def attempts(self, name):
        """Attempts to make of a case: the known one, and when searching all others until one is fit, which is kept."""
        first = [self.known[name]] if name in self.known else []
        if not self.search:
            yield from first
            return
        for attempt in [*first, *range(ATTEMPTS)]:
            self.known[name] = attempt
            yield attempt
        del self.known[name]


class Outcome:
    """What generate returned."""

    def __init__(self, result, prompt, ends, margin):
        self.sequences = result.sequences
        self.scores = result.scores
        self.beam_scores = getattr(result, "sequences_scores", None)
        self.beam_indices = getattr(result, "beam_indices", None)
        self.new = result.sequences[:, prompt:]
        self.lengths = [_length(row, ends) for row in self.new.tolist()]
        self.margin = margin


def _length(row, ends):
    for i, token in enumerate(row):
        if token in ends:
            return i + 1
    return len(row)


def inputs_of(ask, attempt):
    return Inputs(f"{ask.name}/{attempt}", ask.model, ask.rows, ask.shape, ask.longest, ask.highest)


def run(world, ask, inputs, options=None, disturb=None):
    model = world.models[ask.model]
    options = dict(ask.options if options is None else options)
    language = model.language_model
    ends = options.get("eos_token_id", language.generation_config.eos_token_id)
    ends = ends if isinstance(ends, list) else [ends]
    config = GenerationConfig(**options, output_scores=True, return_dict_in_generate=True)
    kwargs = extra(world, ask)
    margin = Margin()
    custom = ask.custom if set(options) & REMOVED else None
    if custom:
        kwargs["custom_generate"] = custom
        custom.margin = margin
    with watched(model, margin, disturb):
        result = model.generate(**inputs.arguments(world.pixels), generation_config=config, **kwargs)
    if ask.model == "t5":
        prompt = 1
    else:
        prompt = 5 if inputs.input_ids is None else len(inputs.input_ids[0])
    outcome = Outcome(result, prompt, ends, margin)
    if not options.get("num_beams", 1) > 1 and not custom:
        greedy_margin(outcome, margin)
    return outcome


def greedy_margin(outcome, margin):
    for step, scores in enumerate(outcome.scores[: outcome.new.shape[1]]):
        for row in range(len(scores)):
            if step < outcome.lengths[row]:
                best = torch.topk(scores[row], 2).values
                if torch.isfinite(best).all():
                    margin.gap(best[0] - best[1])
                elif not torch.isfinite(best[0]):
                    margin.gap(0)


def extra(world, ask):
    """Arguments of generate besides options and inputs."""
    kwargs = {"logits_processor": LogitsProcessorList(ask.processors)} if ask.processors else {}
    given = ask.arguments
    if "prefix_allowed_tokens" in given:
        table = given["prefix_allowed_tokens"]
        kwargs["prefix_allowed_tokens_fn"] = lambda row, ids: table[row].get(str(ids[-1].item()), table[row]["default"])
    for key in ("negative_prompt_ids", "negative_prompt_attention_mask"):
        if key in given:
            kwargs[key] = torch.tensor(given[key])
    if "assistant" in given:
        kwargs["assistant_model"] = world.models[given["assistant"]].language_model
    if "stop_strings" in ask.options:
        kwargs["tokenizer"] = world.tokenizers[ask.model]
    return kwargs


def make(world, ask):
    """The case as it is written."""
    problems = []
    for attempt in world.attempts(ask.name):
        inputs = inputs_of(ask, attempt)
        outcome = run(world, ask, inputs)
        problem = unfit(world, ask, inputs, outcome)
        if problem is None:
            return written(world, ask, inputs, outcome)
        problems.append(problem)
    raise Unfit(f"{ask.name}: no inputs are fit: { {p: problems.count(p) for p in sorted(set(problems))} }")


def unfit(world, ask, inputs, outcome):
    if outcome.margin.value < MARGIN:
        return "margin"
    if max(outcome.lengths) < ask.least:
        return "too short"
    if ask.most is not None and max(outcome.lengths) > ask.most:
        return "too long"
    returned = ask.options.get("num_return_sequences", 1)
    firsts = outcome.lengths[::returned]
    if ask.rows > 1 and ask.differ and len(set(firsts)) < 2:
        return "rows of one length"
    if outcome.beam_scores is not None and outcome.beam_scores.min() < IMPOSSIBLE:
        return "a beam without a hypothesis"
    if ask.check and not ask.check(outcome):
        return "its own condition"
    if ask.without:
        options = {key: value for key, value in ask.options.items() if key not in ask.without}
        other = run(world, ask, inputs, options)
        if torch.equal(pad(other.new, 64), pad(outcome.new, 64)):
            return "the option changes nothing"
    for seed in range(3 if world.search else 0):  # slow, and it has been done for what is known
        disturbed = run(world, ask, inputs, disturb=torch.Generator().manual_seed(seed))
        if not torch.equal(disturbed.sequences, outcome.sequences):
            return "noise turns it"
    return None


def pad(ids, width):
    return torch.nn.functional.pad(ids, (0, width - ids.shape[1]), value=-1)


def written(world, ask, inputs, outcome):
    case = {
        "name": ask.name,
        "model": ask.model,
        "pictures": inputs.pictures,
        "input_ids": inputs.input_ids,
        "attention_mask": inputs.attention_mask,
        "options": ask.options,
    }
    if ask.arguments:
        case["arguments"] = ask.arguments
    case["sequences"] = outcome.sequences.tolist()
    if outcome.beam_scores is not None:
        case["sequences_scores"] = outcome.beam_scores
        if outcome.beam_indices is not None:
            case["beam_indices"] = outcome.beam_indices.tolist()
        if ask.transitions:
            language = world.models[ask.model].language_model
            case["transition_scores"] = language.compute_transition_scores(
                outcome.sequences, outcome.scores, outcome.beam_indices
            )
    if ask.scores:
        case["scores"] = step_scores(ask, outcome)
    if ask.source:
        case["source"] = ask.source
    case["margin"] = float(f"{outcome.margin.value:.2g}")
    if ask.note:
        case["note"] = ask.note
    return case


def step_scores(ask, outcome):
    if outcome.beam_scores is not None:
        return [list(scores) for scores in outcome.scores]
    return [
        [row if step < outcome.lengths[i] else None for i, row in enumerate(scores)]
        for step, scores in enumerate(outcome.scores)
    ]
