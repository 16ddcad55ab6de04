# SPDX-License-Identifier: Apache-2.0
"""Writes the reference cases of retrieval models: python retrieval_reference.py [--out DIR] [--find-seed] [NAME...]"""

import argparse
import os
import shutil
import sys
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch
import transformers
from PIL import Image
from safetensors.torch import save_file

from make_reference import DEFAULT_OUT, size, versions
from reference import models, pictures, retrieval

BEST = 2  # how many of the ITC order are ranked again
TEXTS = ["a photo of a cat", "Two dogs, running!", "naïve café — 日本語 😀", "umbrellas 1969"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="cases to write; all when none is given")
    parser.add_argument("--out", default=os.path.normpath(DEFAULT_OUT))
    parser.add_argument("--find-seed", action="store_true", help="try seeds and print the first that is fit; write nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    transformers.utils.logging.disable_progress_bar()
    known = {case.name: case for case in retrieval.CASES}
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
    model = retrieval.build(case, checkpoint, seed)
    inputs = retrieval.make_inputs(case.images, case.texts, model, checkpoint, seed)
    outputs = retrieval.stages(model, inputs)
    problem = retrieval.unfit(model, inputs, outputs)
    if not strict:
        return problem
    if problem:
        sys.exit(f"{case.name}: {problem}; find another seed with --find-seed")
    if not case.hidden_states:
        outputs = {key: value for key, value in outputs.items() if ".hidden_states." not in key}
    errors = retrieval.errors(model, inputs, outputs)
    (texts_of_images, images_of_texts), margin = retrieval.ranking(outputs, BEST)
    images, texts = [], []
    if case.pictures:
        images, texts, more = through_processor(checkpoint, os.path.join(folder, "images"), model)
        outputs.update(more)
    tensors = {"input." + key: value.clone().contiguous() for key, value in inputs.items()} | outputs
    path = os.path.join(folder, "reference.safetensors")
    save_file(tensors, path)
    os.chmod(path, 0o644)
    models.write_json(
        os.path.join(folder, "reference.json"),
        {
            "model": "Blip2ForImageTextRetrieval",
            "about": case.about,
            "provenance": "src/test/python/retrieval_reference.py, random weights",
            "versions": versions(),
            "seed": seed,
            "text_inputs": case.texts,
            "ranking": {
                "best": BEST,
                "texts_of_images": texts_of_images,
                "images_of_texts": images_of_texts,
                "smallest_margin": round(margin, 5),
            },
            "images": images,
            "texts": texts,
            "errors": errors,
        },
    )
    print(f"{case.name}: {size(folder) / 1000:.0f} kB, smallest margin {margin:.4f}, largest error {max(errors.values()):.1e}")
    return None


def through_processor(checkpoint, folder, model):
    processor = retrieval.processor_of(checkpoint, model)
    names = pictures.write(folder)
    tensors, texts = {}, []
    for name in names:
        with Image.open(os.path.join(folder, name)) as picture:
            tensors["expected.images." + name] = processor(images=picture, return_tensors="pt")["pixel_values"][0].contiguous()
    for text in TEXTS:
        encoded = processor(text=text)
        # Without a list the ids of one text come as a flat list here.
        ids, mask = (encoded[key][0] if isinstance(encoded[key][0], list) else encoded[key] for key in ("input_ids", "attention_mask"))
        decoded = processor.decode(ids, skip_special_tokens=True)
        texts.append({"text": text, "with_image": False, "input_ids": ids, "attention_mask": mask, "decoded": decoded})
    return names, texts, tensors


if __name__ == "__main__":
    main()
