# SPDX-License-Identifier: Apache-2.0
"""Writes a reference case for a checkpoint that is there already, of any size: python make_case.py CHECKPOINT OUT [--new-tokens N]

What transformers computes in float32 with the picture of bench_transformers.py goes to OUT, with a link to the checkpoint;
`bin/blip2 verify OUT [--dtype …]` then shows how close another run of the same checkpoint comes. A decoder-only model's prompt is
the one of a picture without text; an encoder–decoder model gets the start token as decoder input. A retrieval model gets two pictures of
noise and five texts.
"""

import argparse
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch
from safetensors.torch import save_file
from transformers import Blip2ForConditionalGeneration

from bench_transformers import pictures
from make_reference import versions
from reference import expected, models, retrieval


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("out")
    parser.add_argument("--new-tokens", type=int, default=20)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--no-errors", action="store_true", help="leave out the pass in float64, which needs twice the memory")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if "Blip2ForImageTextRetrieval" in models.read_json(os.path.join(arguments.checkpoint, "config.json"))["architectures"]:
        os.makedirs(arguments.out, exist_ok=True)
        os.symlink(os.path.abspath(arguments.checkpoint), os.path.join(arguments.out, "checkpoint"))
        model = retrieval.load(arguments.checkpoint)
        inputs = retrieval.make_inputs(2, retrieval.FIVE, model, arguments.checkpoint, 0)
        write_retrieval(arguments.out, model, inputs, "src/test/python/make_case.py", not arguments.no_errors)
        return
    model = Blip2ForConditionalGeneration.from_pretrained(arguments.checkpoint, dtype=torch.float32).eval()
    inputs = make_inputs(model.config)
    os.makedirs(arguments.out, exist_ok=True)
    os.symlink(os.path.abspath(arguments.checkpoint), os.path.join(arguments.out, "checkpoint"))
    provenance = "src/test/python/make_case.py"
    write(arguments.out, model, inputs, ["image"], arguments.new_tokens, provenance, not arguments.no_errors)


def write_retrieval(out, model, inputs, provenance, errors=True):
    """All outputs but hidden states; no ids are generated."""
    outputs = {key: value for key, value in retrieval.stages(model, inputs).items() if ".hidden_states." not in key}
    tensors = {"input." + key: value.clone() for key, value in inputs.items()} | outputs
    path = os.path.join(out, "reference.safetensors")
    save_file(tensors, path)
    values = {"model": "Blip2ForImageTextRetrieval", "provenance": provenance, "versions": versions()}
    models.write_json(
        os.path.join(out, "reference.json"), values | ({"errors": retrieval.errors(model, inputs, outputs)} if errors else {})
    )
    print(f"{out}: {len(outputs)} outputs")


def write(out, model, inputs, calls, new_tokens, provenance, errors=True):
    """Writes reference.safetensors and reference.json: every stage, and greedy ids for each call ("image", "image+text")."""
    outputs = expected.stages(model, inputs, interpolate=False)
    entries = []
    for call in calls:
        entry = {"name": "greedy", "inputs": call, "options": {"max_new_tokens": new_tokens}}
        sequences, _, margin = expected.generate(model, inputs, entry, interpolate=False)
        entries.append({**entry, "sequences": sequences.tolist(), "smallest_margin": round(margin, 5)})
    tensors = {"input." + key: value for key, value in inputs.items()} | outputs
    save_file(tensors, os.path.join(out, "reference.safetensors"))
    models.write_json(
        os.path.join(out, "reference.json"),
        {
            "model": "Blip2ForConditionalGeneration",
            "provenance": provenance,
            "versions": versions(),
            "interpolate_pos_encoding": False,
            "generate": entries,
            **({"errors": expected.errors(model, inputs, False, outputs)} if errors else {}),
        },
    )
    print(f"{out}: {len(outputs)} outputs, smallest margin {min(entry['smallest_margin'] for entry in entries):.4f}")


def make_inputs(config):
    text = config.text_config
    images = [] if config.image_token_index is None else [config.image_token_index] * config.num_query_tokens
    ids = torch.tensor([images + [text.bos_token_id]])
    inputs = {
        "pixel_values": pictures(1, config.vision_config.image_size),
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
    }
    if not config.use_decoder_only_language_model:
        inputs["decoder_input_ids"] = torch.tensor([[text.decoder_start_token_id]])
    return inputs


if __name__ == "__main__":
    main()
