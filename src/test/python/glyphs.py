# SPDX-License-Identifier: Apache-2.0
"""Writes outlines of letters for legends of heat maps: python glyphs.py DejaVuSans.ttf

Needs fontTools beside requirements.txt; any DejaVu Sans 2.37 does. A line is a character, its advance and its outline, in 1/1000 of the
font's size: M, L and Q as in SVG paths, y downwards from the base line.
"""

import sys
from pathlib import Path

from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont

OUT = Path(__file__).resolve().parents[3] / "blip2-pipeline/src/main/resources/io/github/blip2java/pipeline/heatmap/glyphs.txt"
RANGES = [(0x20, 0x7E), (0xA1, 0x17F), (0x391, 0x3C9), (0x400, 0x45F), (0x2013, 0x2014), (0x2018, 0x201E), (0x2026, 0x2026), (0x20AC, 0x20AC)]


def main():
    font = TTFont(sys.argv[1])
    glyphs, names = font.getGlyphSet(), font.getBestCmap()
    scale = 1000 / font["head"].unitsPerEm
    lines = []
    for first, last in RANGES:
        for code in range(first, last + 1):
            if code in names and code != 0xAD:  # the soft hyphen is not seen
                glyph = glyphs[names[code]]
                pen = DecomposingRecordingPen(glyphs)
                glyph.draw(pen)
                lines.append(f"{code:x} {round(glyph.width * scale)} {outline(pen.value, scale)}".rstrip())
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text("\n".join(lines) + "\n", encoding="ascii")


def outline(steps, scale):
    def place(point):
        return f"{round(point[0] * scale)},{round(-point[1] * scale)}"

    parts = []
    for step, points in steps:
        if step in ("moveTo", "lineTo"):
            parts.append(("M" if step == "moveTo" else "L") + place(points[0]))
        elif step == "qCurveTo":
            parts += curves(points, place)
    return "".join(parts)


def curves(points, place):
    """Points between which TrueType leaves out the middle."""
    for i, control in enumerate(points[:-1]):
        last = i == len(points) - 2
        end = points[-1] if last else tuple((a + b) / 2 for a, b in zip(control, points[i + 1]))
        yield f"Q{place(control)},{place(end)}"


if __name__ == "__main__":
    main()
