# SPDX-License-Identifier: Apache-2.0
"""Writes the picture fixtures and what Pillow and transformers make of them.

Run from anywhere, without arguments. It writes under src/test/resources/images:
  photos/     small photographs, public domain or CC0 (SOURCES.md names them)
  pictures/   generated pictures, one for each way a file can hold pixels
  broken/     files that must be refused
  expected.json   for every picture: size, SHA-256 of the RGB bytes that Pillow decodes, and for every processor
                  setting the SHA-256 of the resized bytes and of the normalised float32 values, with a few samples

Pictures are drawn by integer formulas, so a second run on the same versions writes the same files.
"""

import hashlib
import io
import json
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import PIL
import transformers
from PIL import ExifTags, Image, ImageCms, ImageOps
from transformers import BlipImageProcessorPil

OUT = Path(__file__).resolve().parents[1] / "resources" / "images"
ICC_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
ICC_SRGB = ICC_SRGB[:24] + bytes(12) + ICC_SRGB[36:]  # without the time of its making


# ---------------------------------------------------------------- drawing


def formula(width, height):
    """The picture that ImageProcessorConformanceTest.formula draws too: integer arithmetic alone."""
    x = np.arange(width, dtype=np.int64)[None, :]
    y = np.arange(height, dtype=np.int64)[:, None]
    bands = [((x * (7 + 2 * c) + y * (11 - c)) >> 2) ^ ((x * y * (c + 1)) >> 5) for c in range(3)]
    return np.stack(np.broadcast_arrays(*bands), axis=-1).astype(np.uint8)


def scene(width=61, height=47):
    """A small colour picture with smooth parts, edges and noise; odd sizes on purpose."""
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    red = (x * 255) // max(width - 1, 1)
    green = (y * 255) // max(height - 1, 1)
    blue = ((x // 8 + y // 8) % 2) * 200 + (x * 37 + y * 91 + x * y * 13) % 56
    disc = (x - width // 2) ** 2 + (y - height // 2) ** 2 < (min(width, height) // 3) ** 2
    picture = np.stack([np.where(disc, 255 - red, red), green, np.where(disc, 30, blue)], axis=-1)
    return Image.fromarray(picture.astype(np.uint8))


def alpha_of(width=61, height=47):
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    return Image.fromarray(((x * 5 + y * 3) % 256).astype(np.uint8))


def swapped_profile():
    """An ICC profile with the red and green primaries exchanged: applying it would be seen at once."""
    profile = bytearray(ICC_SRGB)
    tags = {}
    for i in range(struct.unpack_from(">I", profile, 128)[0]):
        name, offset, size = struct.unpack_from(">4sII", profile, 132 + 12 * i)
        tags[name] = (offset, size)
    (red, size), (green, _) = tags[b"rXYZ"], tags[b"gXYZ"]
    profile[red : red + size], profile[green : green + size] = (
        profile[green : green + size],
        profile[red : red + size],
    )
    return bytes(profile)


# ---------------------------------------------------------------- writers for what Pillow does not write


def encode(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def png(width, height, depth, colour, rows, extra=(), interlaced=False):
    """A PNG from already packed rows: rows(x0, dx, y0, dy) gives the packed bytes of every dx-th pixel of every dy-th row."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    passes = [(0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2)]
    raw = b""
    for x0, dx, y0, dy in passes if interlaced else [(0, 1, 0, 1)]:
        if x0 < width and y0 < height:
            raw += b"".join(b"\0" + row for row in rows(x0, dx, y0, dy))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced)))
        + b"".join(chunk(name, data) for name, data in extra)
        + chunk(b"IDAT", zlib.compress(raw, 9))
        + chunk(b"IEND", b"")
    )


def packed(samples, depth):
    """Rows of an array [height, width] or [height, width, bands], packed to `depth` bits a sample."""

    def rows(x0, dx, y0, dy):
        for row in samples[y0::dy, x0::dx]:
            if depth == 16:
                yield row.astype(">u2").tobytes()
            elif depth == 8:
                yield row.astype(np.uint8).tobytes()
            else:
                bits = ((row[..., None] >> np.arange(depth - 1, -1, -1)) & 1).astype(np.uint8)
                yield np.packbits(bits.reshape(-1)).tobytes()

    return rows


def bmp(width, height, bits, compression, body, masks=b"", palette=b""):
    offset = 14 + 40 + len(masks) + len(palette)
    colours = len(palette) // 4
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(body), 2835, 2835, colours, 0)
    return b"BM" + struct.pack("<IHHI", offset + len(body), 0, 0, offset) + header + masks + palette + body


def without_segment(jpeg, marker):
    """A JPEG without its segments of one marker."""
    out, at = bytearray(jpeg[:2]), 2
    while jpeg[at + 1] != 0xDA:
        size = 2 + struct.unpack_from(">H", jpeg, at + 2)[0]
        if jpeg[at + 1] != marker:
            out += jpeg[at : at + size]
        at += size
    return bytes(out + jpeg[at:])


def with_segment(jpeg, marker, data):
    return jpeg[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data + jpeg[2:]


def exif(orientation, big_endian=False):
    e = Image.Exif()
    e.endian = ">" if big_endian else "<"
    e[ExifTags.Base.Orientation] = orientation
    return e.tobytes()


# ---------------------------------------------------------------- the pictures


def jpegs():
    rgb, noise = scene(), Image.fromarray(formula(53, 38))
    for name, sampling in (("444", 0), ("422", 1), ("420", 2)):
        yield f"jpeg-{name}.jpg", encode(rgb, "JPEG", quality=90, subsampling=sampling)
    yield "jpeg-411.jpg", encode(rgb, "JPEG", quality=90, subsampling="4:1:1")
    yield "jpeg-noise-420-q75.jpg", encode(noise, "JPEG", quality=75, subsampling=2)
    yield "jpeg-noise-444-q100.jpg", encode(noise, "JPEG", quality=100, subsampling=0)
    yield "jpeg-q5.jpg", encode(rgb, "JPEG", quality=5)
    yield "jpeg-optimized-restart.jpg", encode(rgb, "JPEG", quality=85, optimize=True, restart_marker_blocks=2)
    yield "jpeg-progressive.jpg", encode(rgb, "JPEG", quality=88, progressive=True)
    yield "jpeg-progressive-444.jpg", encode(rgb, "JPEG", quality=88, progressive=True, subsampling=0)
    yield "jpeg-gray.jpg", encode(rgb.convert("L"), "JPEG", quality=90)
    yield "jpeg-gray-progressive.jpg", encode(rgb.convert("L"), "JPEG", quality=90, progressive=True)
    yield "jpeg-rgb.jpg", encode(rgb, "JPEG", quality=90, keep_rgb=True)
    yield "jpeg-no-jfif.jpg", without_segment(encode(rgb, "JPEG", quality=90), 0xE0)
    yield "jpeg-icc.jpg", encode(rgb, "JPEG", quality=90, icc_profile=swapped_profile())
    yield "jpeg-gray-icc.jpg", encode(rgb.convert("L"), "JPEG", quality=90, icc_profile=ICC_SRGB)
    yield "jpeg-comment.jpg", encode(rgb, "JPEG", quality=90, comment=b"a comment")
    yield "jpeg-1x1.jpg", encode(Image.new("RGB", (1, 1), (200, 30, 90)), "JPEG")
    yield "jpeg-17x1.jpg", encode(scene(17, 1), "JPEG")
    yield "jpeg-1x33.jpg", encode(scene(1, 33), "JPEG")
    cmyk = encode(rgb.convert("CMYK"), "JPEG", quality=90)
    yield "jpeg-cmyk.jpg", cmyk
    yield "jpeg-cmyk-no-adobe.jpg", without_segment(cmyk, 0xEE)
    at = cmyk.index(b"\xff\xee\x00\x0eAdobe") + 15
    yield "jpeg-ycck.jpg", cmyk[:at] + b"\x02" + cmyk[at + 1 :]
    yield "jpeg-cmyk-icc.jpg", encode(rgb.convert("CMYK"), "JPEG", quality=90, icc_profile=ICC_SRGB)
    small = scene(40, 24)
    for orientation in range(1, 9):
        yield f"jpeg-exif-{orientation}.jpg", encode(
            small, "JPEG", quality=90, exif=exif(orientation, big_endian=orientation % 2 == 0)
        )
    yield "jpeg-exif-9.jpg", encode(small, "JPEG", quality=90, exif=exif(9))
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    yield "jpeg-xmp-6.jpg", encode(small, "JPEG", quality=90, xmp=xmp)
    broken = with_segment(encode(small, "JPEG", quality=90), 0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff")
    yield "jpeg-exif-broken.jpg", broken
    # Large, but of few details, so that the file stays small.
    tiles = np.kron(formula(40, 30), np.ones((100, 100, 1), dtype=np.uint8))
    yield "jpeg-4000x3000.jpg", encode(Image.fromarray(tiles), "JPEG", quality=40, progressive=True, optimize=True)


def pngs():
    rgb, alpha = scene(), alpha_of()
    gray = rgb.convert("L")
    rgba = rgb.copy()
    rgba.putalpha(alpha)
    la = Image.merge("LA", (gray, alpha))
    yield "png-rgb.png", encode(rgb, "PNG")
    yield "png-rgba.png", encode(rgba, "PNG")
    yield "png-gray.png", encode(gray, "PNG")
    yield "png-gray-alpha.png", encode(la, "PNG")
    yield "png-1bit.png", encode(rgb.convert("1"), "PNG")
    for colours in (2, 4, 16, 256):
        palette = rgb.quantize(colours, dither=Image.Dither.NONE)
        yield f"png-palette-{colours}.png", encode(palette, "PNG", bits={2: 1, 4: 2, 16: 4, 256: 8}[colours])
    palette = rgb.quantize(16, dither=Image.Dither.NONE)
    yield "png-palette-transparency.png", encode(palette, "PNG", transparency=bytes(range(0, 256, 16)))
    yield "png-gray-transparency.png", encode(gray, "PNG", transparency=int(np.asarray(gray)[5, 5]))
    yield "png-rgb-transparency.png", encode(rgb, "PNG", transparency=rgb.getpixel((5, 5)))
    yield "png-icc.png", encode(rgb, "PNG", icc_profile=swapped_profile())
    yield "png-exif-6.png", encode(rgb, "PNG", exif=exif(6))
    yield "png-gamma.png", png(
        61, 47, 8, 2, packed(np.asarray(rgb), 8), extra=[(b"gAMA", struct.pack(">I", 100000))]
    )
    values = np.asarray(gray).astype(np.int64)
    wide = values * 257 - (values * 13) % 256
    wide = np.clip(wide, 0, 65535)
    wide[0, :10] = [0, 1, 127, 128, 254, 255, 256, 257, 65534, 65535]
    yield "png-gray-16bit.png", png(61, 47, 16, 0, packed(wide, 16))
    rgb16 = np.clip(np.asarray(rgb).astype(np.int64) * 257 + 90, 0, 65535)
    yield "png-rgb-16bit.png", png(61, 47, 16, 2, packed(rgb16, 16))
    yield "png-gray-alpha-16bit.png", png(61, 47, 16, 4, packed(np.stack([wide, 65535 - wide], axis=-1), 16))
    yield "png-rgba-16bit.png", png(61, 47, 16, 6, packed(np.concatenate([rgb16, wide[..., None]], axis=-1), 16))
    yield "png-gray-1bit.png", png(61, 47, 1, 0, packed(values >> 7, 1))
    yield "png-gray-2bit.png", png(61, 47, 2, 0, packed(values >> 6, 2))
    yield "png-gray-4bit.png", png(61, 47, 4, 0, packed(values >> 4, 4))
    yield "png-gray-4bit-transparency.png", png(
        61, 47, 4, 0, packed(values >> 4, 4), extra=[(b"tRNS", struct.pack(">H", 7))]
    )
    yield "png-gray-16bit-transparency.png", png(
        61, 47, 16, 0, packed(wide, 16), extra=[(b"tRNS", struct.pack(">H", 257))]
    )
    yield "png-interlaced.png", png(61, 47, 8, 2, packed(np.asarray(rgb), 8), interlaced=True)
    yield "png-interlaced-4bit.png", png(61, 47, 4, 0, packed(values >> 4, 4), interlaced=True)
    yield "png-1x1.png", encode(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG")
    yield "png-1x500.png", encode(scene(1, 500), "PNG")
    yield "png-500x1.png", encode(scene(500, 1), "PNG")
    yield "png-224x224.png", encode(scene(224, 224), "PNG")
    yield "png-224x100.png", encode(scene(224, 100), "PNG")
    yield "png-100x224.png", encode(scene(100, 224), "PNG")


def gifs():
    rgb = scene()
    palette = rgb.quantize(64, dither=Image.Dither.NONE)
    gif = encode(palette, "GIF", interlace=False)
    yield "gif.gif", gif
    yield "gif-gray.gif", encode(rgb.convert("L"), "GIF")
    yield "gif-interlaced.gif", encode(palette, "GIF", interlace=True)
    yield "gif-transparent.gif", encode(palette, "GIF", transparency=palette.getpixel((3, 3)))
    other = Image.fromarray(255 - np.asarray(rgb)).quantize(64, dither=Image.Dither.NONE)
    yield "gif-animated.gif", encode(palette, "GIF", save_all=True, append_images=[other], duration=100)
    # A first frame smaller than the canvas: the rest is the transparent colour, or else the palette's first.
    for name, data in (
        ("gif-offset.gif", gif),
        ("gif-offset-transparent.gif", encode(palette, "GIF", transparency=palette.getpixel((3, 3)))),
    ):
        patched = bytearray(data)
        struct.pack_into("<HH", patched, 6, 80, 60)
        at = 13 + 3 * (2 << (data[10] & 7))
        while patched[at] != 0x2C:  # extension blocks before the image descriptor
            at += 2
            while patched[at]:
                at += 1 + patched[at]
            at += 1
        struct.pack_into("<HH", patched, at + 1, 7, 5)
        yield name, bytes(patched)


def bmps():
    rgb = scene()
    yield "bmp-24.bmp", encode(rgb, "BMP")
    yield "bmp-8.bmp", encode(rgb.quantize(200, dither=Image.Dither.NONE), "BMP")
    yield "bmp-gray.bmp", encode(rgb.convert("L"), "BMP")
    yield "bmp-1.bmp", encode(rgb.convert("1"), "BMP")
    yield "bmp-32.bmp", encode(rgb.convert("RGBA"), "BMP")
    flipped = np.asarray(rgb)[:, :, ::-1]
    rows = [row.tobytes() + b"\0" * (-len(row) * 3 % 4) for row in flipped]
    yield "bmp-top-down.bmp", bmp(61, -47, 24, 0, b"".join(rows))
    r, g, b = (np.asarray(rgb)[::-1, :, c].astype(np.int64) for c in range(3))

    def words(values):
        return b"".join(row.astype("<u2").tobytes() + b"\0\0" * (len(row) % 2) for row in values)

    yield "bmp-555.bmp", bmp(61, 47, 16, 0, words((r >> 3 << 10) | (g >> 3 << 5) | (b >> 3)))
    masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    yield "bmp-565.bmp", bmp(61, 47, 16, 3, words((r >> 3 << 11) | (g >> 2 << 5) | (b >> 3)), masks=masks)


def tiffs():
    rgb = scene()
    gray = rgb.convert("L")
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        yield f"tiff-{compression.replace('tiff_', '').replace('_', '-')}.tif", encode(
            rgb, "TIFF", compression=compression
        )
    rgba = rgb.copy()
    rgba.putalpha(alpha_of())
    yield "tiff-rgba.tif", encode(rgba, "TIFF", compression="tiff_lzw")
    yield "tiff-gray.tif", encode(gray, "TIFF", compression="tiff_lzw")
    yield "tiff-1bit.tif", encode(rgb.convert("1"), "TIFF")
    yield "tiff-palette.tif", encode(rgb.quantize(64, dither=Image.Dither.NONE), "TIFF", compression="tiff_lzw")
    yield "tiff-cmyk.tif", encode(rgb.convert("CMYK"), "TIFF", compression="tiff_lzw")
    wide = np.asarray(gray).astype(np.uint16) * 3
    yield "tiff-gray-16bit.tif", encode(Image.fromarray(wide), "TIFF")
    yield "tiff-orientation-8.tif", encode(rgb, "TIFF", compression="tiff_lzw", tiffinfo={274: 8})


def webps():
    rgb = scene()
    rgba = rgb.copy()
    rgba.putalpha(alpha_of())
    yield "webp-lossy.webp", encode(rgb, "WEBP", quality=80)
    yield "webp-lossy-noise.webp", encode(Image.fromarray(formula(53, 38)), "WEBP", quality=40)
    yield "webp-lossless.webp", encode(rgb, "WEBP", lossless=True)
    yield "webp-lossy-alpha.webp", encode(rgba, "WEBP", quality=80)
    yield "webp-lossless-alpha.webp", encode(rgba, "WEBP", lossless=True, exact=True)
    yield "webp-exif-6.webp", encode(rgb, "WEBP", quality=80, exif=exif(6))
    yield "webp-icc.webp", encode(rgb, "WEBP", lossless=True, icc_profile=swapped_profile())


def broken():
    jpeg = encode(scene(), "JPEG", quality=90)
    flat = encode(scene(), "PNG")
    yield "truncated.jpg", jpeg[: len(jpeg) * 2 // 3]
    yield "no-end.jpg", jpeg[:-2]
    yield "header-only.jpg", jpeg[:30]
    yield "truncated-progressive.jpg", encode(scene(), "JPEG", progressive=True)[:-300]
    yield "truncated.png", flat[: len(flat) // 2]
    yield "truncated.gif", encode(scene().quantize(64), "GIF")[:900]
    yield "truncated.webp", encode(scene(), "WEBP")[:500]
    yield "truncated.bmp", encode(scene(), "BMP")[:5000]
    yield "truncated.tif", encode(scene(), "TIFF")[:3000]
    yield "text.jpg", b"This is not a picture.\n"
    yield "empty.png", b""
    yield "bomb.png", png(60000, 60000, 1, 0, lambda *_: [b"\0" * 7500])
    yield "heic.heic", struct.pack(">I", 24) + b"ftypheic\0\0\0\0mif1heic"


# ---------------------------------------------------------------- photographs


def photos():
    """(name, picture, what is known of its origin); scikit-image's own data folder, as its wheel carries it."""
    import skimage

    data = Path(skimage.data.__path__[0])

    def load(name, box=None, size=None):
        image = Image.open(data / name).convert("RGB")
        image = image.crop(box) if box else image
        return image.resize(size, Image.Resampling.LANCZOS) if size else image

    yield "astronaut.jpg", load("astronaut.png", size=(384, 384)), (
        "Eileen Collins, astronaut. NASA, Great Images in NASA; public domain."
    )
    yield "cat.jpg", load("chelsea.png"), "Chelsea the cat, by Stefan van der Walt; CC0."
    yield "coffee.jpg", load("coffee.png", size=(480, 320)), "Coffee cup, by Rachel Michetti; CC0."
    yield "rocket.jpg", load("rocket.jpg", size=(480, 320)), (
        "Launch of a Falcon 9 with DSCOVR. SpaceX; released to the public domain."
    )
    yield "camera.jpg", load("camera.png", size=(384, 384)), "Photographer with a camera, by Lav Varshney; CC0."
    yield "galaxies.jpg", load("hubble_deep_field.jpg", box=(0, 0, 400, 400)), (
        "Hubble eXtreme Deep Field, cut. NASA and ESA; public domain."
    )


def write_photos(folder):
    import skimage

    lines = [
        "# Photographs",
        "",
        "Taken from the data folder of scikit-image "
        + skimage.__version__
        + " (`skimage.data`, whose documentation names the licences),",
        "cut or scaled and saved as JPEG by `src/test/python/images_reference.py`. Everything else under `images` is",
        "drawn by that script.",
        "",
        "| file | origin and licence |",
        "|---|---|",
    ]
    for name, image, origin in photos():
        image.save(folder / name, quality=85, optimize=True)
        lines.append(f"| `photos/{name}` | {origin} |")
    (OUT / "SOURCES.md").write_text("\n".join(lines) + "\n")


# ---------------------------------------------------------------- what is expected


def sha256(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def samples(array, count=6):
    """A few values at fixed flat positions, so that a failure says more than that hashes differ."""
    flat = np.ascontiguousarray(array).reshape(-1)
    at = [i * (flat.size - 1) // (count - 1) for i in range(count)]
    return {"at": at, "values": [v.item() for v in flat[at]]}


def digest(array):
    return {"sha256": sha256(array), "samples": samples(array)}


SETTINGS = {
    "224": {"size": {"height": 224, "width": 224}},
    "364": {"size": {"height": 364, "width": 364}},
    "384": {},
    "17x30": {"size": {"height": 17, "width": 30}},
    "500": {"size": {"height": 500, "width": 500}},
}
OTHER_SETTINGS = {
    "int-size": {"size": 96},
    "no-resize": {"do_resize": False},
    "no-rescale": {"size": 32, "do_rescale": False},
    "no-normalize": {"size": 32, "do_normalize": False},
    "own-mean": {"size": 32, "image_mean": [0.5, 0.25, 0.125], "image_std": [0.2, 0.3, 0.7], "rescale_factor": 0.5},
    "scalar-mean": {"size": 32, "image_mean": 0.5, "image_std": 0.25},
}


def processed(image, config):
    processor = BlipImageProcessorPil(**config)
    resized = processor(image, do_rescale=False, do_normalize=False, return_tensors="np")["pixel_values"][0]
    values = processor(image, return_tensors="np")["pixel_values"][0]
    return {
        "resized": digest(resized.transpose(1, 2, 0).astype(np.uint8)),  # height, width, 3
        "pixel_values": digest(values.astype("<f4")),  # 3, height, width
    }


def expected(path, settings):
    opened = Image.open(path)
    plain = opened.convert("RGB")
    turned = ImageOps.exif_transpose(Image.open(path)).convert("RGB")  # as transformers' load_image does
    entry = {
        "file": str(path.relative_to(OUT)),
        "mode": opened.mode,
        "width": turned.width,
        "height": turned.height,
        "rgb": digest(np.asarray(turned)),
    }
    if sha256(np.asarray(plain)) != entry["rgb"]["sha256"] or plain.size != turned.size:
        entry["rgb_as_stored"] = {"width": plain.width, "height": plain.height, **digest(np.asarray(plain))}
    entry["processed"] = {name: processed(turned, SETTINGS[name]) for name in settings}
    return entry


def main():
    import skimage

    for folder in ("photos", "pictures", "broken"):
        shutil.rmtree(OUT / folder, ignore_errors=True)
        (OUT / folder).mkdir(parents=True)
    write_photos(OUT / "photos")
    for source in (jpegs, pngs, gifs, bmps, tiffs, webps):
        for name, data in source():
            (OUT / "pictures" / name).write_bytes(data)
    for name, data in broken():
        (OUT / "broken" / name).write_bytes(data)

    files = sorted((OUT / "photos").iterdir()) + sorted((OUT / "pictures").iterdir())
    pictures = []
    for path in files:
        everything = path.parent.name == "photos" or path.name in ("jpeg-420.jpg", "png-1x1.png", "png-224x100.png")
        pictures.append(expected(path, SETTINGS if everything else ["224"]))

    formulas = []
    sizes = [(1, 1), (1, 2), (2, 1), (3, 3), (7, 500), (500, 7), (64, 48), (223, 225), (224, 224), (224, 301)]
    sizes += [(301, 224), (448, 448), (640, 480), (1000, 10), (10, 1000), (1920, 1080), (2048, 1365), (4000, 3000)]
    for width, height in sizes:
        picture = formula(width, height)
        names = ["224", "364", "17x30"] if width < 1900 else ["224", "364"]
        formulas.append(
            {
                "width": width,
                "height": height,
                "rgb": digest(picture),
                "processed": {name: processed(Image.fromarray(picture), SETTINGS[name]) for name in names},
            }
        )

    other = {name: processed(scene(), config) for name, config in OTHER_SETTINGS.items()}
    report = {
        "versions": {
            "pillow": PIL.__version__,
            "transformers": transformers.__version__,
            "numpy": np.__version__,
            "scikit-image": skimage.__version__,
        },
        "settings": {**SETTINGS, **OTHER_SETTINGS},
        "pictures": pictures,
        "formulas": formulas,
        "scene": {"file": "pictures/png-rgb.png", "processed": other},
    }
    text = json.dumps(report, indent=1)
    # One line for each digest keeps the file readable and short.
    (OUT / "expected.json").write_text(compact(text))


def compact(text):
    """Puts short lists and the innermost objects of indented JSON on one line each."""
    import re

    text = re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda m: "[" + re.sub(r"\s+", " ", m.group(1)) + "]", text)
    for _ in range(2):
        text = re.sub(r"\{\s+([^{}\n]*(?:\n[^{}\n]*)*?)\s+\}", lambda m: "{" + re.sub(r"\s+", " ", m.group(1)) + "}", text)
    return text + "\n"


if __name__ == "__main__":
    main()
