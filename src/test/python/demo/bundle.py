# SPDX-License-Identifier: Apache-2.0
"""Bundles a trained model and writes what transformers does with it: python bundle.py DATA [CHECKPOINT]

DATA is what prepare.mjs wrote, CHECKPOINT what train.py wrote; without one, the bundled model is taken as it is. Writes:

  docs/pictures                       the drawings of the README
  src/test/resources/demo/pictures    the held-out drawings on white ground, as people would show them
  src/test/resources/demo/expected.json   token ids for each of them: a caption, one with a prompt, and an answer, greedy, in float32
  blip2-demo-model/src/main/resources/…/demo-model   checkpoint/, its reference case for `bin/blip2 verify`, and SHA256SUMS

A drawing at which two tokens are almost equally good is left out of expected.json, and named: rounding may choose either.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch
import transformers
from PIL import Image
from safetensors.torch import save_file
from transformers import AutoTokenizer, Blip2ForConditionalGeneration, Blip2Processor, BlipImageProcessorPil

import evaluate
import pictures
import texts

MARGIN = 5e-4
NEW_TOKENS = 30  # the library's default
QUESTION = texts.FORMS[0]  # the library's words around a question
EXAMPLES = evaluate.ROOT / "docs/pictures"


class Reference:
    def __init__(self, checkpoint):
        transformers.utils.logging.disable_progress_bar()
        folder = str(checkpoint)
        self.model = Blip2ForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
        images, tokenizer = BlipImageProcessorPil.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
        self.processor = Blip2Processor(images, tokenizer, num_query_tokens=self.model.config.num_query_tokens)

    @torch.inference_mode()
    def generate(self, images, prompt):
        """New token ids up to the end token, text, and the smallest lead of a best token, for each image."""
        if not images:
            return []
        inputs = self.processor(images=images, text=None if prompt is None else [prompt] * len(images), return_tensors="pt")
        options = dict(max_new_tokens=NEW_TOKENS, do_sample=False, output_logits=True, return_dict_in_generate=True)
        out = self.model.generate(**inputs, **options)
        best = torch.stack(out.logits, dim=1).topk(2).values
        end = self.model.config.text_config.eos_token_id
        results = []
        for row, leads in zip(out.sequences[:, -len(out.logits) :].tolist(), best[..., 0] - best[..., 1]):
            length = row.index(end) + 1 if end in row else len(row)
            text = self.processor.decode(row[:length], skip_special_tokens=True).strip()
            results.append({"token_ids": row[:length], "text": text, "margin": round(leads[:length].min().item(), 4)})
        return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("checkpoint", type=Path, nargs="?", default=evaluate.BUNDLED / "checkpoint")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    write_pictures(arguments.data)
    bundle(arguments.checkpoint, evaluate.BUNDLED)
    reference = Reference(evaluate.BUNDLED / "checkpoint")
    write_case(reference)
    write_sums(evaluate.BUNDLED)
    write_expected(reference)


def write_pictures(data):
    replace(evaluate.PICTURES)
    drawings, labels = pictures.load(data, held_out=True)
    concepts = pictures.concepts()
    for label, pixels in zip(labels.tolist(), pictures.plain(drawings)):
        if pictures.told(concepts[label]):
            Image.fromarray(pixels).save(evaluate.picture(concepts[label]), optimize=True)
    replace(EXAMPLES, keep=".md")
    for path in (data / "examples").iterdir():
        shutil.copyfile(path, EXAMPLES / path.name)


def bundle(checkpoint, folder):
    target = folder / "checkpoint"
    if checkpoint.resolve() != target.resolve():
        replace(target)
        for path in checkpoint.iterdir():
            shutil.copyfile(path, target / path.name)


def replace(folder, keep="nothing"):
    """An empty folder in the place of the old one."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.suffix != keep:
            path.unlink()


def write_case(reference):
    sys.path.append(str(evaluate.HERE.parent))
    import make_case

    image = Image.open(evaluate.picture(evaluate.concepts()[0]))
    inputs = reference.processor(images=image, text=QUESTION.format(texts.NAMES[0]), return_tensors="pt")
    calls = ["image", "image+text"]
    make_case.write(evaluate.BUNDLED, reference.model, dict(inputs), calls, NEW_TOKENS, "src/test/python/demo/bundle.py")


def write_sums(folder):
    """As sha256sum writes them; the program copies by this list where it lies in a jar."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    lines = []
    for path in files:
        path.chmod(0o644)
        lines.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n")
    (folder / "SHA256SUMS").write_text("".join(lines))


def write_expected(reference):
    shown = [concept for concept in evaluate.concepts() if evaluate.picture(concept).exists()]
    drawn = [(concept, evaluate.picture(concept)) for concept in shown]
    names = {concept["icon"]: concept for concept in shown}
    examples = [(names[path.stem], path) for path in sorted(EXAMPLES.glob("*.png"))]
    versions = {"transformers": transformers.__version__, "torch": torch.__version__}
    with open(evaluate.EXPECTED, "w", encoding="utf-8") as file:
        file.write(f'{{\n"versions": {json.dumps(versions)}')
        for key, some in (("pictures", drawn), ("examples", examples)):
            lines = [json.dumps(case) for case in cases(reference, some)]
            file.write(f',\n"{key}": [\n' + ",\n".join(lines) + "\n]")
        file.write("\n}\n")


def cases(reference, drawn):
    """For each drawing a caption, one with a prompt, and an answer: its colour where it has one, else its name or its kind."""
    todo = {None: list(range(len(drawn))), "a photo of": list(range(len(drawn)))}
    for i, (concept, _) in enumerate(drawn):
        kind = texts.COLOURS if concept["colour"] else (texts.NAMES, texts.KINDS)[i % 2]
        todo.setdefault(QUESTION.format(kind[0]), []).append(i)
    images = [Image.open(path).convert("RGB") for _, path in drawn]
    runs = [[] for _ in drawn]
    for prompt, rows in todo.items():
        for i, result in zip(rows, reference.generate([images[i] for i in rows], prompt)):
            runs[i].append({**asked(drawn[i][0], prompt), **result})
    for (concept, path), some in zip(drawn, runs):
        if min(run["margin"] for run in some) < MARGIN:
            print(f"left out: {path.name}, whose smallest margin is {min(run['margin'] for run in some)}")
        else:
            yield {"file": path.relative_to(evaluate.ROOT).as_posix(), "runs": some}


def asked(concept, prompt):
    """How a run was asked for, and the text that was trained for."""
    if prompt is None or prompt == "a photo of":
        return {"prompt": prompt, "right": texts.caption(concept)}
    right = {QUESTION.format(question): (question, answer) for question, answer in texts.questions(concept)}[prompt]
    return {"question": right[0], "right": right[1]}


if __name__ == "__main__":
    main()
