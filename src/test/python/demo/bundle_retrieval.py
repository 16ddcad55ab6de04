# SPDX-License-Identifier: Apache-2.0
"""Bundles a trained retrieval twin and writes what transformers does with it: python bundle_retrieval.py [CHECKPOINT]

CHECKPOINT is what train_retrieval.py wrote; without one, the bundled twin is taken as it is. Writes:

  blip2-demo-model/src/main/resources/…/demo-retrieval-model   checkpoint/, its reference case for `bin/blip2 verify`, and SHA256SUMS
  src/test/resources/demo/retrieval.safetensors   embeddings of the held-out drawings [drawings, queries, width], of their captions
      ("a red apple") and of their names ("apple") [drawings, width]
  src/test/resources/demo/retrieval.json          files, and of captions and of names: the texts, and which text and which drawing is
      first, by ITC and by ITM of the best

The script stops where a first place is so narrow that rounding may give it to another.
"""

import argparse
import json
import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file

import bundle
import evaluate
import evaluate_retrieval

FOLDER = evaluate.BUNDLED.parent / "demo-retrieval-model"
DEMO = evaluate.EXPECTED.parent
MARGIN = 1e-5


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, nargs="?", default=FOLDER / "checkpoint")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    bundle.bundle(arguments.checkpoint, FOLDER)
    references = {kind: read(names) for kind, names in (("captions", False), ("names", True))}
    write_case(references["captions"])
    bundle.write_sums(FOLDER)
    write_expected(references)


def read(names):
    files, said = evaluate_retrieval.drawings(names)
    return evaluate_retrieval.Reference(FOLDER / "checkpoint", files, said)


def write_case(reference):
    """The first two drawings, and the captions of the first five."""
    sys.path.append(str(evaluate.HERE.parent))
    import make_case
    from reference import retrieval

    said = evaluate_retrieval.drawings()[1][:5]
    inputs = retrieval.make_inputs(2, said, reference.model, str(FOLDER / "checkpoint"), 0)
    inputs["pixel_values"] = reference.pixels[:2].clone()
    make_case.write_retrieval(str(FOLDER), reference.model, inputs, "src/test/python/demo/bundle_retrieval.py")


def write_expected(references):
    values = {
        "versions": {"transformers": transformers.__version__, "torch": torch.__version__},
        "reranked": evaluate_retrieval.RERANKED,
        "files": [path.relative_to(evaluate.ROOT).as_posix() for path in evaluate_retrieval.drawings()[0]],
    }
    embeddings = {"images": references["captions"].contrast.image_embeds}
    for kind, reference in references.items():
        values[kind] = {"texts": evaluate_retrieval.drawings(kind == "names")[1]}
        for score, (rows, columns) in (("itc", [reference.cosines] * 2), ("itm", reference.reranked())):
            values[kind][score] = {"text": first(kind, score, "text", rows), "drawing": first(kind, score, "drawing", columns.T)}
        embeddings[kind] = reference.contrast.text_embeds
    lines = (f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())
    (DEMO / "retrieval.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    path = DEMO / "retrieval.safetensors"
    save_file({name: value.contiguous() for name, value in embeddings.items()}, path)
    path.chmod(0o644)


def first(kind, score, what, table):
    """Which column is the first of each row."""
    best = table.topk(2, 1)
    lead = (best.values[:, 0] - best.values[:, 1]).min().item()
    right = (best.indices[:, 0] == torch.arange(len(table))).float().mean()
    print(f"{kind}, {score}: right {what} first {100 * right:.1f} %, smallest lead {lead:.1e}")
    if lead < MARGIN:
        sys.exit(f"{kind}, {score}: the first {what} leads by {lead:.1e} only")
    return best.indices[:, 0].tolist()


if __name__ == "__main__":
    main()
