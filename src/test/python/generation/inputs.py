# SPDX-License-Identifier: Apache-2.0
"""What the cases give to generate: pictures by name and prompts of random ids."""

import random

import torch

from .models import IMAGE, QUERIES, noise

PICTURES = [f"picture-{i}" for i in range(12)]


def pictures():
    pixels = noise(torch.Generator().manual_seed(20), len(PICTURES))
    return {name: pixels[i].contiguous() for i, name in enumerate(PICTURES)}


class Inputs:
    """One batch. shape: "image" (pixel values alone), "text" (prompts), "left" (prompts, padding before the image ids too)."""

    def __init__(self, name, model, rows, shape, longest=7, highest=IMAGE):
        chance = random.Random(name)
        self.pictures = chance.sample(PICTURES, rows)
        self.input_ids = self.attention_mask = None
        if shape == "image":
            return
        lengths = chance.sample(range(1, longest + 1), rows)
        texts = [[chance.randrange(5, highest) for _ in range(length)] for length in lengths]
        width = max(lengths) + 1
        self.input_ids, self.attention_mask = [], []
        for text in texts:
            gap = width - len(text) - 1
            image, zeros = [IMAGE] * QUERIES, [0] * gap
            if model == "t5":  # text, end, padding
                ids, mask = image + text + [1] + [0] * gap, [1] * (QUERIES + len(text) + 1) + zeros
            elif shape == "left":
                ids, mask = [1] * gap + image + [2] + text, zeros + [1] * (QUERIES + len(text) + 1)
            else:
                ids, mask = image + [1] * gap + [2] + text, [1] * QUERIES + zeros + [1] * (len(text) + 1)
            self.input_ids.append(ids)
            self.attention_mask.append(mask)
        if rows == 1 and chance.random() < 0.5:
            self.attention_mask = None

    def arguments(self, pixels):
        return dict(
            pixel_values=torch.stack([pixels[name] for name in self.pictures]),
            input_ids=None if self.input_ids is None else torch.tensor(self.input_ids),
            attention_mask=None if self.attention_mask is None else torch.tensor(self.attention_mask),
        )
