# SPDX-License-Identifier: Apache-2.0
"""JSON Lines with floats as short as they can be: the shortest digits that give the same float32."""

import json
import math
import os

import numpy
import torch


def write_lines(path, cases):
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for case in cases:
            file.write(_text(case) + "\n")
    os.chmod(path, 0o644)


def _text(value):
    if isinstance(value, torch.Tensor):
        if value.dtype.is_floating_point and value.dim() == 1:
            return "[" + ",".join(map(_float, value.float().numpy())) + "]"
        return _text(list(value) if value.dim() else value.item())
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(_text, value)) + "]"
    if isinstance(value, float):
        assert math.isfinite(value)
    return json.dumps(value, ensure_ascii=False)


def _float(value):
    if numpy.isneginf(value):
        return "null"
    assert numpy.isfinite(value), value
    return str(value).removesuffix(".0")
