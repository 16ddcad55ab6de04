# SPDX-License-Identifier: Apache-2.0
"""Measures a retrieval model on the held-out drawings: python evaluate_retrieval.py CHECKPOINT [--names]

The drawings are src/test/resources/demo/pictures, of a vendor that no drawing trained on is from. transformers scores every drawing
against the text of every thing: by ITC, the cosine, and by ITM, the raw logit of a match plus the cosine, for the RERANKED things that
the cosine puts first. A drawing is right when its own text has the highest score of all, a text when its own drawing has. Markdown
tables are printed: how many are right, and which are wrong.

A text is the caption ("a red apple"); with --names the bare name ("apple").
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch
import transformers
from PIL import Image
from transformers import AutoTokenizer, Blip2ForImageTextRetrieval, BlipImageProcessorPil

import evaluate
import texts

RERANKED = 16
BATCH = 100


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--names", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    files, said = drawings(arguments.names)
    reference = Reference(arguments.checkpoint, files, said)
    print(table(said, {"ITC": [reference.cosines] * 2, f"ITM of the first {RERANKED}": reference.reranked()}))


def drawings(names=False):
    """Files of the held-out drawings, and a text for each."""
    shown = [concept for concept in evaluate.concepts() if evaluate.picture(concept).exists()]
    said = [concept["name"] if names else texts.caption(concept) for concept in shown]
    return [evaluate.picture(concept) for concept in shown], said


class Reference:
    @torch.inference_mode()
    def __init__(self, checkpoint, files, said):
        self.model = Blip2ForImageTextRetrieval.from_pretrained(checkpoint, dtype=torch.float32).eval()
        images = [Image.open(file).convert("RGB") for file in files]
        self.pixels = BlipImageProcessorPil.from_pretrained(checkpoint)(images, return_tensors="pt").pixel_values
        self.texts = AutoTokenizer.from_pretrained(checkpoint)(said, padding=True, return_tensors="pt")
        self.contrast = self.model(self.pixels, self.texts.input_ids, self.texts.attention_mask)
        self.cosines = self.contrast.logits_per_image

    @torch.inference_mode()
    def match(self, pairs):
        """The logit of a match of each pair of drawing and text."""
        logits = []
        for drawings, said in zip(*(index.split(BATCH) for index in pairs)):
            words = self.texts.input_ids[said], self.texts.attention_mask[said]
            logits.append(self.model(self.pixels[drawings], *words, use_image_text_matching_head=True).logits_per_image[:, 1])
        return torch.cat(logits)

    def reranked(self):
        """Two tables [drawings, texts]: the first to find a drawing's text in its row, the second a text's drawing in its column."""
        first = [torch.zeros_like(self.cosines).scatter(axis, self.cosines.topk(RERANKED, axis).indices, 1) > 0 for axis in (1, 0)]
        pairs = (first[0] | first[1]).nonzero(as_tuple=True)
        scores = self.cosines.index_put(pairs, self.match(pairs) + self.cosines[pairs])
        return [scores.masked_fill(~some, -torch.inf) for some in first]


def table(said, scores):
    lines = ["| score | right name first | among the first 5 | right drawing first | among the first 5 |", "|---|---|---|---|---|"]
    wrong = ["| by | asked | first |", "|---|---|---|"]
    count = len(said)
    for kind, (rows, columns) in scores.items():
        cells = []
        for question, found in (("drawing", rows), ("name", columns.T)):
            best = found.topk(5, 1).indices
            right = best == torch.arange(count)[:, None]
            cells += [f"{100 * right[:, :end].any(1).float().mean():.1f} %" for end in (1, 5)]
            wrong += [f"| {kind} | {question} of {said[i]} | {said[best[i, 0]]} |" for i in range(count) if not right[i, 0]]
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *wrong])


if __name__ == "__main__":
    main()
