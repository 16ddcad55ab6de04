# SPDX-License-Identifier: Apache-2.0
"""Measures transformers on a checkpoint folder: python bench_transformers.py DIR [options]; prints one JSON object.

The picture is a formula, so that any other program can make the same one without a file:
    pixel_values[b, c, y, x] = float32(((31 c + 17 y + 29 x + x y + 7 b) mod 255) / 127 - 1)
computed in double precision. The prompt is the one of an image without text (image tokens and the start token). Exactly
--new-tokens tokens are made: the end token is held back.

load_s         reading the checkpoint until the model can be used
vision_s       vision model, Q-Former and projection
first_token_s  from pixels to the first token, vision included
per_token_s    (caption_s - first_token_s) / (new tokens - 1)
caption_s      from pixels to the last token
peak_rss_gib   the most memory the process ever held
token_ids      the new ids of the first row
All but the first and the last two are medians over --runs, after one warm-up; "runs" holds every caption_s.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch
import transformers
from transformers import Blip2ForConditionalGeneration


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir")
    parser.add_argument("--dtype", choices=("float32", "bfloat16", "int8"), default="float32")
    parser.add_argument("--new-tokens", type=int, default=20)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--batch", type=int, default=1, help="pictures captioned together")
    parser.add_argument("--beams", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    transformers.utils.logging.disable_progress_bar()
    start = time.perf_counter()
    model = load(arguments)
    load_s = time.perf_counter() - start
    pixels = pictures(arguments.batch, model.config.vision_config.image_size)
    if arguments.dtype == "bfloat16":
        pixels = pixels.to(torch.bfloat16)
    options = dict(num_beams=arguments.beams, do_sample=False)

    def make(count):
        return model.generate(pixel_values=pixels, max_new_tokens=count, min_new_tokens=count, **options)

    vision, first, caption = [], [], []
    with torch.inference_mode():
        make(min(2, arguments.new_tokens))  # warm-up
        for _ in range(arguments.runs):
            vision.append(timed(lambda: model.get_image_features(pixels))[0])
            first.append(timed(lambda: make(1))[0])
            seconds, sequences = timed(lambda: make(arguments.new_tokens))
            caption.append(seconds)
    steps = max(1, arguments.new_tokens - 1)
    caption_s, first_s = statistics.median(caption), statistics.median(first)
    print(
        json.dumps(
            {
                "program": f"transformers {transformers.__version__}, torch {torch.__version__}",
                "machine": platform.processor() or platform.machine(),
                "dtype": arguments.dtype,
                "threads": arguments.threads,
                "batch": arguments.batch,
                "beams": arguments.beams,
                "load_s": round(load_s, 3),
                "vision_s": round(statistics.median(vision), 4),
                "first_token_s": round(first_s, 4),
                "per_token_s": round((caption_s - first_s) / steps, 5),
                "caption_s": round(caption_s, 4),
                "runs": [round(seconds, 4) for seconds in caption],
                "peak_rss_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 3),
                "token_ids": sequences[0, -arguments.new_tokens :].tolist(),
            }
        )
    )


def load(arguments):
    dtype = torch.bfloat16 if arguments.dtype == "bfloat16" else torch.float32
    model = Blip2ForConditionalGeneration.from_pretrained(arguments.dir, dtype=dtype).eval()
    if arguments.dtype == "int8":
        # In place: both models together do not fit 24 GiB.
        model = torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8, inplace=True)
    return model


def pictures(batch, size):
    b, c, y, x = torch.meshgrid(*(torch.arange(n) for n in (batch, 3, size, size)), indexing="ij")
    return (((31 * c + 17 * y + 29 * x + x * y + 7 * b) % 255).double() / 127 - 1).float()


def timed(call):
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    main()
