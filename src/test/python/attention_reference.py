# SPDX-License-Identifier: Apache-2.0
"""Writes what texts and words look at, by transformers and the derivatives of torch: python attention_reference.py [--measure]

Under src/test/resources/attention:

  CASE.safetensors   of a reference case, and twin.safetensors of the bundled retrieval twin
  attention.json     what the tensors belong to, and for 100 pictures of two held-out drawings side by side, how much of the heat of each
                     name is on the side of its drawing

Of a retrieval model, for pairs of a picture and a text, N.LAYER.probabilities [heads, queries, patches + 1] of the cross-attention,
N.LAYER.gradient, the derivatives of the logit of a match by them, and N.LAYER.map [heads, rows, columns]: Grad-CAM as compute_gradcam of
LAVIS has it for cross-attention, probability · max(derivative, 0), here with the mean over the queries, without the class token.

Of a model with a language model, for pictures, prompts and new tokens, N.map [tokens, heads, rows, columns]: the attention of the position
that predicts a token to the queries (for T5, that of the decoder to the encoder's positions of the queries), mean over the layers, times
the attention of the queries to the patches, mean over the Q-Former's layers and heads.

--measure writes nothing and compares measures of what the twin's texts look at.
"""

import argparse
import json
import os
import random
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, Blip2ForConditionalGeneration, Blip2ForImageTextRetrieval, BlipImageProcessorPil

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE / "demo"))

import evaluate
import evaluate_retrieval

RESOURCES = HERE.parent / "resources"
OUT = RESOURCES / "attention"
TWIN = evaluate.BUNDLED.parent / "demo-retrieval-model" / "checkpoint"
MATCHING = {"itm-tiny": [(0, 0), (1, 1), (2, 2), (0, 1)], "itm-image-token": [(0, 0), (1, 4)], "itm-bf16": [(0, 1)], "itm-wide": [(0, 1), (2, 0)]}
WORDS = ["opt-tiny", "opt-wide", "t5-gated", "t5-wide"]
TOKENS = 6
SEED = 20
DRAWING = 96


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    transformers.utils.logging.disable_progress_bar()
    if arguments.measure:
        measure()
        return
    OUT.mkdir(exist_ok=True)
    written = {"versions": {"transformers": transformers.__version__, "torch": torch.__version__}}
    written["matching"] = {case: matching(case, pairs) for case, pairs in MATCHING.items()}
    written["words"] = {case: words(case) for case in WORDS}
    written["twin"] = twin()
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in written.pop("twin"))
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in written.items()] + [f'"twin": [\n{rows}\n]']
    (OUT / "attention.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def save(name, tensors):
    path = OUT / f"{name}.safetensors"
    save_file({key: value.detach().clone().contiguous() for key, value in tensors.items()}, path)
    path.chmod(0o644)


class Looks:
    """A retrieval model whose cross-attention is heard, with the derivatives of the logit of a match."""

    def __init__(self, checkpoint):
        self.model = Blip2ForImageTextRetrieval.from_pretrained(checkpoint, dtype=torch.float32, attn_implementation="eager").eval()
        self.model.requires_grad_(False)
        self.model.query_tokens.requires_grad_(True)  # so that there is something to derive by
        self.seen = []
        for layer in self.model.qformer.encoder.layer:
            if layer.has_cross_attention:
                layer.crossattention.attention.register_forward_hook(self.hear)
        config = self.model.config.vision_config
        self.side = config.image_size // config.patch_size

    def hear(self, module, arguments, output):
        output[1].retain_grad()
        self.seen.append(output[1])

    def __call__(self, pixels, ids, mask):
        """For each layer the probabilities and the derivatives [pairs, heads, queries, patches + 1]."""
        self.seen.clear()
        output = self.model(pixels, ids, mask, use_image_text_matching_head=True)
        output.logits_per_image[:, 1].sum().backward()
        return [(seen.detach(), seen.grad) for seen in self.seen]

    def grad_cam(self, probabilities, gradient):
        """[pairs, heads, rows, columns]"""
        return (probabilities * gradient.clamp(min=0))[..., 1:].mean(2).unflatten(2, (self.side, self.side))


def matching(case, pairs):
    folder = RESOURCES / "reference" / case
    looks = Looks(folder / "checkpoint")
    inputs = load_file(folder / "reference.safetensors")
    tensors = {}
    for number, (image, text) in enumerate(pairs):
        kept = inputs["input.attention_mask"][text].bool()
        ids = inputs["input.input_ids"][text][kept][None]
        layers = looks(inputs["input.pixel_values"][image][None], ids, torch.ones_like(ids))
        tensors |= tensors_of(looks, number, layers)
    save(case, tensors)
    return pairs


def tensors_of(looks, number, layers):
    tensors = {}
    for layer, (probabilities, gradient) in enumerate(layers):
        tensors[f"{number}.{layer}.probabilities"] = probabilities[0]
        tensors[f"{number}.{layer}.gradient"] = gradient[0]
        tensors[f"{number}.{layer}.map"] = looks.grad_cam(probabilities, gradient)[0]
    return tensors


@torch.inference_mode()
def words(case):
    folder = RESOURCES / "reference" / case
    model = Blip2ForConditionalGeneration.from_pretrained(folder / "checkpoint", dtype=torch.float32, attn_implementation="eager").eval()
    inputs = load_file(folder / "reference.safetensors")
    known = json.loads((folder / "reference.json").read_text(encoding="utf-8"))["generate"]
    config = model.config
    start = torch.tensor([config.image_token_index] * config.num_query_tokens + [config.text_config.bos_token_id])
    kept = inputs["input.attention_mask"][1].bool()
    tensors, written = {}, []
    for number, (image, prompt) in enumerate([(0, start), (1, inputs["input.input_ids"][1][kept])]):
        tokens = known[0]["sequences"][image][-TOKENS:]
        tensors[f"{number}.map"] = word_maps(model, inputs["input.pixel_values"][image][None], prompt[None], torch.tensor([tokens]))
        written.append({"image": image, "input_ids": prompt.tolist(), "tokens": tokens})
    save(case, tensors)
    return written


def word_maps(model, pixels, prompt, tokens):
    """[tokens, heads, rows, columns]"""
    config, looks = model.config, []
    hooks = [
        layer.crossattention.attention.register_forward_hook(lambda module, arguments, output: looks.append(output[1]))
        for layer in model.qformer.encoder.layer
        if layer.has_cross_attention
    ]
    if config.text_config.model_type == "t5":
        start = torch.tensor([[config.text_config.decoder_start_token_id]])
        decoder_ids = torch.cat([start, tokens[:, :-1]], 1)
        output = model(pixels, prompt, decoder_input_ids=decoder_ids, output_attentions=True)
        layers = torch.stack(output.language_model_outputs.cross_attentions)[:, 0]
    else:
        output = model(pixels, torch.cat([prompt, tokens[:, :-1]], 1), output_attentions=True)
        layers = torch.stack(output.language_model_outputs.attentions)[:, 0, :, prompt.shape[1] - 1 :]
    to_queries = layers.mean(0)[..., (prompt[0] == config.image_token_index).nonzero()[:, 0]]  # [heads, tokens, queries]
    for hook in hooks:
        hook.remove()
    to_patches = torch.stack(looks)[:, 0].mean((0, 1))[:, 1:]  # [queries, patches]
    side = config.vision_config.image_size // config.vision_config.patch_size
    return (to_queries @ to_patches).unflatten(2, (side, side)).transpose(0, 1)


def side_by_side():
    """Every held-out drawing once, beside another: names of files, and the captions."""
    files, said = evaluate_retrieval.drawings()
    order = list(range(len(files)))
    random.Random(SEED).shuffle(order)
    return [(files[i], files[j], said[i], said[j]) for i, j in zip(order[::2], order[1::2])]


def picture_of(left, right):
    picture = Image.new("RGB", (2 * DRAWING, DRAWING), "white")
    for place, file in enumerate((left, right)):
        with Image.open(file) as drawing:
            picture.paste(drawing.convert("RGB"), (place * DRAWING, 0))
    return picture


def look_at_twin():
    looks, tokenizer = Looks(TWIN), AutoTokenizer.from_pretrained(TWIN)
    pictures = side_by_side()
    pixels = BlipImageProcessorPil.from_pretrained(TWIN)([picture_of(*row[:2]) for row in pictures], return_tensors="pt").pixel_values
    for place in (0, 1):
        rows = []
        for number, row in enumerate(pictures):
            encoded = tokenizer(row[2 + place], return_tensors="pt")
            rows.append(looks(pixels[number][None], encoded.input_ids, encoded.attention_mask))
        yield place, looks, pictures, rows


def share(heat, place):
    """How much of the heat [rows, columns] is on the left (0) or the right (1)."""
    half = heat.shape[-1] // 2
    side = heat[..., :half] if place == 0 else heat[..., half:]
    return (side.sum((-2, -1)) / heat.sum((-2, -1)).clamp(min=1e-20)).item()


def twin():
    tensors, written = {}, []
    for place, looks, pictures, rows in look_at_twin():
        for number, layers in enumerate(rows):
            maps = torch.stack([looks.grad_cam(*layer)[0] for layer in layers])
            if place == 0:
                names = [file.relative_to(RESOURCES).as_posix() for file in pictures[number][:2]]
                written.append({"files": names, "texts": list(pictures[number][2:]), "shares": []})
            written[number]["shares"].append(round(share(maps.mean((0, 1)), place), 4))
            if number < 2:
                tensors |= tensors_of(looks, 2 * number + place, layers)
    save("twin", tensors)
    return written


def measure():
    measures = {}
    for place, looks, _, rows in look_at_twin():
        for layers in rows:
            heats = {}
            for layer, (probabilities, gradient) in enumerate(layers):
                heats[f"attention alone, layer {layer}"] = probabilities[0, ..., 1:].mean((0, 1)).unflatten(0, (looks.side, looks.side))
                heats[f"Grad-CAM, layer {layer}"] = looks.grad_cam(probabilities, gradient)[0].mean(0)
            for kind in ("attention alone", "Grad-CAM"):
                heats[f"{kind}, all layers"] = sum(heats[f"{kind}, layer {layer}"] for layer in range(len(layers)))
            for name, heat in heats.items():
                measures.setdefault(name, []).append(share(heat, place))
    print("| what the twin's texts look at | more heat on the right side | share of the heat there |\n|---|---|---|")
    for name, shares in measures.items():
        print(f"| {name} | {100 * sum(x > 0.5 for x in shares) / len(shares):.1f} % | {100 * sum(shares) / len(shares):.1f} % |")


if __name__ == "__main__":
    main()
