# SPDX-License-Identifier: Apache-2.0
"""Chooses what the model is to speak of: python choose.py DATA --hold-out SET

Trains the teacher on all training sets but SET, and prints for each concept how sure it is of the right name on SET's drawing, each
disturbed in many ways. A thing that one vendor's drawings do not teach to know in another's is not worth a name. The held-out vendor
that measures the finished model has no part in this.

--keep N FILE… takes such outputs, and marks the N concepts with the highest mean as told in concepts.csv.
"""

import argparse
import collections
import csv
import json
import math
import os

import torch

import pictures
from teacher import Teacher
from train import RATE, SEED

VARIANTS = 32


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?")
    parser.add_argument("--hold-out")
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--keep", nargs="+")
    arguments = parser.parse_args()
    if arguments.keep:
        keep(int(arguments.keep[0]), arguments.keep[1:])
    else:
        torch.set_num_threads(arguments.threads)
        torch.manual_seed(SEED)
        judge(arguments)


def judge(arguments):
    concepts = pictures.concepts()
    generator = torch.Generator().manual_seed(SEED)
    drawings, labels = pictures.load(arguments.data, held_out=False, without=arguments.hold_out)
    teacher = Teacher(len(concepts), networks=1).train()
    optimizer = torch.optim.AdamW(teacher.parameters(), lr=RATE, weight_decay=0.05, betas=(0.9, 0.98))
    for step in range(arguments.steps):
        rate = RATE * min(1, (step + 1) / 200) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / arguments.steps)))
        optimizer.param_groups[0]["lr"] = rate
        index = torch.randint(len(drawings), (arguments.batch,), generator=generator)
        loss = teacher.loss(pictures.disturb(drawings[index], generator), labels[index])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(teacher.parameters(), 1.0)
        optimizer.step()
    teacher.eval()
    shown, wanted = pictures.load(arguments.data, held_out=False, only=arguments.hold_out)
    sure = torch.zeros(len(shown))
    with torch.no_grad():
        for _ in range(VARIANTS):
            chances = teacher(pictures.disturb(shown, generator))[0][0].softmax(1)
            sure += chances[torch.arange(len(shown)), wanted] / VARIANTS
    print(json.dumps({concepts[label]["icon"]: round(value, 4) for label, value in zip(wanted.tolist(), sure.tolist())}))


def keep(count, files):
    sure = collections.defaultdict(list)
    for name in files:
        with open(name) as file:
            for icon, value in json.load(file).items():
                sure[icon].append(value)
    means = {icon: sum(values) / len(values) for icon, values in sure.items()}
    told = sorted(means, key=means.get, reverse=True)[:count]
    concepts = pictures.concepts()
    with open(os.path.join(pictures.HERE, "concepts.csv"), "w", newline="") as file:
        writer = csv.DictWriter(file, list(concepts[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({**concept, "told": "yes" if concept["icon"] in told else "no"} for concept in concepts)


if __name__ == "__main__":
    main()
