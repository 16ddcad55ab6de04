# SPDX-License-Identifier: Apache-2.0
"""A few small pictures for the processor; exact ones come first, then a JPEG without subsampled colour."""

import os

import numpy as np
from PIL import Image


def write(folder):
    """Writes the files and returns their names."""
    os.makedirs(folder, exist_ok=True)
    rng = np.random.default_rng(7)
    noise = Image.fromarray(rng.integers(0, 256, (23, 41, 3), dtype=np.uint8))
    noise.save(os.path.join(folder, "noise.png"))
    y, x = np.mgrid[0:60, 0:45]
    waves = np.stack([127 + 120 * np.sin(x / 5), 127 + 120 * np.cos(y / 7), (x * y) % 256], axis=-1).astype(np.uint8)
    Image.fromarray(waves).quantize(32).save(os.path.join(folder, "palette.png"))
    alpha = np.full((60, 45, 1), 100, dtype=np.uint8)
    Image.fromarray(np.concatenate([waves, alpha], axis=-1)).save(os.path.join(folder, "alpha.png"))
    Image.fromarray(waves[:, :, 0]).save(os.path.join(folder, "gray.png"))
    Image.fromarray(waves).save(os.path.join(folder, "waves.jpg"), quality=95, subsampling=0)
    return ["noise.png", "palette.png", "alpha.png", "gray.png", "waves.jpg"]
