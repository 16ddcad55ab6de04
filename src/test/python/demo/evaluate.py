# SPDX-License-Identifier: Apache-2.0
"""Measures captions of the held-out drawings: python evaluate.py [--checkpoint DIR] [--transformers] [--dtype TYPE]

The drawings are src/test/resources/demo/pictures, of a vendor that no drawing trained on is from. bin/blip2 captions them, or with
--transformers transformers does. --predictions FILE captions nothing: the file holds what `bin/blip2 caption --json PICTURE…`
printed, or any program in that form. A table is printed, and every drawing with a wrong name.

Right name: the caption is, as a whole, "a" or "an", at most one colour, and the name of concepts.csv. The colour may be another
one, but a caption that belongs to another concept is wrong. Exact: the caption is letter by letter the one trained for.

--sheet FILE draws every drawing with its caption. --report writes docs/demo-contact-sheet.png and all figures of docs/demo-model.md.
"""

import argparse
import collections
import csv
import json
import subprocess
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

import texts

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[3]
PICTURES = ROOT / "src/test/resources/demo/pictures"
EXPECTED = ROOT / "src/test/resources/demo/expected.json"
BUNDLED = ROOT / "blip2-demo-model/src/main/resources/io/github/blip2java/demo/demo-model"
REPORT = ROOT / "docs/demo-model.md"
SHEET = ROOT / "docs/demo-contact-sheet.png"
BEGIN, END = "<!-- figures: written by evaluate.py --report -->\n", "<!-- end of figures -->\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=BUNDLED / "checkpoint", help="default: the bundled model")
    parser.add_argument("--transformers", action="store_true")
    parser.add_argument("--predictions", type=Path)
    parser.add_argument("--dtype", default="auto", help="how bin/blip2 keeps weights: auto, f32, f16, bf16, int8, int4")
    parser.add_argument("--sheet", type=Path, help="a file for the sheet of drawings and captions")
    parser.add_argument("--report", action="store_true")
    arguments = parser.parse_args()
    shown = [concept for concept in concepts() if picture(concept).exists()]
    if arguments.predictions:
        captions = read(arguments.predictions.read_text(encoding="utf-8"), shown)
    elif arguments.transformers:
        captions = run_transformers(arguments.checkpoint, shown)
    else:
        captions = run_blip2(arguments.checkpoint, arguments.dtype, shown)
    result = table(shown, captions)
    if arguments.report:
        info = subprocess.run([ROOT / "bin/blip2", "info"], check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
        parts = (f"```\n{info}```\n", answers(), result, "![Every drawing with its caption](demo-contact-sheet.png)\n")
        before, rest = REPORT.read_text(encoding="utf-8").split(BEGIN)
        REPORT.write_text(before + BEGIN + "\n" + "\n".join(parts) + "\n" + END + rest.split(END)[1], encoding="utf-8")
    if arguments.report or arguments.sheet:
        sheet(shown, captions, arguments.sheet or SHEET)
    print(result)


def concepts():
    """Those that the model is to speak of."""
    with open(HERE / "concepts.csv", newline="", encoding="utf-8") as file:
        return [concept for concept in csv.DictReader(file) if concept["told"] == "yes"]


def picture(concept):
    return PICTURES / (concept["icon"] + ".png")


def run_blip2(checkpoint, dtype, shown):
    # One beam, no prompt, no shortest length: as transformers captions them, and as they were measured while the model was made.
    greedy = ["--preset", "transformers", "--max-new-tokens", "30"]
    command = [ROOT / "bin/blip2", "caption", "--json", *greedy, "--model", checkpoint, "--dtype", dtype, *map(picture, shown)]
    return read(subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout, shown)


def read(lines, shown):
    told = {Path(line["file"]).stem: line["text"] for line in map(json.loads, lines.splitlines())}
    return [told[concept["icon"]] for concept in shown]


def run_transformers(checkpoint, shown):
    from bundle import Reference  # torch takes its time, and bin/blip2 does without

    images = [Image.open(picture(concept)) for concept in shown]
    return [run["text"] for run in Reference(checkpoint).generate(images, None)]


COLOURS = {concept["colour"] for concept in concepts() if concept["colour"]}
CAPTIONS = {texts.caption(concept) for concept in concepts()}


def is_exact(concept, text):
    return text == texts.caption(concept)


def is_right(concept, text):
    named = {texts.article(concept["name"])} | {texts.article(f"{colour} {concept['name']}") for colour in COLOURS}
    return is_exact(concept, text) or text in named - CAPTIONS


def table(shown, captions):
    """A row for each category, one for all, and a list of what has a wrong name."""
    by_category = collections.defaultdict(list)
    for concept, text in zip(shown, captions):
        judged = (is_right(concept, text), is_exact(concept, text))
        by_category[concept["category"]].append(judged)
        by_category["**all**"].append(judged)
    lines = ["| category | drawings | right name | exact caption |", "|---|---|---|---|"]
    for category, results in sorted(by_category.items(), key=lambda item: (item[0].startswith("*"), item[0])):
        shares = [100 * sum(column) / len(results) for column in zip(*results)]
        lines.append(f"| {category} | {len(results)} | {shares[0]:.1f} % | {shares[1]:.1f} % |")
    wrong = [(texts.caption(c), text) for c, text in zip(shown, captions) if not is_right(c, text)]
    lines += ["", f"Wrong names: {len(wrong)}", "", "| shown | said |", "|---|---|"]
    return "\n".join(lines + [f"| {was} | {said} |" for was, said in wrong]) + "\n"


def answers():
    """How many questions transformers answered in the words trained for; tests hold bin/blip2 to the same tokens."""
    by_kind = collections.defaultdict(list)
    for case in json.loads(EXPECTED.read_text(encoding="utf-8"))["pictures"]:
        for run in case["runs"]:
            if "question" in run:
                by_kind[run["question"]].append(run["text"] == run["right"])
    lines = ["| question | drawings | right answer |", "|---|---|---|"]
    lines += [f"| {kind} | {len(good)} | {100 * sum(good) / len(good):.1f} % |" for kind, good in sorted(by_kind.items())]
    return "\n".join(lines) + "\n"


def sheet(shown, captions, path):
    """All drawings, black below what has the right name, red and with what it is below the others."""
    columns, width, height, side = 12, 118, 104, 64
    rows = -(-len(shown) // columns)
    paper = Image.new("RGB", (columns * width, rows * height), "white")
    draw, font = ImageDraw.Draw(paper), ImageFont.load_default(size=10)
    for i, (concept, text) in enumerate(zip(shown, captions)):
        left, top = i % columns * width, i // columns * height
        drawing = Image.open(picture(concept)).resize((side, side), Image.Resampling.LANCZOS)
        paper.paste(drawing, (left + (width - side) // 2, top + 2))
        lines = [(text, "black")] if is_right(concept, text) else [(text, "#d00000"), (f"({texts.caption(concept)})", "#808080")]
        for n, (line, colour) in enumerate(lines):
            while draw.textlength(line, font) > width - 4:
                line = line.removesuffix("…")[:-1] + "…"
            draw.text((left + width // 2, top + side + 6 + 14 * n), line, colour, font, anchor="ma")
    # Few colours are enough for flat drawings, and make a small file.
    paper.quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
