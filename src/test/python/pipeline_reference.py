# SPDX-License-Identifier: Apache-2.0
"""Writes what transformers generates from picture files with the tiny checkpoints of resources/reference.

Run from anywhere, without arguments, after make_reference.py and images_reference.py. It writes
src/test/resources/pipeline/expected.json: texts and new token ids of captions and answers, from the file to the text.
"""

import json
from pathlib import Path

import torch
import transformers
from transformers import AutoTokenizer, Blip2ForConditionalGeneration, Blip2Processor, BlipImageProcessorPil
from transformers.image_utils import load_image

RESOURCES = Path(__file__).resolve().parents[1] / "resources"
CHECKPOINTS = ["opt-tiny", "t5-gated"]
PICTURES = ["photos/cat.jpg", "photos/coffee.jpg", "pictures/jpeg-exif-6.jpg", "pictures/png-gray-alpha.png"]
NEW_TOKENS = 30
# Where the two best tokens are nearly equal, another order of summation may choose the other one.
SMALLEST_MARGIN = 1e-3


def generate(model, processor, image, text):
    inputs = processor(images=image, text=text, return_tensors="pt")
    out = model.generate(**inputs, max_new_tokens=NEW_TOKENS, do_sample=False, output_logits=True, return_dict_in_generate=True)
    margins = [logits.topk(2).values for logits in out.logits]
    margin = min((best - second).item() for best, second in (row[0] for row in margins))
    assert margin > SMALLEST_MARGIN, (text, margin)
    new = out.sequences[0][-len(out.logits) :].tolist()
    return {"token_ids": new, "text": processor.decode(new, skip_special_tokens=True).strip()}


def cases(name):
    folder = str(RESOURCES / "reference" / name / "checkpoint")
    model = Blip2ForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    processor = Blip2Processor(
        BlipImageProcessorPil.from_pretrained(folder),
        AutoTokenizer.from_pretrained(folder),
        num_query_tokens=model.config.num_query_tokens,
    )
    for picture in PICTURES:
        image = load_image(str(RESOURCES / "images" / picture))
        for kind, text, prompt in (
            ("caption", None, None),
            ("caption", "a photo of", "a photo of"),
            ("answer", "how many cats are there?", "Question: how many cats are there? Short answer:"),
        ):
            yield {
                "checkpoint": name,
                "picture": picture,
                "kind": kind,
                "input": text,
                **generate(model, processor, image, prompt),
            }


def main():
    torch.set_num_threads(1)
    versions = {"transformers": transformers.__version__, "torch": torch.__version__}
    lines = [json.dumps(case) for name in CHECKPOINTS for case in cases(name)]
    (RESOURCES / "pipeline").mkdir(exist_ok=True)
    (RESOURCES / "pipeline" / "expected.json").write_text(
        '{\n"versions": ' + json.dumps(versions) + ',\n"cases": [\n' + ",\n".join(lines) + "\n]\n}\n"
    )


if __name__ == "__main__":
    main()
