# SPDX-License-Identifier: Apache-2.0
"""Writes the reference cases: python make_reference.py [--out DIR] [--find-seed] [NAME...]"""

import argparse
import os
import platform
import shutil
import sys
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import numpy
import safetensors
import tokenizers
import torch
import transformers
from PIL import Image, __version__ as pillow_version
from safetensors.torch import save_file
from transformers import Blip2ForConditionalGeneration, Blip2Processor, BlipImageProcessorPil

from reference import expected, models, pictures
from reference.cases import CASES

DEFAULT_OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "resources", "reference")
MARGIN = 2e-3  # scores closer than this could change places through rounding alone
TEXTS = [
    ("a photo of a cat", True),
    ("Question: how many cats are there? Answer:", True),
    ("", True),
    ("two  spaces,\na new line\tand a tab", True),
    ("naïve café — 日本語 😀", False),
    ("the dog is on the beach", False),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="cases to write; all when none is given")
    parser.add_argument("--out", default=os.path.normpath(DEFAULT_OUT))
    parser.add_argument("--find-seed", action="store_true", help="try seeds and print the first that is fit; write nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    transformers.utils.logging.disable_progress_bar()
    known = {case.name: case for case in CASES}
    for name in arguments.names or known:
        if name not in known:
            sys.exit(f"no case {name!r}; there are {', '.join(known)}")
        if arguments.find_seed:
            find_seed(known[name])
        else:
            write(known[name], os.path.join(arguments.out, name), known[name].seed)


def find_seed(case):
    for seed in range(case.seed, case.seed + 400):
        with tempfile.TemporaryDirectory() as folder:
            problem = write(case, folder, seed, strict=False)
        print(case.name, seed, problem or "fit", flush=True)
        if not problem:
            return


def write(case, folder, seed, strict=True):
    """Writes one case. A case that could not tell right from wrong is an error, or with strict=False returned as text."""
    shutil.rmtree(folder, ignore_errors=True)
    checkpoint = os.path.join(folder, "checkpoint")
    tokenizer = models.tokenizer_of(case)
    built = models.build(case, tokenizer, seed)
    models.save(case, built, tokenizer, checkpoint)
    # What is written down comes from the file as transformers reads it, widened to float32.
    model = Blip2ForConditionalGeneration.from_pretrained(checkpoint, dtype=torch.float32).eval()
    loaded = model.state_dict()
    assert all(torch.equal(value, loaded[name]) for name, value in built.state_dict().items())
    inputs = make_inputs(case, model.config, tokenizer, seed)
    interpolate = case.pixels is not None
    outputs = expected.stages(model, inputs, interpolate)
    problem = None if all(torch.isfinite(value).all() for value in outputs.values()) else "not finite"
    entries = []
    for call in case.generates:
        entry = {"name": call.name, "inputs": call.inputs, "options": call.options}
        if call.rows:
            entry["rows"] = call.rows
        sequences, new, margin = expected.generate(model, inputs, entry, interpolate, call.hidden_options)
        problem = problem or unfit(case, call, new, margin)
        entries.append({**entry, "sequences": sequences.tolist(), "smallest_margin": round(margin, 5)})
    if not case.hidden_states:
        outputs = {key: value for key, value in outputs.items() if ".hidden_states." not in key}
    images, texts = [], []
    if case.pictures:
        images, texts, more = through_processor(checkpoint, os.path.join(folder, "images"), case)
        outputs.update(more)
    tensors = {"input." + key: value.contiguous() for key, value in inputs.items()}
    tensors.update(outputs)
    path = os.path.join(folder, "reference.safetensors")
    save_file(tensors, path)
    os.chmod(path, 0o644)
    models.finish(case, checkpoint)
    models.write_json(
        os.path.join(folder, "reference.json"),
        {
            "model": "Blip2ForConditionalGeneration",
            "about": case.about,
            "provenance": "src/test/python/make_reference.py, random weights",
            "versions": versions(),
            "seed": seed,
            "interpolate_pos_encoding": interpolate,
            "generate": entries,
            "images": images,
            "texts": texts,
            "errors": expected.errors(model, inputs, interpolate, outputs),
        },
    )
    if problem and strict:
        sys.exit(f"{case.name}: {problem}; find another seed with --find-seed")
    if strict:
        smallest = min(entry["smallest_margin"] for entry in entries)
        print(f"{case.name}: {size(folder) / 1000:.0f} kB, smallest margin {smallest}")
    return problem


def unfit(case, call, new, margin):
    if margin < MARGIN:
        return f"{call.name}/{call.inputs}: margin {margin:.2g}"
    if new.shape[1] >= 15 and any(len(set(row.tolist())) < case.distinct for row in new):
        return f"{call.name}/{call.inputs}: a row repeats itself"
    if len(new) > 1 and len({tuple(row.tolist()) for row in new}) < len(new):
        return f"{call.name}/{call.inputs}: two rows are equal"
    return None


def make_inputs(case, config, tokenizer, seed):
    """Pictures of noise around a colour of their own; prompts as the processor lays them out, image tokens first."""
    generator = torch.Generator().manual_seed(1000 + seed)
    rows = len(case.prompts)
    height, width = case.pixels or (case.vision["image_size"],) * 2
    colour = 1.5 * torch.randn(rows, 3, 1, 1, generator=generator)
    text = tokenizer(case.prompts, padding=True, return_tensors="pt")
    ids, mask = text.input_ids, text.attention_mask
    if not case.legacy:
        images = torch.full((rows, case.queries), config.image_token_index)
        ids = torch.cat([images, ids], dim=1)
        mask = torch.cat([torch.ones_like(images), mask], dim=1)
    inputs = {
        "pixel_values": colour + torch.randn(rows, 3, height, width, generator=generator),
        "input_ids": ids,
        "attention_mask": mask,
    }
    vocab = config.text_config.vocab_size
    target = (rows, 7) if models.is_t5(case) else ids.shape
    if case.labels:
        labels = torch.randint(3, vocab, target, generator=generator)
        if models.is_t5(case):
            labels[0, -2:] = -100
        else:
            labels = torch.where(ids == config.image_token_index, -100, ids).where(mask == 1, -100)
            labels[0, -2] = -100
        inputs["labels"] = labels
    if case.decoder_ids:
        inputs["decoder_input_ids"] = torch.randint(3, vocab, target, generator=generator)
        inputs["decoder_input_ids"][:, 0] = config.text_config.decoder_start_token_id
    return inputs


def through_processor(checkpoint, folder, case):
    processor = Blip2Processor(
        BlipImageProcessorPil.from_pretrained(checkpoint),
        transformers.AutoTokenizer.from_pretrained(checkpoint),
        num_query_tokens=case.queries,
    )
    names = pictures.write(folder)
    tensors, texts = {}, []
    for name in names:
        with Image.open(os.path.join(folder, name)) as picture:
            pixels = processor(images=picture, return_tensors="pt")["pixel_values"][0]
        tensors["expected.images." + name] = pixels.contiguous()
    with Image.open(os.path.join(folder, names[0])) as picture:
        for text, with_image in TEXTS:
            encoded = processor(images=picture if with_image else None, text=text)
            ids = encoded["input_ids"][0]
            texts.append(
                {
                    "text": text,
                    "with_image": with_image,
                    "input_ids": ids,
                    "attention_mask": encoded["attention_mask"][0],
                    "decoded": processor.decode(ids, skip_special_tokens=True),
                }
            )
    return names, texts, tensors


def versions():
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "tokenizers": tokenizers.__version__,
        "safetensors": safetensors.__version__,
        "numpy": numpy.__version__,
        "pillow": pillow_version,
    }


def size(folder):
    return sum(os.path.getsize(os.path.join(path, name)) for path, _, files in os.walk(folder) for name in files)


if __name__ == "__main__":
    main()
