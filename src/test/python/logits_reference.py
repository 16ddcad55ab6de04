# SPDX-License-Identifier: Apache-2.0
"""Writes what the logits processors of transformers make of random scores: python logits_reference.py

Each case has the options of generate, and rows of a sequence, its scores and the scores that the processors made of them, which
``GenerationMixin._get_logits_processor`` chose and ordered. Negative infinity is null, NaN and infinity are texts.
"""

import json
import math
import os

import numpy
import torch
from transformers import GenerationConfig, OPTConfig, OPTForCausalLM
from transformers.generation.logits_process import UnbatchedClassifierFreeGuidanceLogitsProcessor, WatermarkLogitsProcessor

OUT = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "blip2-core", "src", "test", "resources", "logits"
)
VOCAB = 60
EOS = [20, 27]  # none that a row holds: a forbidden end token that should become likelier is NaN in the reference
PREFIX = 6
PROMPT = 4
ROWS = 3
LENGTHS = (PREFIX, PREFIX + 1, PREFIX + 3, PREFIX + 9)

# name, options, how the scores are changed before
SINGLE = [
    ("sequence_bias", dict(sequence_bias=[[[5], -10.0], [[6], 3.5], [[1, 2], 4.0], [[3, 0, 1], -2.0]]), None),
    ("repetition_penalty_1.3", dict(repetition_penalty=1.3), None),
    ("repetition_penalty_0.8", dict(repetition_penalty=0.8), None),
    ("encoder_repetition_penalty_1.5", dict(encoder_repetition_penalty=1.5), None),
    ("encoder_repetition_penalty_0.7", dict(encoder_repetition_penalty=0.7), None),
    ("no_repeat_ngram_1", dict(no_repeat_ngram_size=1), None),
    ("no_repeat_ngram_2", dict(no_repeat_ngram_size=2), None),
    ("no_repeat_ngram_3", dict(no_repeat_ngram_size=3), None),
    ("no_repeat_ngram_50", dict(no_repeat_ngram_size=50), None),
    ("encoder_no_repeat_ngram_1", dict(encoder_no_repeat_ngram_size=1), None),
    ("encoder_no_repeat_ngram_2", dict(encoder_no_repeat_ngram_size=2), None),
    ("encoder_no_repeat_ngram_9", dict(encoder_no_repeat_ngram_size=9), None),
    ("bad_words", dict(bad_words_ids=[[20], [11], [1, 2], [3, 1, 5], [0, 0]]), None),
    ("min_new_tokens", dict(min_new_tokens=2), None),
    ("prefix_allowed_tokens", dict(), None),
    ("forced_eos", dict(forced_eos_token_id=EOS, max_new_tokens=10), None),
    ("remove_invalid_values", dict(remove_invalid_values=True), "invalid"),
    ("exponential_decay", dict(exponential_decay_length_penalty=[2, 1.2]), None),
    ("exponential_decay_below_1", dict(exponential_decay_length_penalty=[0, 0.9]), None),
    ("suppress_tokens", dict(suppress_tokens=[0, 3, 59]), None),
    ("begin_suppress_tokens", dict(begin_suppress_tokens=[20, 40]), None),
    ("temperature_0.6", dict(do_sample=True, top_k=0, temperature=0.6), None),
    ("temperature_1.7", dict(do_sample=True, top_k=0, temperature=1.7), None),
    ("temperature_without_drawing", dict(do_sample=False, temperature=0.6, top_k=3, top_p=0.2), None),
    ("top_h_0.1", dict(do_sample=True, top_k=0, top_h=0.1), None),
    ("top_h_0.4", dict(do_sample=True, top_k=0, top_h=0.4), None),
    ("top_h_0.9", dict(do_sample=True, top_k=0, top_h=0.9), None),
    ("top_k_default", dict(do_sample=True), None),
    ("top_k_1", dict(do_sample=True, top_k=1), None),
    ("top_k_7", dict(do_sample=True, top_k=7), None),
    ("top_k_7_ties", dict(do_sample=True, top_k=7), "ties"),
    ("top_k_1_beams", dict(do_sample=True, top_k=1, num_beams=3), None),
    ("top_p_0", dict(do_sample=True, top_k=0, top_p=0.0), None),
    ("top_p_0.3", dict(do_sample=True, top_k=0, top_p=0.3), None),
    ("top_p_0.9", dict(do_sample=True, top_k=0, top_p=0.9), None),
    ("top_p_0.99_some_forbidden", dict(do_sample=True, top_k=0, top_p=0.99), "forbidden"),
    ("top_p_0.01_beams", dict(do_sample=True, top_k=0, top_p=0.01, num_beams=3), None),
    ("min_p_0.05", dict(do_sample=True, top_k=0, min_p=0.05), None),
    ("min_p_0.3", dict(do_sample=True, top_k=0, min_p=0.3), None),
    ("min_p_1_beams", dict(do_sample=True, top_k=0, min_p=1.0, num_beams=3), None),
    ("typical_p_0.2", dict(do_sample=True, top_k=0, typical_p=0.2), None),
    ("typical_p_0.9", dict(do_sample=True, top_k=0, typical_p=0.9), None),
    ("typical_p_0.9_some_forbidden", dict(do_sample=True, top_k=0, typical_p=0.9), "forbidden"),
    ("typical_p_0.01_beams", dict(do_sample=True, top_k=0, typical_p=0.01, num_beams=3), None),
    ("epsilon_0.003", dict(do_sample=True, top_k=0, epsilon_cutoff=0.003), None),
    ("epsilon_0.9_beams", dict(do_sample=True, top_k=0, epsilon_cutoff=0.9, num_beams=3), None),
    ("eta_0.003", dict(do_sample=True, top_k=0, eta_cutoff=0.003), None),
    ("eta_0.2", dict(do_sample=True, top_k=0, eta_cutoff=0.2), None),
    ("eta_0.5_some_forbidden", dict(do_sample=True, top_k=0, eta_cutoff=0.5), "forbidden"),
    ("eta_0.9_beams", dict(do_sample=True, top_k=0, eta_cutoff=0.9, num_beams=3), None),
    ("watermark_lefthash", dict(watermarking_config=dict(bias=2.5, seeding_scheme="lefthash")), None),
    (
        "watermark_lefthash_key",
        dict(watermarking_config=dict(bias=-1.0, greenlist_ratio=0.6, hashing_key=987654321987, context_width=8)),
        None,
    ),
    ("watermark_selfhash", dict(watermarking_config=dict(bias=2.5, seeding_scheme="selfhash")), None),
    (
        "watermark_selfhash_width",
        dict(watermarking_config=dict(bias=1.5, greenlist_ratio=0.5, hashing_key=-77, seeding_scheme="selfhash", context_width=4)),
        None,
    ),
    ("renormalize", dict(renormalize_logits=True), "forbidden"),
    ("all_forbidden_but_one", dict(do_sample=True, top_k=5, top_p=0.5, min_p=0.1, typical_p=0.5), "one"),
    ("nothing", dict(), None),
]
WORDS = dict(
    sequence_bias=[[[5], -1.0], [[1, 0], 4.0]],
    encoder_repetition_penalty=1.2,
    repetition_penalty=1.1,
    no_repeat_ngram_size=2,
    encoder_no_repeat_ngram_size=3,
    bad_words_ids=[[11], [1, 2]],
    min_new_tokens=2,
    forced_eos_token_id=EOS,
    max_new_tokens=10,
    exponential_decay_length_penalty=[2, 1.05],
    suppress_tokens=[3],
    begin_suppress_tokens=[4],
)
DRAWN = dict(
    do_sample=True,
    temperature=1.4,
    top_h=0.95,
    top_k=40,
    top_p=0.97,
    min_p=0.002,
    typical_p=0.96,
    epsilon_cutoff=0.001,
    eta_cutoff=0.002,
)
LAST = dict(watermarking_config=dict(bias=1.0), renormalize_logits=True)
# Two forced ends are equally probable, and which of them comes first is open in torch.
LONG = dict(max_new_tokens=30)
COMBINED = [
    ("all_of_words", WORDS, None),
    ("all_of_drawing", DRAWN, None),
    ("all", {**WORDS, **DRAWN, **LAST, **LONG}, None),
    ("all_beams", {**WORDS, **DRAWN, **LAST, **LONG, "num_beams": 2}, None),
    ("all_repaired", {**WORDS, **DRAWN, **LAST, **LONG, "remove_invalid_values": True}, "nan"),
]


def allowed(prompt, ids):
    """Which tokens may follow in the case of that name: five that depend on the last token."""
    return [(int(ids[-1]) * 3 + prompt + i * 7) % VOCAB for i in range(5)]


def random(*shape):
    return (torch.randn(*shape) * 3 * 1e5).round() / 1e5


def changed(scores, how):
    if how in ("invalid", "nan"):
        scores[:, 1] = math.nan
    if how == "invalid":
        scores[:, 4] = math.inf
        scores[:, 5] = -math.inf
    elif how == "ties":
        scores = scores.round()
    elif how == "forbidden":
        scores[:, ::3] = -math.inf
    elif how == "one":
        scores[:, :17] = -math.inf
        scores[:, 18:] = -math.inf
    return scores


def number(value):
    if math.isnan(value):
        return "NaN"
    if value == math.inf:
        return "Infinity"
    return None if value == -math.inf else float(str(numpy.float32(value)))


def numbers(scores):
    return [number(value) for value in scores.tolist()]


def options_case(model, name, options, how):
    defaults = GenerationConfig._get_default_generation_params()
    config = GenerationConfig(**{**defaults, **options, "eos_token_id": EOS})
    config.max_length = PREFIX + options.get("max_new_tokens", 20)
    config._eos_token_tensor = torch.tensor(EOS)
    rows = []
    for length in LENGTHS:
        # Few different ids, so that runs of them occur again.
        ids = torch.randint(0, 4, (ROWS, length))
        prompts = ids[:, PREFIX - PROMPT : PREFIX]
        scores = changed(random(ROWS, VOCAB), how)
        for row in range(ROWS):  # by itself, so that with beams it is the one beam of its prompt
            one = slice(row, row + 1)
            processors = model._get_logits_processor(
                config,
                input_ids_seq_length=PREFIX,
                encoder_input_ids=prompts[one],
                prefix_allowed_tokens_fn=(lambda _, sent, row=row: allowed(row, sent)) if name.startswith("prefix") else None,
                device="cpu",
            )
            made = processors(ids[one], scores[one].clone())[0]
            rows.append(dict(prompt=row, ids=ids[row].tolist(), scores=numbers(scores[row]), expected=numbers(made)))
    return dict(name=name, options={**options, "eos_token_id": EOS}, rows=rows)


class Scripted:
    """A language model that answers with prepared logits."""

    def __init__(self, logits):
        self.logits = iter(logits)

    def __call__(self, input_ids, **others):
        from transformers.utils import ModelOutput

        step = next(self.logits)
        return ModelOutput(logits=step[:, None, :], past_key_values=None)


def guidance():
    steps, cases = 3, []
    for scale in (0.5, 1.5, 4.0):
        unconditional = random(steps, ROWS, VOCAB)
        scores = random(steps, ROWS, VOCAB)
        tokens = torch.randint(0, VOCAB, (ROWS, PREFIX + steps))
        processor = UnbatchedClassifierFreeGuidanceLogitsProcessor(scale, Scripted(unconditional))
        made = [processor(tokens[:, : PREFIX + step], scores[step].clone()) for step in range(steps)]
        cases.append(
            dict(
                scale=scale,
                ids=tokens.tolist(),
                prefix=PREFIX,
                unconditional=[[numbers(row) for row in step] for step in unconditional],
                scores=[[numbers(row) for row in step] for step in scores],
                expected=[[numbers(row) for row in step] for step in made],
            )
        )
    return dict(cases=cases)


def watermark():
    """Sizes of the published vocabularies: the sum and the first of the ids that are favoured, and torch's generator itself."""
    cases = []
    for vocabulary in (50272, 32128):
        for ratio in (0.25, 0.5):
            for token in (0, 2, 30000):
                processor = WatermarkLogitsProcessor(vocabulary, "cpu", greenlist_ratio=ratio)
                ids = processor._get_greenlist_ids(torch.tensor([token]))
                cases.append(
                    dict(vocabulary=vocabulary, ratio=ratio, token=token, count=len(ids), sum=int(ids.sum()), least=sorted(ids.tolist())[:8])
                )
    orders = []
    generator = torch.Generator()
    for seed in (0, 1, 5489, 4294967295, 4294967296 + 12, 15485863 * 50265):
        for n in (1, 2, 700, 5000):
            generator.manual_seed(seed)
            order = torch.randperm(n, generator=generator).tolist()
            orders.append(dict(seed=seed, n=n, first=order[:12], last=order[-3:]))
    return dict(favoured=cases, orders=orders)


def main():
    torch.manual_seed(20260)
    model = OPTForCausalLM(
        OPTConfig(vocab_size=VOCAB, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, ffn_dim=8, word_embed_proj_dim=8)
    )
    cases = [options_case(model, *case) for case in SINGLE + COMBINED]
    os.makedirs(OUT, exist_ok=True)
    files = dict(
        processors=dict(vocabulary=VOCAB, eos=EOS, prefix=PREFIX, prompt=PROMPT, cases=cases),
        guidance=guidance(),
        watermark=watermark(),
    )
    for name, content in files.items():
        with open(os.path.join(OUT, name + ".json"), "w") as file:
            json.dump(content, file, allow_nan=False, separators=(",", ":"))
            file.write("\n")


if __name__ == "__main__":
    main()
