# SPDX-License-Identifier: Apache-2.0
"""Measures captions of the held-out drawings: python evaluate.py DATA (--checkpoint DIR | --predictions FILE) [--write-pictures DIR]

DATA is what prepare.mjs wrote. With --checkpoint, transformers captions every held-out drawing; with --predictions the captions
are read from the output of `bin/blip2 caption --json PICTURE…`, one JSON object with "file" and "text" a line, so that the same
table can be made for any program. --write-pictures writes the drawings as PNG files on white ground, named by concept, and stops.
"""

import argparse
import collections
import json
import os

import torch
from PIL import Image

import pictures
import texts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--checkpoint")
    parser.add_argument("--predictions")
    parser.add_argument("--write-pictures", metavar="DIR")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    concepts = pictures.concepts()
    drawings, labels = pictures.load(arguments.data, held_out=True)
    images = [Image.fromarray(picture) for picture in pictures.plain(drawings)]
    names = [concepts[label]["icon"] for label in labels.tolist()]
    if arguments.write_pictures:
        os.makedirs(arguments.write_pictures, exist_ok=True)
        for name, image in zip(names, images):
            image.save(os.path.join(arguments.write_pictures, name + ".png"), optimize=True)
        return
    if arguments.predictions:
        with open(arguments.predictions, encoding="utf-8") as file:
            told = {os.path.splitext(os.path.basename(line["file"]))[0]: line["text"] for line in map(json.loads, file)}
        captions = [told[name] for name in names]
    else:
        captions = caption(arguments.checkpoint, images)
    table([concepts[label] for label in labels.tolist()], captions)


@torch.inference_mode()
def caption(checkpoint, images):
    from transformers import AutoTokenizer, Blip2ForConditionalGeneration, BlipImageProcessorPil

    model = Blip2ForConditionalGeneration.from_pretrained(checkpoint, dtype=torch.float32).eval()
    processor = BlipImageProcessorPil.from_pretrained(checkpoint)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    captions = []
    for start in range(0, len(images), 32):
        pixels = processor(images[start : start + 32], return_tensors="pt")["pixel_values"]
        ids = model.generate(pixel_values=pixels, max_new_tokens=30)
        captions += [text.strip() for text in tokenizer.batch_decode(ids, skip_special_tokens=True)]
    return captions


def table(concepts, captions):
    right = [texts.caption(concept) == text for concept, text in zip(concepts, captions)]
    by_category = collections.defaultdict(list)
    for concept, good in zip(concepts, right):
        by_category[concept["category"]].append(good)
    print("| category | pictures | exact name |\n|---|---|---|")
    for category, results in sorted(by_category.items()):
        print(f"| {category} | {len(results)} | {100 * sum(results) / len(results):.0f} % |")
    print(f"| **all** | {len(right)} | **{100 * sum(right) / len(right):.1f} %** |\n")
    print("| shown | said |\n|---|---|")
    for concept, text, good in zip(concepts, captions, right):
        if not good:
            print(f"| {texts.caption(concept)} | {text} |")


if __name__ == "__main__":
    main()
