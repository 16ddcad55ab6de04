# SPDX-License-Identifier: Apache-2.0
"""Writes pictures to cut off, and what Pillow makes of their beginnings with ImageFile.LOAD_TRUNCATED_IMAGES.

Run from anywhere, without arguments. It writes src/test/resources/images/truncated and truncated.json beside it: for every
file and some lengths the SHA-256 of the RGB bytes that ImageOps.exif_transpose and convert("RGB") give for the first so many
bytes of it, or null where Pillow refuses them even so. The progressive file is for a test without numbers.
"""

import io
import json
import shutil
import warnings

import numpy as np
import PIL
from images_reference import OUT, encode, exif, packed, png, scene, sha256
from PIL import Image, ImageFile, ImageOps

FOLDER = OUT / "truncated"
WIDTH, HEIGHT = 60, 45
RGB = scene(WIDTH, HEIGHT)
FRACTIONS = (0.35, 0.5, 0.65, 0.8, 0.9, 0.97)


def pictures():
    yield "baseline.jpg", encode(RGB, "JPEG")
    yield "444.jpg", encode(RGB, "JPEG", subsampling=0)
    yield "gray.jpg", encode(RGB.convert("L"), "JPEG")
    yield "cmyk.jpg", encode(RGB.convert("CMYK"), "JPEG")
    yield "progressive.jpg", encode(RGB, "JPEG", progressive=True)
    yield "restarts.jpg", encode(RGB, "JPEG", restart_marker_rows=1)
    yield "turned.jpg", encode(RGB, "JPEG", exif=exif(6))
    yield "rgb.png", encode(RGB, "PNG")
    yield "rgba.png", encode(RGB.convert("RGBA"), "PNG")
    yield "palette.png", encode(RGB.quantize(16, dither=Image.Dither.NONE), "PNG")
    yield "interlaced.png", png(WIDTH, HEIGHT, 8, 2, packed(np.asarray(RGB), 8), interlaced=True)
    yield "16bit.png", png(WIDTH, HEIGHT, 16, 2, packed(np.asarray(RGB).astype(int) * 257, 16))
    yield "plain.gif", encode(RGB.quantize(64), "GIF", interlace=0)
    yield "interlaced.gif", encode(RGB.quantize(64), "GIF", interlace=1)
    yield "rgb.bmp", encode(RGB, "BMP")
    yield "palette.bmp", encode(RGB.quantize(16), "BMP")
    yield "bytes.ppm", encode(RGB, "PPM")
    yield "bytes.pgm", encode(RGB.convert("L"), "PPM")
    yield "bytes.pbm", encode(RGB.convert("1"), "PPM")


def decoded(data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return sha256(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB").tobytes())
        except (OSError, SyntaxError, ValueError):
            return None


def main():
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    entries = []
    for name, data in pictures():
        (FOLDER / name).write_bytes(data)
        if name.startswith("progressive"):
            continue  # libjpeg-turbo smooths what is missing otherwise than older ones do
        cuts = {str(length): decoded(data[:length]) for length in sorted({int(len(data) * f) for f in FRACTIONS})}
        entries.append({"file": name, "whole": decoded(data), "cuts": cuts})
    text = json.dumps({"pillow": PIL.__version__, "pictures": entries}, indent=1)
    (OUT / "truncated.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
