# SPDX-License-Identifier: Apache-2.0
"""Random weights under which a tiny model behaves like a trained one.

The library's own initialisation (0.02) gives outputs that are nearly the same for every input, which would hide most mistakes.
"""

import math

import torch


def fill(model, generator, gain=1.5):
    """Overwrites every parameter, in the order of their names."""
    for name, parameter in sorted(model.named_parameters(), key=lambda item: item[0]):
        with torch.no_grad():
            parameter.copy_(_values(name, parameter.shape, generator, gain))


def _values(name, shape, generator, gain):
    def normal(std):
        return torch.randn(shape, generator=generator) * std

    last = name.rsplit(".", 1)[-1]
    owner = name.rsplit(".", 2)[-2] if "." in name else name
    if owner == "relative_attention_bias" or name == "query_tokens":
        return normal(1.0)
    if last == "bias":
        return normal(0.2)
    if len(shape) == 1:  # the weight of a norm
        return torch.rand(shape, generator=generator) + 0.5
    if last in ("class_embedding", "position_embedding"):
        return normal(0.5)
    if owner in ("embed_tokens", "shared"):
        return normal(0.5)  # small beside what the layers add: a tied head would repeat the last token for ever
    if owner == "embed_positions":
        return normal(1.0)
    std = gain / math.sqrt(math.prod(shape[1:]))
    if name.startswith("language_model."):
        if owner in ("out_proj", "fc2", "o", "wo"):
            std *= 2
        if owner == "lm_head":
            std *= 2
        if owner == "q":
            std /= math.sqrt(8)  # T5 does not divide its scores by the square root of the head's width
    return normal(std)
