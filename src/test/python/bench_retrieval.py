"""Encodes a folder of pictures with a retrieval checkpoint, by transformers and by bin/blip2 in turns, and prints pictures a second.

  python src/test/python/bench_retrieval.py full/itm-vit-g PICTURES [--batch 8] [--chunk 50] [--dtype float32] [--ours auto]

Each program takes the same chunk of pictures one after the other, so that a noisy machine is noisy for both; starting and loading do not
count for either: ours is the difference between two calls, with a chunk and with one picture.
"""

import argparse
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import torch
from PIL import Image
from transformers import Blip2ForImageTextRetrieval, BlipImageProcessor

ROOT = Path(__file__).resolve().parents[3]


def ours(model, dtype, files):
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        subprocess.run(
            [ROOT / "bin/blip2", "embed", "--model", model, "--dtype", dtype, "--format", "npy", "-o", f"{folder}/e.npy", *files],
            check=True,
            capture_output=True,
        )
        return time.perf_counter() - start


def theirs(model, processor, dtype, files, batch):
    start = time.perf_counter()
    for at in range(0, len(files), batch):
        pictures = [Image.open(file).convert("RGB") for file in files[at : at + batch]]
        pixels = processor(images=pictures, return_tensors="pt")["pixel_values"].to(dtype)
        with torch.inference_mode():
            vision = model.vision_model(pixels).last_hidden_state
            queries = model.query_tokens.expand(len(pictures), -1, -1)
            output = model.qformer(
                query_embeds=queries,
                encoder_hidden_states=vision,
                encoder_attention_mask=torch.ones(vision.shape[:-1], dtype=torch.long),
            ).last_hidden_state
            torch.nn.functional.normalize(model.vision_projection(output), dim=-1).mean(1)
    return time.perf_counter() - start


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("model")
    arguments.add_argument("pictures", type=Path)
    arguments.add_argument("--batch", type=int, default=8)
    arguments.add_argument("--chunk", type=int, default=50)
    arguments.add_argument("--dtype", default="float32")
    arguments.add_argument("--ours", default="auto")
    given = arguments.parse_args()
    dtype = getattr(torch, given.dtype)
    files = sorted(str(file) for file in given.pictures.iterdir())
    processor = BlipImageProcessor.from_pretrained(given.model)
    model = Blip2ForImageTextRetrieval.from_pretrained(given.model, dtype=dtype).eval()
    theirs(model, processor, dtype, files[: given.batch], given.batch)
    ours(given.model, given.ours, files[:1])
    ratios = []
    for at in range(0, len(files), given.chunk):
        some = files[at : at + given.chunk]
        reference = theirs(model, processor, dtype, some, given.batch) / len(some)
        one = ours(given.model, given.ours, some[:1])
        mine = (ours(given.model, given.ours, some) - one) / (len(some) - 1)
        ratios.append(reference / mine)
        print(f"{at + len(some)} pictures: transformers {reference:.2f} s, blip2-java {mine:.2f} s each, {ratios[-1]:.2f} times", flush=True)
    print(f"median of {len(ratios)}: {statistics.median(ratios):.2f} times")


if __name__ == "__main__":
    main()
