# SPDX-License-Identifier: Apache-2.0
"""Writes pictures with transparency of all kinds, and what Pillow makes of them over a ground.

Run from anywhere, without arguments. It writes src/test/resources/images/ground and ground.json beside it: for every file
and some grounds the SHA-256 of the RGB bytes of Image.alpha_composite(ground, picture), where the picture is what Pillow
decodes, ImageOps.exif_transpose turns and convert("RGBA") gives; "none" is convert("RGB") alone.
"""

import io
import json
import shutil
import struct
import warnings

import images_reference as ref
import numpy as np
import PIL
from images_reference import OUT, encode, exif, packed, png, scene, sha256
from PIL import Image, ImageOps
from situations_reference import patched

FOLDER = OUT / "ground"
WIDTH, HEIGHT = 24, 17
GROUNDS = {"white": (255, 255, 255), "#1e90ff": (30, 144, 255)}
RGB = scene(WIDTH, HEIGHT)
ALPHA = ref.alpha_of(WIDTH, HEIGHT)
RGBA = RGB.copy()
RGBA.putalpha(ALPHA)
LA = Image.merge("LA", (RGB.convert("L"), ALPHA))
PALETTE = RGB.quantize(16, dither=Image.Dither.NONE)
GRAY = np.asarray(RGB.convert("L"))


def key(*values):
    return [(b"tRNS", struct.pack(f">{len(values)}H", *(int(v) for v in values)))]


def pngs():
    yield "rgba.png", encode(RGBA, "PNG")
    yield "rgba-turned.png", encode(RGBA, "PNG", exif=exif(6))
    yield "rgba-interlaced.png", png(WIDTH, HEIGHT, 8, 6, packed(np.asarray(RGBA), 8), interlaced=True)
    yield "rgba-16bit.png", png(WIDTH, HEIGHT, 16, 6, packed(np.asarray(RGBA).astype(int) * 256 + 99, 16))
    yield "la.png", encode(LA, "PNG")
    yield "la-16bit.png", png(WIDTH, HEIGHT, 16, 4, packed(np.asarray(LA).astype(int) * 256 + 99, 16))
    yield "palette-one.png", encode(PALETTE, "PNG", transparency=3)
    yield "palette-many.png", encode(PALETTE, "PNG", transparency=bytes(range(0, 240, 15)))
    yield "palette-few.png", encode(PALETTE, "PNG", transparency=bytes([200, 0, 9]))
    yield "palette-opaque.png", encode(PALETTE, "PNG")
    for bits in (1, 2, 4, 8):
        samples = GRAY >> (8 - bits)
        for name, value in (("low", samples.min()), ("high", samples.max()), ("middle", samples[5, 5])):
            yield f"gray-{bits}bit-key-{name}.png", png(WIDTH, HEIGHT, bits, 0, packed(samples, bits), key(value))
    wide = GRAY.astype(int) * 3
    yield "gray-16bit-key.png", png(WIDTH, HEIGHT, 16, 0, packed(wide, 16), key(wide[5, 5]))
    yield "rgb-key.png", encode(RGB, "PNG", transparency=RGB.getpixel((5, 5)))
    deep = np.asarray(RGB).astype(int) * 257
    yield "rgb-16bit-key.png", png(WIDTH, HEIGHT, 16, 2, packed(deep, 16), key(*deep[5, 5]))
    yield "rgb-16bit-key-bytes.png", png(WIDTH, HEIGHT, 16, 2, packed(deep, 16), key(*(deep[5, 5] >> 8)))
    yield "rgb-opaque.png", encode(RGB, "PNG")


def gifs():
    clear = encode(PALETTE, "GIF", transparency=PALETTE.getpixel((3, 3)))
    for name, data in (("transparent", clear), ("opaque", encode(PALETTE, "GIF"))):
        yield f"{name}.gif", data
        moved = bytearray(data)  # the first frame smaller than its canvas
        struct.pack_into("<HH", moved, 6, 40, 30)
        at = 13 + 3 * (2 << (data[10] & 7))
        while moved[at] != 0x2C:
            at += 2
            while moved[at]:
                at += 1 + moved[at]
            at += 1
        struct.pack_into("<HH", moved, at + 1, 7, 5)
        yield f"{name}-moved.gif", bytes(moved)
    yield "gray.gif", encode(RGB.convert("L"), "GIF", transparency=int(GRAY[5, 5]))


def bmps():
    rows = np.asarray(RGBA)[::-1, :, [2, 1, 0, 3]].tobytes()
    for name, size, alpha in (("alpha", 124, 0xFF000000), ("alpha-header-56", 56, 0xFF000000), ("no-alpha", 124, 0)):
        header = struct.pack("<IiiHHIIiiII", size, WIDTH, HEIGHT, 1, 32, 3, len(rows), 0, 0, 0, 0)
        header += struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, alpha)
        header += bytes(size - len(header))
        yield f"{name}.bmp", b"BM" + struct.pack("<IHHI", 14 + size + len(rows), 0, 0, 14 + size) + header + rows
    yield "plain-32.bmp", encode(RGBA, "BMP")


def tiffs():
    rgba = encode(RGBA, "TIFF")
    extra = rgba.index(struct.pack("<HHI", 338, 3, 1)) + 8
    yield "rgba.tif", rgba
    yield "rgba-lzw.tif", encode(RGBA, "TIFF", compression="tiff_lzw")
    yield "premultiplied.tif", patched(rgba, extra, "H", 1)
    yield "unspecified.tif", patched(rgba, extra, "H", 0)
    yield "la.tif", encode(LA, "TIFF")
    yield "rgb.tif", encode(RGB, "TIFF")
    yield "rgba-turned.tif", encode(RGBA, "TIFF", tiffinfo={274: 6})


def webps():
    yield "lossy.webp", encode(RGBA, "WEBP", quality=80)
    yield "lossless.webp", encode(RGBA, "WEBP", lossless=True, exact=True)
    yield "opaque.webp", encode(RGB, "WEBP", quality=80)
    yield "turned.webp", encode(RGBA, "WEBP", quality=80, exif=exif(6))
    other = RGBA.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    yield "animated.webp", encode(RGBA, "WEBP", save_all=True, append_images=[other], duration=100, lossless=True)


def icons():
    square = scene(32, 32)
    square.putalpha(ref.alpha_of(32, 32))
    sizes = [(16, 16), (32, 32)]
    yield "icon.ico", encode(square, "ICO", sizes=sizes)
    yield "icon-bitmaps.ico", encode(square, "ICO", sizes=sizes, bitmap_format="bmp")
    mask = np.packbits(np.asarray(ref.alpha_of(32, 32)) < 100, axis=1)[::-1].tobytes()
    for bits, image in ((8, square.convert("RGB").quantize(50, dither=Image.Dither.NONE)), (24, square.convert("RGB"))):
        data = patched(encode(image, "BMP")[14:], 8, "i", 64) + mask
        yield f"icon-mask-{bits}.ico", struct.pack("<HHHBBBBHHII", 0, 1, 1, 32, 32, 0, 0, 1, bits, len(data), 22) + data


def expected(name, data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        picture = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    entry = {"file": name, "none": sha256(np.asarray(picture.convert("RGB")))}
    for ground, color in GROUNDS.items():
        under = Image.new("RGBA", picture.size, color)
        entry[ground] = sha256(np.asarray(Image.alpha_composite(under, picture.convert("RGBA")).convert("RGB")))
    return entry


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    pictures = []
    for source in (pngs, gifs, bmps, tiffs, webps, icons):
        for name, data in source():
            pictures.append(expected(name, data))
            (FOLDER / name).write_bytes(data)
    report = {"pillow": PIL.__version__, "grounds": list(GROUNDS), "pictures": pictures}
    (OUT / "ground.json").write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
