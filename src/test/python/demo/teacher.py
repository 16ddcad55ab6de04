# SPDX-License-Identifier: Apache-2.0
"""Small convolutional networks that learn to name drawings quickly, and then teach the vision model.

From two thousand drawings a transformer alone learns slowly and generalises poorly; told what a convolutional network sees at
each place, it learns as well in a fraction of the time (Touvron et al. 2021, "Training data-efficient image transformers &
distillation through attention"; here the teacher's feature maps are matched too). Several networks that began differently are
wrong about different drawings, so that their common opinion is better than each one's. The teacher is thrown away.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

NETWORKS = 2
FEATURES = 256
GRID = 4


class Teacher(nn.Module):
    """[B, 3, 64, 64] → each network's names [NETWORKS, B, concepts], and features [B, NETWORKS · 256, 4, 4]."""

    def __init__(self, concepts, networks=NETWORKS, mixing=False):
        super().__init__()
        self.networks = nn.ModuleList(Network(concepts) for _ in range(networks))
        if mixing:
            for network in self.networks:
                network.body.insert(4, StyleMixing()).insert(6, StyleMixing())
        self.to(memory_format=torch.channels_last)  # a third quicker

    def forward(self, pixels):
        names, features = zip(*(network(pixels.contiguous(memory_format=torch.channels_last)) for network in self.networks))
        return torch.stack(names), torch.cat(features, dim=1)

    def loss(self, pixels, labels):
        """Each network learns for itself."""
        names = self(pixels)[0].float()
        return sum(F.cross_entropy(own, labels, label_smoothing=0.1) for own in names)


class Network(nn.Module):
    def __init__(self, concepts):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 32, 5, 2, 2, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
            Block(32, 48, 2), Block(48, 96, 2), Block(96, 192, 2), Block(192, FEATURES, 1),
        )  # fmt: skip
        self.head = nn.Linear(FEATURES, concepts)

    def forward(self, pixels):
        features = self.body(pixels)
        return self.head(features.mean((2, 3))), features


class Block(nn.Module):
    """Two convolutions with a way around them (He et al. 2015)."""

    def __init__(self, source, target, stride):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(source, target, 3, stride, 1, bias=False), nn.BatchNorm2d(target))
        self.second = nn.Sequential(nn.Conv2d(target, target, 3, 1, 1, bias=False), nn.BatchNorm2d(target))
        around = source != target or stride > 1
        self.around = nn.Sequential(nn.Conv2d(source, target, 1, stride, bias=False), nn.BatchNorm2d(target)) if around else nn.Identity()

    def forward(self, x):
        return F.relu(self.second(F.relu(self.first(x))) + self.around(x))


class StyleMixing(nn.Module):
    """Half of the time, the mean and spread of each channel drift to those of another drawing: a style that no vendor has
    (Zhou et al. 2021, "Domain generalization with MixStyle")."""

    def forward(self, x):
        if not self.training or torch.rand(()) < 0.5:
            return x
        spread, mean = (y.detach() for y in torch.std_mean(x.float(), (2, 3), keepdim=True))
        spread = spread + 1e-3
        other = torch.randperm(len(x), device=x.device)
        share = torch.rand((len(x), 1, 1, 1), device=x.device)
        mixed = (x - mean) / spread * torch.lerp(spread, spread[other], share) + torch.lerp(mean, mean[other], share)
        return mixed.to(x.dtype)
