# SPDX-License-Identifier: Apache-2.0
"""Writes pictures as programs and transfers leave them behind, and what Pillow makes of them.

Run from anywhere, without arguments. It writes src/test/resources/images/situations and situations.json beside it: for
every file the size and the SHA-256 of the RGB bytes that Pillow decodes and ImageOps.exif_transpose turns. Where Pillow
refuses a file whose pixels are all there, they are those of the same file without the fault ("of": "the same file
without its fault"). Files for which a part of an error message is given are to be refused.
"""

import io
import json
import re
import shutil
import struct
import warnings
import zlib

import images_reference as ref
import numpy as np
import PIL
from images_reference import OUT, bmp, encode, exif, scene, sha256, with_segment
from PIL import Image, ImageOps

FOLDER = OUT / "situations"
RGB = scene(40, 24)
PALETTE = RGB.quantize(50, dither=Image.Dither.NONE)
XMP_6 = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
XMP_8 = XMP_6.replace(b"6", b"8")


def without(data, part):
    assert part in data
    return data.replace(part, b"", 1)


# ---------------------------------------------------------------- JPEG


def jpegs():
    """(name, file, the same file without what Pillow refuses or None)"""
    plain = encode(RGB, "JPEG", quality=90)
    assert plain.endswith(b"\xff\xd9")
    open_end = plain[:-2]
    progressive = encode(RGB, "JPEG", quality=90, progressive=True)
    restart = encode(RGB, "JPEG", quality=90, restart_marker_blocks=1)
    gray = encode(RGB.convert("L"), "JPEG", quality=90)
    maker = b"\0\0\1\x0a\x0e\0\0\0Image_UTC_Data1654321098765SEFHk\0\0\0\1\0\0\0\0\0\1\x0a\x24\0\0\0SEFT"
    yield "jpeg-no-end-text.jpg", open_end + b"a few words that somebody appended\n" * 20, None
    yield "jpeg-no-end-maker-data.jpg", open_end + maker, None
    yield "jpeg-no-end-zeros.jpg", open_end + bytes(3000), None
    yield "jpeg-no-end-second-picture.jpg", open_end + gray, plain
    yield "jpeg-no-end-tables.jpg", open_end + b"\xff\xc4\x00\x05abc" + b"\xff\xdb\x40\x00", plain
    yield "jpeg-no-end-progressive-text.jpg", progressive[:-2] + b"text behind" * 9, progressive
    yield "jpeg-no-end-progressive-maker-data.jpg", progressive[:-2] + b"\xff\xe9\x7f\xff" + maker, progressive
    yield "jpeg-no-end-restart.jpg", restart[:-2] + maker, None
    yield "jpeg-no-end-gray.jpg", gray[:-2] + maker, None
    yield "jpeg-data-behind-end.jpg", plain + maker + gray, None
    some = noise(3000)
    for name, data in (("", plain), ("-restart", restart), ("-gray", gray), ("-progressive", progressive)):
        yield f"jpeg-no-end{name}-random.jpg", data[:-2] + some, data if name == "-progressive" else None
    for name, data in flat_pictures():
        assert bytes(20) in data, name
        for behind, what in (("maker-data", maker), ("random", some), ("text", b"text behind" * 9), ("zeros", bytes(3000))):
            yield f"jpeg-no-end-zero-codes-{name}-{behind}.jpg", data[:-2] + what, None
    yield "jpeg-no-end-three-scans.jpg", three_scans()[:-2] + some, three_scans()
    yield "jpeg-no-end-side-segments.jpg", plain[:-2] + b"\xff\xfe\0\7words" + some, None

    def icc(number, count, data):
        return b"ICC_PROFILE\0" + bytes([number, count]) + data

    profile = ref.swapped_profile()
    halves = profile[: len(profile) // 2], profile[len(profile) // 2 :]
    first, second = icc(1, 2, halves[0]), icc(2, 2, halves[1])
    for name, segments in (
        ("repeats", [first, first, second]),
        ("second-missing", [first]),
        ("empty", [b"ICC_PROFILE\0\1\1"]),
        ("no-number", [b"ICC_PROFILE\0"]),
        ("counts-differ", [first, icc(2, 3, halves[1])]),
        ("number-zero", [icc(0, 2, halves[0]), second]),
        ("number-too-large", [first, icc(9, 2, halves[1])]),
        ("count-zero", [icc(1, 0, profile)]),
        ("two-profiles", [icc(1, 1, profile), icc(1, 1, ref.ICC_SRGB)]),
        ("out-of-order", [second, first]),
        ("garbage", [icc(1, 1, bytes(range(200)))]),
        ("wrong-size", [icc(1, 1, profile[:100])]),
        ("other-kind", [icc(1, 1, profile.replace(b"RGB ", b"CMYK", 1))]),
    ):
        data = plain
        for segment in reversed(segments):
            data = with_segment(data, 0xE2, segment)
        yield f"jpeg-icc-{name}.jpg", data, plain if name == "no-number" else None
    yield "jpeg-jfif-behind-tables.jpg", moved(plain, 0xE0), None
    yield "jpeg-jfif-short.jpg", with_segment(ref.without_segment(plain, 0xE0), 0xE0, b"JFIF\0\1\1"), None
    yield "jpeg-jfif-twice.jpg", with_segment(plain, 0xE0, b"JFIF\0\1\1\0\0\1\0\1\x30\x30" + bytes(10)), None
    yield "jpeg-jfxx-broken.jpg", with_segment(plain, 0xE0, b"JFXX\0\x10abc"), None
    yield "jpeg-adobe-short.jpg", with_segment(plain, 0xEE, b"Adobe\0d"), None
    yield "jpeg-junk-between-segments.jpg", plain[:20] + b"\0\1\2" + plain[20:], None
    yield "jpeg-fill-bytes.jpg", plain[:2] + b"\xff\xff\xff" + plain[2:], None
    small = encode(RGB, "JPEG", quality=90, exif=exif(9))
    yield "jpeg-exif-9-xmp-6.jpg", encode(RGB, "JPEG", quality=90, exif=exif(9), xmp=XMP_6), None
    yield "jpeg-exif-0-xmp-6.jpg", encode(RGB, "JPEG", quality=90, exif=exif(0), xmp=XMP_6), None
    yield "jpeg-exif-without-orientation-xmp-6.jpg", with_segment(
        with_segment(plain, 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP_6),
        0xE1,
        b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x31\0\2\0\0\0\2ab\0\0\0\0\0\0",
    ), None
    two = with_segment(plain, 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP_8)
    yield "jpeg-xmp-twice.jpg", with_segment(two, 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP_6), None
    yield "jpeg-exif-prefix-twice.jpg", with_segment(plain, 0xE1, b"Exif\0\0" + exif(6)), None
    yield "jpeg-exif-in-two.jpg", with_segment(
        with_segment(plain, 0xE1, b"Exif\0\0" + exif(6)[16:]), 0xE1, exif(6)[:16]
    ), None
    for name, kind, value in (
        ("long", 4, struct.pack("<I", 6)),
        ("byte", 1, b"\6\0\0\0"),
        ("text", 2, b"6\0\0\0"),
        ("signed", 8, struct.pack("<hxx", 6)),
        ("float", 11, struct.pack("<f", 6)),
    ):
        block = b"Exif\0\0II*\0\x08\0\0\0\1\0" + struct.pack("<HHI", 0x112, kind, 2 if kind == 2 else 1) + value + bytes(4)
        yield f"jpeg-exif-{name}.jpg", with_segment(plain, 0xE1, block), None
    twice = b"Exif\0\0II*\0\x08\0\0\0\2\0" + 2 * struct.pack("<HHI", 0x112, 3, 1) + bytes(8)
    twice = b"Exif\0\0II*\0\x08\0\0\0\2\0" + b"".join(
        struct.pack("<HHIHxx", 0x112, 3, 1, value) for value in (3, 6)
    ) + bytes(4)
    yield "jpeg-exif-tag-twice.jpg", with_segment(plain, 0xE1, twice), None
    assert small != plain


def noise(size):
    """Random bytes, always the same."""
    return np.random.default_rng(2).bytes(size)


def flat_pictures():
    """Whose codes are zeros for the most part, as tables that are made for them give the shortest to flat blocks."""
    flat = Image.new("RGB", (320, 200), (200, 30, 40))
    line = flat.copy()
    for x in range(40, 200):
        line.putpixel((x, x // 2), (255, 255, 255))
    for name, image, options in (
        ("flat", flat, dict(subsampling=1)),
        ("line", line, {}),
        ("line-gray", line.convert("L"), {}),
        ("line-restart", line, dict(restart_marker_rows=9)),
    ):
        yield name, encode(image, "JPEG", quality=75, optimize=True, **options)


def three_scans():
    """A JPEG whose components come one after the other."""
    planes = [encode(plane, "JPEG", quality=90) for plane in RGB.convert("YCbCr").split()]
    parts = [(plane.index(b"\xff\xc0"), plane.index(b"\xff\xc4"), plane.index(b"\xff\xda")) for plane in planes]
    frame, tables, scan = parts[0]
    components = b"".join(bytes([i + 1, 0x11, 0]) for i in range(3))
    head = planes[0][:frame] + b"\xff\xc0\0\x11" + planes[0][frame + 4 : frame + 9] + b"\3" + components
    scans = [plane[at[2] :][:5] + bytes([i + 1]) + plane[at[2] + 6 : -2] for i, (plane, at) in enumerate(zip(planes, parts))]
    return head + planes[0][tables:scan] + b"".join(scans) + b"\xff\xd9"


def moved(jpeg, marker):
    """A JPEG whose first segment of a marker stands before its frame header."""
    at = jpeg.index(bytes([0xFF, marker]))
    size = 2 + struct.unpack_from(">H", jpeg, at + 2)[0]
    segment = jpeg[at : at + size]
    rest = jpeg[:at] + jpeg[at + size :]
    frame = rest.index(b"\xff\xc0")
    return rest[:frame] + segment + rest[frame:]


# ---------------------------------------------------------------- PNG


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def chunks(png):
    at = 8
    while at < len(png):
        size = struct.unpack_from(">I", png, at)[0]
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        at += 12 + size


def assembled(parts):
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, data) for name, data in parts)


def pngs():
    flat = encode(PALETTE, "PNG")
    parts = list(chunks(flat))
    assert [name for name, _ in parts] == [b"IHDR", b"PLTE", b"IDAT", b"IEND"]
    header, palette, data, end = parts
    colour = list(chunks(encode(RGB, "PNG")))
    clear = (b"tRNS", bytes(range(40)))
    for kind, picture in (("palette", parts), ("rgb", colour)):
        before, pixels = picture[:-2], picture[-2]
        yield f"png-{kind}-no-end.png", assembled(picture[:-1]), None
        yield f"png-{kind}-no-checksum.png", assembled(picture[:-1])[:-4], None
        yield f"png-{kind}-end-cut.png", assembled(picture)[:-5], None
        yield f"png-{kind}-behind-end.png", assembled(picture) + b"text behind the end", None
        yield f"png-{kind}-side-chunk-cut-at-end.png", assembled(picture[:-1]) + b"\0\1\0\0tEXtComment\0cut", assembled(picture)
        for name, content in (
            (b"bKGD", bytes(20)),
            (b"gAMA", bytes(9)),
            (b"pHYs", bytes(12)),
            (b"sBIT", bytes(9)),
            (b"tIME", bytes(9)),
            (b"tIME", bytes(2)),
            (b"cHRM", bytes(40)),
            (b"hIST", bytes(600)),
            (b"sRGB", b"\x09\x09"),
            (b"tRNS", bytes(600)),
            (b"tEXt", b"no zero in this"),
            (b"iTXt", b"short"),
            (b"sPLT", b"abc"),
            (b"iCCP", b"name\0\0not a stream"),
        ):
            text = name.decode()
            suffix = "short" if content == bytes(2) else "odd"
            yield f"png-{kind}-{text}-{suffix}.png", assembled([*before, (name, content), pixels, end]), None
        several = [(b"IDAT", pixels[1][i : i + 300]) for i in range(0, len(pixels[1]), 300)]
        several.insert(1, (b"IDAT", b""))
        yield f"png-{kind}-many-chunks.png", assembled([*before, *several, end]), None
    yield "png-palette-transparency-first.png", assembled([header, clear, palette, data, end]), None
    yield "png-palette-transparency-very-first.png", assembled([clear, header, palette, data, end]), None
    yield "png-palette-transparency-last.png", assembled([header, palette, data, clear, end]), None
    yield "png-palette-background-first.png", assembled([header, (b"bKGD", b"\1"), palette, data, end]), None
    yield "png-palette-twice.png", assembled([header, (b"PLTE", bytes(150)), palette, data, end]), None
    yield "png-palette-short.png", assembled([header, (b"PLTE", palette[1][:60]), data, end]), None
    yield "png-palette-long.png", assembled(
        [header, (b"PLTE", palette[1] + bytes(900 - len(palette[1]))), data, end]
    ), flat
    yield "png-palette-odd-length.png", assembled([header, (b"PLTE", palette[1] + b"\1\2"), data, end]), None
    yield "png-palette-behind-pixels.png", assembled([header, data, palette, end]), flat
    yield "png-palette-before-header.png", assembled([palette, header, data, end]), flat
    yield "png-palette-cut-in-checksum-of-pixels.png", assembled(parts[:-1])[:-6], None
    yield "png-header-long.png", assembled([(b"IHDR", header[1] + b"abc"), palette, data, end]), None
    yield "png-rgb-palette-long.png", assembled([colour[0], (b"PLTE", bytes(900)), *colour[1:]]), None
    two = RGB.quantize(2, dither=Image.Dither.NONE)
    bits = list(chunks(encode(two, "PNG", bits=1)))
    yield "png-1bit-palette-long.png", assembled([bits[0], (b"PLTE", bits[1][1] + bytes(range(30))), *bits[2:]]), None

    # Orientation.
    block = exif(6)
    digits = block.hex().encode()
    lines = b"\n".join(digits[i : i + 72] for i in range(0, len(digits), 72))
    profile = b"\nexif\n" + str(len(block)).rjust(8).encode() + b"\n" + lines + b"\n"
    key = b"Raw profile type exif\0"
    xmp = (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP_6)
    comment = (b"iTXt", b"Comment\0\0\0\0\0tiff:Orientation=\"3\"")
    for name, some in (
        ("raw-profile", [(b"tEXt", key + profile)]),
        ("raw-profile-compressed", [(b"zTXt", key + b"\0" + zlib.compress(profile))]),
        ("raw-profile-international", [(b"iTXt", key + b"\1\0en\0key\0" + zlib.compress(profile))]),
        ("raw-profile-beside-exif", [(b"tEXt", key + profile), (b"eXIf", exif(3)[6:])]),
        ("xmp", [xmp]),
        ("xmp-not-first-text", [comment, (b"tEXt", b"a\0b"), xmp]),
        ("xmp-compressed", [(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP_6))]),
        ("xmp-as-text", [(b"tEXt", b"XML:com.adobe.xmp\0" + XMP_6)]),
        ("xmp-as-compressed-text", [(b"zTXt", b"XML:com.adobe.xmp\0\0" + zlib.compress(XMP_6))]),
        ("xmp-twice", [xmp, (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP_8)]),
        ("xmp-element", [(xmp[0], b"XML:com.adobe.xmp\0\0\0\0\0<tiff:Orientation>8</tiff:Orientation>")]),
        ("exif-9-xmp-6", [(b"eXIf", exif(9)[6:]), xmp]),
        ("exif-twice", [(b"eXIf", exif(3)[6:]), (b"eXIf", exif(6)[6:])]),
        ("exif-with-prefix", [(b"eXIf", exif(6))]),
        ("text-without-xmp", [comment]),
    ):
        yield f"png-orientation-{name}.png", assembled([colour[0], *some, *colour[1:]]), None
        yield f"png-orientation-{name}-behind-pixels.png", assembled([*colour[:-1], *some, colour[-1]]), None


# ---------------------------------------------------------------- GIF


def gifs():
    gif = encode(PALETTE, "GIF", interlace=False, comment=b"a comment")
    table = 3 * (2 << (gif[10] & 7))
    start, colours, rest = gif[:13], gif[13 : 13 + table], gif[13 + table :]
    image = rest.index(b",")
    before, descriptor, pixels = rest[:image], rest[image : image + 10], rest[image + 10 :]
    assert before.startswith(b"!") and descriptor[9] & 0x80 == 0
    yield "gif-zero-before-extension.gif", start + colours + b"\0" + rest, None
    yield "gif-zero-before-image.gif", start + colours + before + b"\0" + descriptor + pixels, None
    yield "gif-zeros-and-others.gif", start + colours + b"\0\0\7" + before + b"\0\1" + descriptor + pixels, None
    yield "gif-no-trailer.gif", gif[:-1], None
    yield "gif-data-behind.gif", gif + b"text behind", None
    yield "gif-no-terminator.gif", gif[:-2], None
    yield "gif-no-terminator-trailer.gif", gif[:-2] + b";", None
    yield "gif-no-terminator-text.gif", gif[:-2] + b"text behind", None
    codes = gif_codes(pixels)
    for size in (1, 7, 255):
        yield f"gif-blocks-of-{size}.gif", gif[: -len(pixels) + 1] + blocks(codes, size) + b"\0;", None
        # The last code says that this is the end; it makes no pixel.
        yield f"gif-blocks-of-{size}-no-end-code.gif", gif[: -len(pixels) + 1] + blocks(codes[:-1], size), None
    many = encode(Image.fromarray(np.frombuffer(noise(960), "u1").reshape(24, 40)), "GIF", interlace=True)
    at = gif_start(many)
    yield "gif-noise-blocks-of-1.gif", many[: at + 1] + blocks(gif_codes(many[at:]), 1), None
    yield "gif-unknown-extension.gif", start + colours + b"!\x42\3abc\0" + rest, None
    none = start[:10] + bytes([start[10] & 0x7F]) + start[11:]
    yield "gif-no-table.gif", none + rest, None
    own = descriptor[:9] + bytes([descriptor[9] | 0x80 | (gif[10] & 7)])
    yield "gif-own-table.gif", none + before + own + colours + pixels, None
    gray = bytes(range(256)).join([b""] * 1) or b"".join(bytes([i] * 3) for i in range(len(colours) // 3))
    yield "gif-table-of-grays.gif", start + gray + rest, None
    short = start[:10] + bytes([start[10] & 0xF8 | 3]) + start[11:]
    yield "gif-table-short.gif", short + colours[:48] + rest, None
    canvas = none[:6] + struct.pack("<HH", 60, 50) + none[10:]
    placed = descriptor[:1] + struct.pack("<HH", 7, 5) + descriptor[5:]
    yield "gif-no-table-offset.gif", canvas + before + placed + pixels, None
    control = b"!\xf9\4\1\0\0\x25\0"
    yield "gif-no-table-offset-transparent.gif", canvas + control + placed + pixels, None
    yield "gif-control-zero-between.gif", start[:6] + canvas[6:10] + start[10:] + colours + control + b"\0" + placed + pixels, None
    outside = descriptor[:1] + struct.pack("<HH", 30, 20) + descriptor[5:]
    yield "gif-outside-of-canvas.gif", start + colours + outside + pixels, None
    yield "gif-canvas-0x0.gif", start[:6] + bytes(4) + start[10:] + colours + rest, None


def gif_start(gif):
    """Where the size of the first frame's codes stands."""
    return gif.index(b",", 13 + 3 * (2 << (gif[10] & 7))) + 10


def gif_codes(pixels):
    """What the blocks hold that follow the size of the codes."""
    codes, at = b"", 1
    while pixels[at]:
        codes += pixels[at + 1 : at + 1 + pixels[at]]
        at += 1 + pixels[at]
    return codes


def blocks(codes, size):
    return b"".join(bytes([len(codes[i : i + size])]) + codes[i : i + size] for i in range(0, len(codes), size))


# ---------------------------------------------------------------- BMP


def patched(data, at, kind, value):
    out = bytearray(data)
    struct.pack_into("<" + kind, out, at, value)
    return bytes(out)


def rle8(image):
    rows = np.asarray(image)[::-1]
    body = b"".join(
        b"".join(bytes([1, value]) for value in row[:9]) + bytes([0, len(row) - 9]) + row[9:].tobytes()
        + b"\0" * ((len(row) - 9) % 2) + b"\0\0"
        for row in rows
    )
    return body + b"\0\1"


def bmps():
    colour, indexed = encode(RGB, "BMP"), encode(PALETTE, "BMP")
    wide = encode(scene(41, 24), "BMP")
    count = (struct.unpack_from("<I", indexed, 10)[0] - 54) // 4
    for kind, data in (("24", colour), ("8", indexed)):
        for name, value in (("0", 0), ("small", 100), ("large", len(data) + 9999), ("huge", 2**32 - 1)):
            yield f"bmp-{kind}-file-size-{name}.bmp", patched(data, 2, "I", value), None
        for name, value in (("0", 0), ("small", 7), ("large", len(data) * 3), ("huge", 2**32 - 1)):
            yield f"bmp-{kind}-data-size-{name}.bmp", patched(data, 34, "I", value), None
        yield f"bmp-{kind}-planes-0.bmp", patched(data, 26, "H", 0), None
        yield f"bmp-{kind}-no-offset.bmp", patched(data, 10, "I", 0), None
        yield f"bmp-{kind}-data-behind.bmp", data + b"text behind", None
        yield f"bmp-{kind}-resolution.bmp", patched(patched(data, 38, "i", -1), 42, "i", 0), None
    yield "bmp-8-offset-at-palette.bmp", patched(
        patched(patched(indexed, 10, "I", 54), 46, "I", count), 2, "I", 0
    ), None
    yield "bmp-24-padding-missing.bmp", wide[:-1], None
    yield "bmp-24-colours.bmp", patched(colour, 46, "I", 77), None
    shifted = colour[:54] + bytes(16) + colour[54:]
    yield "bmp-24-gap.bmp", patched(shifted, 10, "I", 70), None
    rows = np.asarray(RGB)[::-1, :, ::-1]
    body = b"".join(row.tobytes() for row in rows)
    core = b"BM" + struct.pack("<IHHIIHHHH", 0, 0, 0, 26, 12, 40, 24, 1, 24) + body
    yield "bmp-core.bmp", core, None
    indices = b"".join(row.tobytes() for row in np.asarray(PALETTE)[::-1])
    table = indexed[54 : 54 + 4 * count]
    triples = b"".join(table[4 * i : 4 * i + 3] for i in range(count)) + bytes(3 * (256 - count))
    yield "bmp-core-8.bmp", b"BM" + struct.pack("<IHHIIHHHH", 0, 0, 0, 26 + 768, 12, 40, 24, 1, 8) + triples + indices, None
    four = np.zeros((24, 40, 4), np.uint8)
    four[..., :3], four[..., 3] = rows, 9
    for size in (52, 56, 108, 124):
        masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000 if size > 52 else 0)
        header = struct.pack("<IiiHHIIiiII", size, 40, 24, 1, 32, 3, 0, 0, 0, 0, 0) + masks
        header = (header + bytes(124))[:size]
        yield f"bmp-header-{size}.bmp", b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + size) + header + four.tobytes(), None
    plain = struct.pack("<IiiHHIIiiII", 40, 40, 24, 1, 32, 0, 0, 0, 0, 0, 0)
    yield "bmp-32-size-0.bmp", b"BM" + struct.pack("<IHHI", 0, 0, 0, 54) + plain + four.tobytes(), None
    packed = rle8(PALETTE)
    rle = bmp(40, 24, 8, 1, packed, palette=table)
    yield "bmp-rle8.bmp", rle, None
    yield "bmp-rle8-sizes-0.bmp", patched(patched(rle, 2, "I", 0), 34, "I", 0), None
    moves = bytes([5, 3, 0, 2, 4, 1, 3, 7, 0, 0, 0, 3, 1, 2, 3, 0, 0, 2, 2, 0, 9, 8, 0, 0]) + bytes([40, 6, 0, 0]) * 21 + b"\0\1"
    yield "bmp-rle8-moves.bmp", bmp(40, 24, 8, 1, moves, palette=table), None
    few = encode(RGB.quantize(16, dither=Image.Dither.NONE), "BMP")[54 : 54 + 64]
    halves = (bytes([40, 0x12, 0, 0, 0, 4, 0x34, 0x56, 20, 0x77, 0, 0]) + bytes([40, 0x9A, 0, 0])) * 12 + b"\0\1"
    yield "bmp-rle4.bmp", bmp(40, 24, 4, 2, halves, palette=few), None
    moves4 = bytes([5, 0x31, 0, 2, 4, 1, 4, 0x72, 0, 0, 0, 4, 0x12, 0x34, 0, 2, 2, 0, 9, 0x88, 0, 0]) + bytes([40, 0x61, 0, 0]) * 21 + b"\0\1"
    yield "bmp-rle4-moves.bmp", bmp(40, 24, 4, 2, moves4, palette=few), None
    short = bmp(40, 24, 8, 0, indices, palette=table[: 4 * 20])
    yield "bmp-8-palette-short.bmp", short, None
    gray = encode(RGB.convert("L"), "BMP")
    yield "bmp-gray-sizes-0.bmp", patched(patched(gray, 2, "I", 0), 34, "I", 0), None
    one = encode(RGB.convert("1"), "BMP")
    yield "bmp-1-sizes-0.bmp", patched(patched(one, 2, "I", 0), 34, "I", 0), None


# ---------------------------------------------------------------- TIFF


def tiffs():
    gray = np.asarray(RGB.convert("L")).astype(np.int64)
    wide = gray * 5 - 300
    yield "tiff-int32.tif", encode(Image.fromarray(wide.astype(np.int32)), "TIFF"), None
    yield "tiff-float.tif", encode(Image.fromarray((wide * 0.37).astype(np.float32)), "TIFF"), None
    yield "tiff-float-fractions.tif", encode(Image.fromarray((gray / 255).astype(np.float32)), "TIFF"), None
    yield "tiff-float-lzw.tif", encode(Image.fromarray((wide * 0.37).astype(np.float32)), "TIFF", compression="tiff_lzw"), None
    yield "tiff-int32-deflate.tif", encode(
        Image.fromarray(wide.astype(np.int32)), "TIFF", compression="tiff_adobe_deflate"
    ), None
    yield "tiff-int16.tif", tiff(wide.astype("<i2"), 16, 2), None
    yield "tiff-uint32.tif", tiff((wide + 300).astype("<u4"), 32, 1), None
    yield "tiff-int32-big-endian.tif", tiff(wide.astype(">i4"), 32, 2, order=">"), None
    yield "tiff-float-big-endian.tif", tiff((wide * 0.4).astype(">f4"), 32, 3, order=">"), None
    yield "tiff-strip-bytes-wrong.tif", tiff(gray.astype("u1"), 8, 1, strip_bytes=3), None
    yield "tiff-strip-bytes-missing.tif", tiff(gray.astype("u1"), 8, 1, strip_bytes=None), None
    yield "tiff-swapped-magic.tif", swap(tiff(gray.astype("u1"), 8, 1)), None
    for name, image in (("rgb", RGB), ("gray", RGB.convert("L")), ("palette", PALETTE), ("1bit", RGB.convert("1"))):
        yield f"tiff-big-{name}.tif", encode(image, "TIFF", big_tiff=True), None
    yield "tiff-big-orientation-6.tif", encode(RGB, "TIFF", big_tiff=True, tiffinfo={274: 6}), None
    yield "tiff-big-int32.tif", encode(Image.fromarray(wide.astype(np.int32)), "TIFF", big_tiff=True), None
    packed = tiff(gray.astype("u1"), 8, 1, big=True, compress=True)
    yield "tiff-big-deflate.tif", packed, None
    yield "tiff-big-endian-deflate.tif", tiff(gray.astype("u1"), 8, 1, order=">", big=True, compress=True), packed
    yield "tiff-numbers-wide.tif", tiff(gray.astype("u1"), 8, 1, short=4), None
    yield "tiff-big-big-endian.tif", tiff(gray.astype("u1"), 8, 1, order=">", big=True), tiff(gray.astype("u1"), 8, 1)
    yield "tiff-big-long8.tif", tiff(gray.astype("u1"), 8, 1, big=True), None
    rgba = RGB.copy()
    rgba.putalpha(Image.fromarray((gray % 256).astype(np.uint8)))
    rgba = encode(rgba, "TIFF")
    yield "tiff-premultiplied.tif", patched(rgba, rgba.index(struct.pack("<HHI", 338, 3, 1)) + 8, "H", 1), None
    yield "tiff-number-twice.tif", tiff(gray.astype("u1"), 8, 1, twice=262), None
    yield "tiff-big-cmyk.tif", encode(RGB.convert("CMYK"), "TIFF", big_tiff=True), None
    yield "tiff-big-gray-16bit.tif", encode(Image.fromarray(gray.astype(np.uint16) * 3), "TIFF", big_tiff=True), None
    yield "tiff-xmp-6.tif", encode(RGB, "TIFF", tiffinfo={700: XMP_6}), None
    yield "tiff-orientation-9-xmp-6.tif", encode(RGB, "TIFF", tiffinfo={700: XMP_6, 274: 9}), None


def swap(data):
    return data[:2] + data[3:1:-1] + data[4:]


def tiff(array, bits, kind, order="<", big=False, strip_bytes=-1, compress=False, short=3, twice=0):
    """A TIFF of one strip, whose numbers are as wide as the format allows."""
    height, width = array.shape
    body = zlib.compress(array.tobytes()) if compress else array.tobytes()
    start = 16 if big else 8
    word = "Q" if big else "I"
    tags = [(256, width), (257, height), (258, bits), (259, 8 if compress else 1), (262, 1), (273, start), (277, 1), (278, height)]
    if strip_bytes is not None:
        tags.append((279, len(body) if strip_bytes < 0 else strip_bytes))
    tags.append((339, kind))
    at = start + len(body)
    head = (b"II" if order == "<" else b"MM") + struct.pack(
        order + ("HHHQ" if big else "HI"), *((43, 8, 0, at) if big else (42, at))
    )
    directory = struct.pack(order + ("Q" if big else "H"), len(tags))
    for tag, value in tags:
        narrow = short == 3 and tag in (258, 259, 262, 277, 339)
        count = 2 if tag == twice else 1
        directory += struct.pack(order + "HH" + word, tag, 3 if narrow else 16 if big else 4, count)
        value = struct.pack(order + ("H" if narrow else word), value) * count
        directory += value + bytes((8 if big else 4) - len(value))
    return head + body + directory + bytes(8 if big else 4)


# ---------------------------------------------------------------- WebP, icons, Netpbm


def webps():
    other = Image.fromarray(255 - np.asarray(RGB))
    alpha = RGB.copy()
    alpha.putalpha(Image.fromarray((np.asarray(RGB.convert("L")) // 2 + 60).astype(np.uint8)))
    several = dict(save_all=True, append_images=[other], duration=100)
    yield "webp-animated.webp", encode(RGB, "WEBP", quality=80, **several), None
    yield "webp-animated-lossless.webp", encode(RGB, "WEBP", lossless=True, **several), None
    animated = encode(alpha, "WEBP", quality=80, **several)
    yield "webp-animated-alpha.webp", animated, None
    lossless = encode(alpha, "WEBP", lossless=True, exact=True, **several)
    yield "webp-animated-lossless-alpha.webp", lossless, None
    for name, data in (("lossy", animated), ("lossless", lossless)):
        out = bytearray(data)
        out[24:30] = struct.pack("<I", 79)[:3] + struct.pack("<I", 59)[:3]
        at = data.index(b"ANMF") + 8
        out[at : at + 6] = struct.pack("<I", 5)[:3] + struct.pack("<I", 7)[:3]
        yield f"webp-animated-offset-{name}.webp", bytes(out), None
    yield "webp-animated-exif-6.webp", encode(RGB, "WEBP", quality=80, exif=exif(6), **several), None
    yield "webp-xmp-6.webp", encode(RGB, "WEBP", quality=80, xmp=XMP_6), None
    yield "webp-exif-9-xmp-6.webp", encode(RGB, "WEBP", quality=80, exif=exif(9), xmp=XMP_6), None


def icons():
    alpha = scene(48, 48)
    alpha.putalpha(ref.alpha_of(48, 48))
    sizes = [(16, 16), (48, 48), (32, 32)]
    yield "icon.ico", encode(alpha, "ICO", sizes=sizes), None
    yield "icon-bitmaps.ico", encode(alpha, "ICO", sizes=sizes, bitmap_format="bmp"), None
    yield "icon-24.ico", encode(scene(48, 48), "ICO", sizes=sizes, bitmap_format="bmp"), None
    yield "icon-8.ico", icon(scene(32, 32).quantize(50, dither=Image.Dither.NONE), 8), None
    yield "icon-1.ico", icon(scene(32, 32).convert("1"), 1), None


def icon(image, bits):
    data = encode(image, "BMP")[14:]
    data = patched(data, 8, "i", 2 * image.height) + bytes(4 * image.height)
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, image.width, image.height, 0, 0, 1, bits, len(data), 22) + data


def netpbm():
    gray = RGB.convert("L")
    for name, image in (("pbm", RGB.convert("1")), ("pgm", gray), ("ppm", RGB)):
        yield f"netpbm.{name}", encode(image, "PPM"), None
    values = np.asarray(gray).reshape(-1)
    text = " ".join(str(v) for v in values).encode()
    yield "netpbm-text.pgm", b"P2\n# a comment\n40 24\n255\n" + text, None
    yield "netpbm-text-100.pgm", b"P2 40 24 100 " + b"\n".join(str(int(v) * 100 // 255).encode() for v in values), None
    yield "netpbm-text.ppm", b"P3\n40 24 # and another\n255\n" + " ".join(
        str(v) for v in np.asarray(RGB).reshape(-1)
    ).encode(), None
    yield "netpbm-text.pbm", b"P1\n40 24\n" + b"".join(b"1" if v < 99 else b"0" for v in values), None
    yield "netpbm-odd-width.pbm", encode(scene(21, 9).convert("1"), "PPM"), None
    yield "netpbm-100.ppm", b"P6\n40 24\n100\n" + (np.asarray(RGB).astype(int) * 100 // 255).astype("u1").tobytes(), None
    yield "netpbm-16bit.pgm", b"P5 40 24 65535\n" + (np.asarray(gray).astype(int) * 3).astype(">u2").tobytes(), None
    yield "netpbm-1000.pgm", b"P5 40 24 1000\n" + np.asarray(gray).astype(">u2").tobytes(), None
    yield "netpbm-16bit.ppm", b"P6 40 24 65535\n" + (np.asarray(RGB).astype(int) * 257).astype(">u2").tobytes(), None
    yield "netpbm-behind.ppm", encode(RGB, "PPM") + b"text behind", None


# ---------------------------------------------------------------- refused


def refused():
    plain = encode(RGB, "JPEG", quality=90)
    progressive = encode(RGB, "JPEG", quality=90, progressive=True)
    restart = encode(RGB, "JPEG", quality=90, restart_marker_blocks=1)
    cut = "expected JPEG's end marker, got the end of the file"
    yield "cut-before-end-marker.jpg", plain[:-2], cut
    yield "cut-in-end-marker.jpg", plain[:-1], cut
    yield "cut-before-end-marker-progressive.jpg", progressive[:-2], cut
    yield "cut-last-byte.jpg", plain[:-3], cut
    yield "cut-half.jpg", plain[: len(plain) // 2 + 300], cut
    yield "cut-and-text-behind.jpg", plain[:-60] + b"text", cut
    yield "cut-and-zeros-behind.jpg", plain[:-200] + bytes(3000), cut
    yield "cut-and-long-text-behind.jpg", plain[:-200] + b"a few words that somebody appended\n" * 200, cut
    yield "cut-and-second-picture.jpg", plain[:-200] + plain, cut
    some = noise(3000)
    yield "cut-and-random-behind.jpg", plain[:-200] + some, cut
    yield "cut-much-and-random-behind.jpg", plain[:-400] + some, cut
    yield "cut-and-random-behind-restart.jpg", restart[:-60] + some, cut
    maker = b"\0\0\1\x0a\x0e\0\0\0Image_UTC_Data1654321098765SEFHk\0\0\0\1\0\0\0\0\0\1\x0a\x24\0\0\0SEFT"
    for size in (40, 60, 220, 360):
        yield f"cut-{size}-and-maker-data-behind-restart.jpg", restart[:-size] + maker * 10, cut
    yield "cut-and-maker-data-behind.jpg", plain[:-200] + maker * 10, cut
    scans = three_scans()
    yield "cut-last-of-three-scans.jpg", scans[:-30] + maker * 10, cut
    yield "cut-in-scan-and-random-behind-progressive.jpg", progressive[:-40] + some, cut
    line = dict(flat_pictures())["line"]
    yield "cut-flat-and-random-behind.jpg", line[:-60] + some, cut
    last = progressive.rindex(b"\xff\xda")
    yield "cut-between-scans.jpg", progressive[:last], cut
    yield "cut-in-last-scan.jpg", progressive[:-6], cut
    yield "cut-at-restart.jpg", restart[: [m.start() for m in re.finditer(rb"\xff[\xd0-\xd7]", restart)][-2]], cut
    flat = encode(PALETTE, "PNG")
    yield "cut-pixels.png", flat[:-60], ": cannot be decoded as PNG ("
    yield "no-pixels.png", assembled(list(chunks(flat))[:2]), "expected a PNG's header and pixel data, got no pixel data"
    yield "no-palette.png", assembled([c for c in chunks(flat) if c[0] != b"PLTE"]), "expected a PNG's palette, got none"
    yield "no-frame.gif", encode(PALETTE, "GIF")[:30] + b";", "expected a GIF's first frame, got none"
    gif = encode(PALETTE, "GIF", interlace=False)
    pixels = "cannot be decoded as GIF (expected 960 pixels in its frame, got "
    yield "cut-last-code.gif", gif[:-3], pixels
    yield "cut-in-codes.gif", gif[:-60], pixels
    yield "cut-codes-ended.gif", ended(gif, 4), pixels
    yield "cut-many-codes-ended.gif", ended(gif, 200), pixels
    yield "cut-codes-ended-flat.gif", ended(encode(Image.new("P", (40, 24), 3), "GIF"), 4), pixels
    yield "cut-rows.bmp", encode(RGB, "BMP")[:-90], ": cannot be decoded as BMP (expected 2880 bytes of pixels, got 2790)"
    yield "compression.bmp", patched(encode(RGB, "BMP"), 30, "I", 4), "BMP with 24 bits a pixel and compression 4 is not supported"
    yield "header.bmp", patched(encode(RGB, "BMP"), 14, "I", 41), "expected a bitmap header of"
    yield "float64.tif", tiff(np.ones((3, 4), "<f8"), 64, 3), "TIFF with 64-bit floating-point samples is not supported; convert it to 8 bits"
    yield "float16.tif", tiff(np.ones((3, 4), "<f2"), 16, 3), "TIFF with 16-bit floating-point samples is not supported"
    yield "integers12.tif", tiff(np.ones((3, 6), "u1"), 12, 1), "TIFF with 12-bit integer samples is not supported"
    lab = patched(encode(RGB, "TIFF"), encode(RGB, "TIFF").index(struct.pack("<HHI", 262, 3, 1)) + 8, "H", 8)
    yield "lab.tif", lab, "TIFF with CIE Lab colours is not supported"
    yield "cut.ico", encode(scene(48, 48), "ICO")[:22], "expected an icon's picture, got none in 22 bytes"
    yield "cut.ppm", encode(RGB, "PPM")[:-1], "expected 40x24 pixels in a PNM, got the end of the file"
    yield "value.pgm", b"P2 2 1 9 3 10", "expected at most 9 as a value of a PNM, got 10"
    brand = struct.pack(">I", 24) + b"ftyp%b\0\0\0\0mif1heic"
    yield "picture.heic", brand % b"heic", "got a HEIC picture; convert it to JPEG or PNG, for instance with libheif: heif-convert"
    yield "picture.avif", brand % b"avif", "got an AVIF picture; convert it to JPEG or PNG, for instance with libavif: avifdec"
    yield "video.jpg", brand % b"isom", "got a video; take a picture out of it, for instance with FFmpeg"
    yield "picture.jp2", b"\0\0\0\x0cjP  \r\n\x87\n", "got a JPEG 2000 picture; convert it to JPEG or PNG, for instance with OpenJPEG"
    yield "picture.j2k", b"\xff\x4f\xff\x51\0\x2f", "got a JPEG 2000 picture"
    yield "picture.jxl", b"\xff\x0a\xfa\x1f", "got a JPEG XL picture"
    yield "picture.psd", b"8BPS\0\1", "got a Photoshop picture"
    yield "picture.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "got an SVG or other XML file"
    yield "page.png", b"<!DOCTYPE html><title>404</title>", "got a web page, perhaps an error message"
    yield "pointer.jpg", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"


def ended(gif, missing):
    """A GIF without the last bytes of its codes, but with the ends of blocks and file."""
    at = gif_start(gif)
    return gif[: at + 1] + blocks(gif_codes(gif[at:])[:-missing], 255) + b"\0;"


def expected(name, data, faultless):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(faultless or data))).convert("RGB")
    entry = {"file": name, "width": image.width, "height": image.height, "sha256": sha256(np.asarray(image))}
    if faultless:
        try:
            other = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
            assert sha256(np.asarray(other)) != entry["sha256"], f"{name}: Pillow reads it"
        except (OSError, ValueError):
            pass
        entry["of"] = "the same file without its fault"
    return entry


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    pictures, messages, failures = [], [], 0
    for source in (jpegs, pngs, gifs, bmps, tiffs, webps, icons, netpbm):
        for name, data, faultless in source():
            try:
                pictures.append(expected(name, data, faultless))
                (FOLDER / name).write_bytes(data)
            except Exception as e:
                print("not read by Pillow:", name, repr(e))
                failures += 1
    for name, data, message in refused():
        if name.endswith(".gif"):
            try:
                Image.open(io.BytesIO(data)).load()
                print("read by Pillow:", name)
                failures += 1
            except OSError:
                pass
        (FOLDER / name).write_bytes(data)
        messages.append({"file": name, "message": message})
    report = {"pillow": PIL.__version__, "pictures": pictures, "refused": messages}
    (OUT / "situations.json").write_text(ref.compact(json.dumps(report, indent=1)))
    assert failures == 0


if __name__ == "__main__":
    main()
