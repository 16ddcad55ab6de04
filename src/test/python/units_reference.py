# SPDX-License-Identifier: Apache-2.0
"""Writes what torch and transformers make of small parts of the model: python units_reference.py"""

import json
import os

import torch
from transformers import Blip2VisionConfig
from transformers.models.blip_2.modeling_blip_2 import Blip2VisionEmbeddings
from transformers.models.t5.modeling_t5 import T5Attention

OUT = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "blip2-core", "src", "test", "resources", "units"
)


def relative_position_buckets():
    distances = list(range(-300, 301)) + [sign * d for d in (2047, 2048, 2049, 5000, 100000) for sign in (-1, 1)]
    cases = []
    for bidirectional in (True, False):
        for buckets, most in ((32, 128), (8, 20), (6, 1000)):
            found = T5Attention._relative_position_bucket(
                torch.tensor(distances), bidirectional=bidirectional, num_buckets=buckets, max_distance=most
            )
            cases.append(
                dict(bidirectional=bidirectional, num_buckets=buckets, max_distance=most, buckets=found.tolist())
            )
    return dict(distances=distances, cases=cases)


def position_table():
    torch.manual_seed(3)
    config = Blip2VisionConfig(hidden_size=4, num_attention_heads=1, image_size=21, patch_size=7)
    embeddings = Blip2VisionEmbeddings(config)
    table = torch.randn(1, 10, 4)
    embeddings.position_embedding = torch.nn.Parameter(table)
    grids = []
    for down, across in ((3, 3), (4, 4), (2, 5), (7, 1), (1, 1), (6, 9)):
        patches = torch.zeros(1, down * across + 1, 4)
        found = embeddings.interpolate_pos_encoding(patches, down * 7, across * 7)
        grids.append(dict(down=down, across=across, positions=found.flatten().tolist()))
    return dict(side=3, hidden=4, table=table.flatten().tolist(), grids=grids)


def cross_entropy():
    torch.manual_seed(4)
    logits = torch.randn(2, 4, 5) * 6
    cases = []
    for labels in ([[1, 2, 3, 4], [0, 0, 4, 2]], [[-100, 2, -100, 4], [-100, -100, 4, -100]], [[4, -100, -100, -100]] * 2):
        target = torch.tensor(labels)
        loss = torch.nn.CrossEntropyLoss()
        plain = loss(logits.reshape(-1, 5), target.reshape(-1))
        shifted = loss(logits[:, :-1].reshape(-1, 5), target[:, 1:].reshape(-1))
        # JSON has no NaN, which the mean over nothing is.
        cases.append(
            dict(
                labels=labels,
                loss=None if plain.isnan() else plain.item(),
                shifted=None if shifted.isnan() else shifted.item(),
            )
        )
    return dict(logits=logits.flatten().tolist(), shape=list(logits.shape), cases=cases)


def main():
    os.makedirs(OUT, exist_ok=True)
    for make in (relative_position_buckets, position_table, cross_entropy):
        with open(os.path.join(OUT, make.__name__ + ".json"), "w") as file:
            json.dump(make(), file)
            file.write("\n")


if __name__ == "__main__":
    with torch.no_grad():
        main()
