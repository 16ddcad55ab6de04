# SPDX-License-Identifier: Apache-2.0
"""Drawings as tensors, and the ways to disturb them so that a model learns the thing and not the vendor's style.

python pictures.py DATA FILE packs the trained sets of what prepare.mjs wrote into one file, to train where there is no Pillow.
"""

import csv
import functools
import hashlib
import json
import math
import os
import sys

import numpy
import torch
import torch.nn.functional as F

SIZE = 64
MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(1, 3, 1, 1)
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(1, 3, 1, 1)
HERE = os.path.dirname(os.path.abspath(__file__))


def concepts():
    """All things that drawings are of. With "told" the model is to speak of it, see choose.py; the others are there to learn to see."""
    with open(os.path.join(HERE, "concepts.csv"), newline="") as file:
        return list(csv.DictReader(file))


def told(concept):
    return concept["told"] == "yes"


def load(data, held_out, without=None, only=None):
    """All drawings of the trained sets, or of the held-out one, but one set or only it: bytes of RGBA [N, 4, 96, 96], and each one's concept."""
    if os.path.isfile(data):
        return _packed(data, without, only)
    from PIL import Image

    with open(os.path.join(data, "pictures.json")) as file:
        sets = json.load(file)
    seen = {drawn["sha256"] for entry in sets.values() if not entry["held_out"] for drawn in entry["drawn"].values()}
    labels_of = {concept["icon"]: label for label, concept in enumerate(concepts())}
    drawings, labels = [], []
    for name, entry in sets.items():
        if entry["held_out"] != held_out or name == without or only not in (None, name):
            continue
        for icon, drawn in entry["drawn"].items():
            path = os.path.join(data, name, icon + ".png")
            with open(path, "rb") as file:
                digest = hashlib.sha256(file.read()).hexdigest()
            assert digest == drawn["sha256"], f"{path} is not the file that prepare.mjs wrote"
            assert not held_out or digest not in seen, f"{path} was trained on"
            drawings.append(numpy.asarray(Image.open(path).convert("RGBA")))
            labels.append(labels_of[drawn["concept"]])
    pixels = torch.from_numpy(numpy.stack(drawings)).permute(0, 3, 1, 2)
    return pixels, torch.tensor(labels)


def pack(data, file):
    """One compressed file of all trained sets, which `load` reads in the place of the folder."""
    with open(os.path.join(data, "pictures.json")) as sets:
        trained = [name for name, entry in json.load(sets).items() if not entry["held_out"]]
    arrays = {}
    for name in trained:
        drawings, labels = load(data, held_out=False, only=name)
        arrays |= {name + ".drawings": drawings.numpy(), name + ".labels": labels.numpy()}
    numpy.savez_compressed(file, **arrays)


def _packed(file, without, only):
    with numpy.load(file) as arrays:
        sets = [name.removesuffix(".labels") for name in arrays if name.endswith(".labels")]
        chosen = [name for name in sets if name != without and only in (None, name)]
        parts = [[torch.from_numpy(arrays[f"{name}.{part}"]) for name in chosen] for part in ("drawings", "labels")]
    return tuple(map(torch.cat, parts))


@functools.cache
def _statistics(device):
    return MEAN.to(device), STD.to(device)


def normalise(rgb):
    mean, std = _statistics(rgb.device)
    return (rgb - mean) / std


def disturb(rgba, generator):
    """A batch [B, 4, 96, 96] of bytes as training pictures [B, 3, 64, 64]: other place, size, tilt, ground, colours, lines."""
    batch = len(rgba)

    def uniform(low, high, *shape):
        return torch.rand(shape or (batch, 1, 1, 1), generator=generator, device=rgba.device) * (high - low) + low

    def some(share):
        return (torch.rand((batch, 1, 1, 1), generator=generator, device=rgba.device) < share).float()

    x = rgba.float() / 255
    x = torch.cat([x[:, :3] * x[:, 3:], x[:, 3:]], dim=1)  # premultiplied, so that edges mix rightly
    x = F.interpolate(_placed(x, uniform), (SIZE, SIZE), mode="bilinear", antialias=True)
    colour, alpha = x[:, :3], x[:, 3:]

    # dark lines around shapes and along edges within, as line drawings have them
    gray = colour.mean(1, keepdim=True)
    edge = _spread(alpha) - alpha + 1.5 * ((_spread(gray) - gray) + (gray + _spread(-gray))).clamp(0, 1)
    lines = some(0.4) * (edge.clamp(0, 1) * uniform(0.5, 1))
    ink = (alpha + lines).clamp(0, 1)
    colour = colour * (1 - lines)

    # fewer colours, other colours
    levels = torch.round(uniform(3, 6))
    flat = torch.round(colour * levels) / levels
    colour = torch.where(some(0.25) > 0, flat, colour)
    mean = colour.mean(1, keepdim=True)
    colour = mean + (colour - mean) * uniform(0.4, 1.6)
    colour = colour * uniform(0.75, 1.25) + ink * uniform(-0.12, 0.12)
    colour = colour + ink * (torch.rand((batch, 3, 1, 1), generator=generator, device=rgba.device) - 0.5) * 0.15

    white = some(0.4)
    plain = white + (1 - white) * torch.rand((batch, 3, 1, 1), generator=generator, device=rgba.device)
    ramp = torch.linspace(-0.5, 0.5, SIZE, device=rgba.device).view(1, 1, SIZE, 1)
    ground = plain + some(0.3) * ramp * (torch.rand((batch, 3, 1, 1), generator=generator, device=rgba.device) - 0.5)
    picture = colour.clamp(0, 1) * 1 + ground * (1 - ink)
    soft = F.avg_pool2d(F.pad(picture, (1, 1, 1, 1), mode="replicate"), 3, 1)
    picture = torch.where(some(0.2) > 0, soft, picture)
    noise = torch.randn(picture.shape, generator=generator, device=rgba.device) * some(0.2) * 0.03
    return normalise((picture + noise).clamp(0, 1))


def warp(rgba, generator):
    """Bytes [B, 4, 96, 96], bent: vendors draw the same thing in other proportions."""
    count, device = len(rgba), rgba.device
    far = torch.rand((count, 1, 1, 1), generator=generator, device=device) * 0.3
    bent = (torch.rand((count, 2, 4, 4), generator=generator, device=device) - 0.5) * far
    bent = F.interpolate(bent, rgba.shape[2:], mode="bicubic").permute(0, 2, 3, 1)
    straight = torch.eye(2, 3, device=device).expand(count, 2, 3)
    return _moved(rgba, F.affine_grid(straight, rgba.shape, align_corners=False) + bent)


def collage(first, second, generator):
    """Two drawings beside each other or one above the other, as one: bytes [B, 4, 96, 96]."""

    def uniform(low, high):
        return torch.rand(len(first), generator=generator, device=first.device) * (high - low) + low

    upright = uniform(0, 1) < 0.5
    placed = []
    for drawing, side in ((first, -0.5), (second, 0.5)):
        across, along, aside = uniform(0.42, 0.52), uniform(0.5, 1), uniform(-0.4, 0.4)
        aside = aside * (1 - along) * 2
        theta = torch.zeros(len(first), 2, 3, device=first.device)
        theta[:, 0, 0] = 1 / torch.where(upright, along, across)
        theta[:, 1, 1] = 1 / torch.where(upright, across, along)
        theta[:, 0, 2] = -torch.where(upright, aside, side * torch.ones_like(aside)) * theta[:, 0, 0]
        theta[:, 1, 2] = -torch.where(upright, side * torch.ones_like(aside), aside) * theta[:, 1, 1]
        placed.append(_moved(drawing, F.affine_grid(theta, first.shape, align_corners=False)))
    return torch.where(placed[0][:, 3:] > placed[1][:, 3:], *placed)


def erase(pictures, generator):
    """A rectangle of every fourth picture [B, 3, H, W] is left out, so that no single part decides."""

    def uniform(low, high):
        return torch.rand((len(pictures), 1, 1), generator=generator, device=pictures.device) * (high - low) + low

    places = torch.linspace(0, 1, pictures.shape[-1], device=pictures.device)
    tall, wide = (abs(places - uniform(0.1, 0.9)) < uniform(0.07, 0.2) for _ in range(2))
    gone = tall.transpose(1, 2) & wide & (uniform(0, 1) < 0.25)
    return pictures.masked_fill(gone.unsqueeze(1), 0)


def plain(rgba, ground=1.0):
    """A batch [B, 4, 96, 96] of bytes on a plain ground, as people would show it: bytes [B, 96, 96, 3]."""
    x = rgba.float() / 255
    picture = x[:, :3] * x[:, 3:] + ground * (1 - x[:, 3:])
    return (picture * 255).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()


def _placed(x, uniform):
    """Shifted by up to an eighth, scaled by 0.65 to 1.15, tilted by up to 25 degrees, mirrored half of the time."""
    batch = len(x)
    angle = uniform(-25, 25, batch) * math.pi / 180
    scale = 1 / uniform(0.65, 1.15, batch)
    stretch = uniform(0.88, 1.14, batch)
    mirror = torch.where(uniform(0, 1, batch) < 0.5, -1.0, 1.0)
    theta = torch.zeros(batch, 2, 3, device=x.device)
    theta[:, 0, 0] = torch.cos(angle) * scale * mirror * stretch
    theta[:, 0, 1] = -torch.sin(angle) * scale
    theta[:, 1, 0] = torch.sin(angle) * scale * mirror
    theta[:, 1, 1] = torch.cos(angle) * scale / stretch
    theta[:, :, 2] = uniform(-0.2, 0.2, batch, 2)
    grid = F.affine_grid(theta, (batch, 4, 96, 96), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)


def _moved(rgba, grid):
    x = rgba.float()
    x = torch.cat([x[:, :3] * x[:, 3:] / 255, x[:, 3:]], dim=1)
    x = F.grid_sample(x, grid, align_corners=False)
    x = torch.cat([x[:, :3] * 255 / x[:, 3:].clamp(min=1), x[:, 3:]], dim=1)
    return x.round().clamp(0, 255).to(torch.uint8)


def _spread(x):
    return F.max_pool2d(x, 3, 1, 1)


if __name__ == "__main__":
    pack(*sys.argv[1:])
