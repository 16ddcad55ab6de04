# SPDX-License-Identifier: Apache-2.0
"""Recomputes the reference cases from the files alone and compares: python check_reference.py [--dir DIR] [NAME...]

Exit code 1 if anything differs. Each case is its own: what is read is the folder, as anyone else would read it.
"""

import argparse
import os
import sys
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import Blip2ForConditionalGeneration, Blip2Processor, BlipImageProcessorPil

from reference import expected, models, retrieval

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--dir", default=os.path.normpath(os.path.join(HERE, "..", "resources", "reference")))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    failed = 0
    for name in arguments.names or sorted(os.listdir(arguments.dir)):
        folder = os.path.join(arguments.dir, name)
        if not os.path.exists(os.path.join(folder, "reference.json")):
            continue
        meta = models.read_json(os.path.join(folder, "reference.json"))
        kinds = {"Blip2ForConditionalGeneration": check, "Blip2ForImageTextRetrieval": check_retrieval}
        if meta["model"] not in kinds:
            continue
        problems, checks = kinds[meta["model"]](folder, meta)
        failed += bool(problems)
        print(f"{name}: {checks} checks, {len(problems)} failed")
        for problem in problems:
            print("   ", problem)
    sys.exit(1 if failed else 0)


def check(folder, meta):
    tensors = load_file(os.path.join(folder, "reference.safetensors"))
    inputs = {key.removeprefix("input."): value for key, value in tensors.items() if key.startswith("input.")}
    model = load(os.path.join(folder, "checkpoint"))
    problems, checks = [], 0
    interpolate = meta["interpolate_pos_encoding"]
    got = expected.stages(model, inputs, interpolate)
    for key, want in tensors.items():
        if key.startswith("expected.") and not key.startswith("expected.images."):
            checks += 1
            problem = distance(want, got[key], meta["errors"][key])
            if problem:
                problems.append(f"{key}: {problem}")
    for entry in meta["generate"]:
        checks += 1
        sequences, _, margin = expected.generate(model, inputs, entry, interpolate, ends(folder, model, entry))
        if sequences.tolist() != entry["sequences"]:
            problems.append(f"generate/{entry['name']}/{entry['inputs']}: other ids, smallest margin {margin:.2g}")
        if expected.is_legacy(model):
            checks += 1
            if with_image_tokens(model, inputs, entry) != entry["sequences"]:
                problems.append(f"generate/{entry['name']}/{entry['inputs']}: other ids with image tokens")
    for key, ok in through_processor(folder, meta, tensors, model):
        checks += 1
        if not ok:
            problems.append(key)
    for key, error in expected.errors(model, inputs, interpolate, tensors).items():
        checks += 1
        if abs(error - meta["errors"][key]) > 0.02 * error:
            problems.append(f"errors/{key}: {meta['errors'][key]}, recomputed {error}")
    return problems, checks


def check_retrieval(folder, meta):
    tensors = load_file(os.path.join(folder, "reference.safetensors"))
    inputs = {key.removeprefix("input."): value for key, value in tensors.items() if key.startswith("input.")}
    checkpoint = os.path.join(folder, "checkpoint")
    model = retrieval.load(checkpoint)
    got = retrieval.stages(model, inputs)
    problems, checks = [], 0
    for key, want in tensors.items():
        if key.startswith("expected.") and not key.startswith("expected.images."):
            checks += 1
            problem = distance(want, got[key], meta["errors"][key])
            if problem:
                problems.append(f"{key}: {problem}")
    ranks = meta["ranking"]
    checks += 1
    if retrieval.ranking(got, ranks["best"])[0] != [ranks["texts_of_images"], ranks["images_of_texts"]]:
        problems.append("ranking")
    processor = retrieval.processor_of(checkpoint, model)
    encoded = processor(text=meta["text_inputs"], padding=True, return_tensors="pt")
    checks += 1
    if not torch.equal(encoded["input_ids"], inputs["text_only.input_ids"]):
        problems.append("input.text_only.input_ids")
    for entry in meta["texts"]:
        checks += 1
        ids = processor.tokenizer(entry["text"]).input_ids
        if ids != entry["input_ids"] or processor.decode(ids, skip_special_tokens=True) != entry["decoded"]:
            problems.append(f"texts/{entry['text']!r}")
    for key, error in retrieval.errors(model, inputs, tensors).items():
        checks += 1
        if abs(error - meta["errors"][key]) > 0.02 * error:
            problems.append(f"errors/{key}: {meta['errors'][key]}, recomputed {error}")
    return problems, checks


def ends(folder, model, entry):
    """The end tokens of config.json and generation_config.json together; transformers reads those of text_config alone."""
    if "eos_token_id" in entry["options"]:
        return None
    together = set()
    for value in (
        model.config.text_config.eos_token_id,
        models.read_json(os.path.join(folder, "checkpoint", "generation_config.json")).get("eos_token_id"),
    ):
        together.update(value if isinstance(value, list) else [] if value is None else [value])
    return {"eos_token_id": sorted(together)}


def with_image_tokens(model, inputs, entry):
    """What the present layout gives: standing in front is the same as replacing image tokens that stand in front."""
    image = model.config.text_config.vocab_size - 1
    assert not (inputs["input_ids"] == image).any()
    rows, queries = len(inputs["input_ids"]), model.config.num_query_tokens
    runs = torch.full((rows, queries), image)
    present = {
        "pixel_values": inputs["pixel_values"],
        "input_ids": torch.cat([runs, inputs["input_ids"]], dim=1),
        "attention_mask": torch.cat([torch.ones_like(runs), inputs["attention_mask"]], dim=1),
    }
    model.config.image_token_index = image
    sequences, _, _ = expected.generate(model, present, entry, False)
    model.config.image_token_index = None
    return (sequences if expected.is_t5(model) else sequences[:, queries:]).tolist()


def distance(want, got, error):
    """What is wrong, or None. On another processor, rounding of the size of the reference's own error is to be expected."""
    if want.shape != got.shape:
        return f"shape {list(want.shape)}, recomputed {list(got.shape)}"
    scale = want.pow(2).mean().sqrt().item()
    worst = (want - got).abs().max().item()
    return None if worst <= max(1e-5, 10 * error) * scale else f"off by {worst:.2g} at a scale of {scale:.2g}"


def load(checkpoint):
    """Loads the checkpoint, joining q_bias and v_bias first where they are apart."""
    path = os.path.join(checkpoint, "model.safetensors")
    state = load_file(path) if os.path.exists(path) else {}
    if not any(name.endswith(".self_attn.q_bias") for name in state):
        return Blip2ForConditionalGeneration.from_pretrained(checkpoint, dtype=torch.float32).eval()
    joined = {}
    for name, tensor in state.items():
        if name.endswith(".q_bias"):
            value = state[name.replace(".q_bias", ".v_bias")]
            joined[name.replace(".q_bias", ".qkv.bias")] = torch.cat([tensor, torch.zeros_like(tensor), value])
        elif not name.endswith(".v_bias"):
            joined[name] = tensor
    with tempfile.TemporaryDirectory() as folder:
        save_file(joined, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
        models.write_json(os.path.join(folder, "config.json"), models.read_json(os.path.join(checkpoint, "config.json")))
        return Blip2ForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()


def through_processor(folder, meta, tensors, model):
    if not meta["images"] and not meta["texts"]:
        return
    checkpoint = os.path.join(folder, "checkpoint")
    processor = Blip2Processor(
        BlipImageProcessorPil.from_pretrained(checkpoint),
        transformers.AutoTokenizer.from_pretrained(checkpoint),
        num_query_tokens=model.config.num_query_tokens,
    )
    for name in meta["images"]:
        with Image.open(os.path.join(folder, "images", name)) as picture:
            pixels = processor(images=picture, return_tensors="pt")["pixel_values"][0]
        yield f"images/{name}", torch.equal(pixels, tensors["expected.images." + name])
    gray = Image.new("RGB", (8, 8), (128, 128, 128))
    for entry in meta["texts"]:
        encoded = processor(images=gray if entry["with_image"] else None, text=entry["text"])
        ids = encoded["input_ids"][0]
        same = ids == entry["input_ids"] and encoded["attention_mask"][0] == entry["attention_mask"]
        yield f"texts/{entry['text']!r}", same and processor.decode(ids, skip_special_tokens=True) == entry["decoded"]


if __name__ == "__main__":
    main()
