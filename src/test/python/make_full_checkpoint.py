# SPDX-License-Identifier: Apache-2.0
"""Writes a full-size checkpoint with random weights: python make_full_checkpoint.py SHAPE DIR [--dtype f16|bf16|f32]

For measuring speed and memory: the shapes, ids and files of a published checkpoint, weights scaled so that every stage
keeps sensible magnitudes and the ids vary. Memory stays below 1 GiB: tensors are made and written in pieces.
"""

import argparse
import json
import math
import os
import struct
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch
from transformers import Blip2Config, Blip2ForConditionalGeneration, Blip2ForImageTextRetrieval, BlipImageProcessorPil

from reference.models import write_json
from reference.retrieval import copy_tokenizer
from reference.vocabularies import opt_tokenizer, t5_tokenizer

OPT = dict(
    model_type="opt",
    vocab_size=50304,
    num_hidden_layers=32,
    num_attention_heads=32,
    max_position_embeddings=2048,
    bos_token_id=2,
    eos_token_id=50118,
    pad_token_id=1,
)
T5 = dict(
    model_type="t5",
    vocab_size=32128,
    feed_forward_proj="gated-gelu",
    dense_act_fn="gelu",
    tie_word_embeddings=False,
    bos_token_id=1,
    eos_token_id=1,
    pad_token_id=0,
    decoder_start_token_id=0,
)
RETRIEVAL = "itm-vit-g"  # no language model
SHAPES = {
    RETRIEVAL: dict(model_type="opt"),
    "opt-2.7b": dict(OPT, hidden_size=2560, ffn_dim=10240, word_embed_proj_dim=2560),
    "opt-6.7b": dict(OPT, hidden_size=4096, ffn_dim=16384, word_embed_proj_dim=4096),
    "flan-t5-xl": dict(T5, d_model=2048, d_kv=64, d_ff=5120, num_layers=24, num_heads=32),
}
DTYPES = {"f16": (torch.float16, "F16", "float16"), "bf16": (torch.bfloat16, "BF16", "bfloat16"), "f32": (torch.float32, "F32", "float32")}
SHARD_BYTES = 5_000_000_000
PIECE = 1 << 24  # numbers made at once


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("dir")
    parser.add_argument("--dtype", choices=DTYPES, default="f16")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--vision-layers", type=int, default=39, help="fewer, for a quick look")
    parser.add_argument("--text-layers", type=int, help="fewer, for a quick look")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    text = dict(SHAPES[arguments.shape])
    if arguments.shape == RETRIEVAL:
        write_retrieval(arguments)
        return
    is_t5 = text["model_type"] == "t5"
    if arguments.text_layers:
        text["num_layers" if is_t5 else "num_hidden_layers"] = arguments.text_layers
    config = Blip2Config(
        vision_config={"num_hidden_layers": arguments.vision_layers},
        text_config=text,
        image_token_index=32100 if is_t5 else 50265,
    )
    config.architectures = ["Blip2ForConditionalGeneration"]
    os.makedirs(arguments.dir, exist_ok=True)
    write_weights(config, Blip2ForConditionalGeneration, arguments)
    config.dtype = DTYPES[arguments.dtype][2]
    config.save_pretrained(arguments.dir)
    generation = {key: text[key] for key in ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id") if key in text}
    write_json(os.path.join(arguments.dir, "generation_config.json"), generation)
    BlipImageProcessorPil(size={"height": 224, "width": 224}).save_pretrained(arguments.dir)
    write_json(
        os.path.join(arguments.dir, "processor_config.json"), {"num_query_tokens": 32, "processor_class": "Blip2Processor"}
    )
    tokenizer = t5_tokenizer() if is_t5 else opt_tokenizer()
    tokenizer.save_pretrained(arguments.dir)
    widen_vocabulary(os.path.join(arguments.dir, "tokenizer.json"), config.image_token_index)


def write_retrieval(arguments):
    """The published layout: no image token, and a text_config that stands for nothing."""
    text = {"model_type": "opt"}
    config = Blip2Config(
        vision_config={"num_hidden_layers": arguments.vision_layers},
        qformer_config={"vocab_size": 30523, "use_qformer_text_input": True},
        text_config=text,
    )
    config.architectures = ["Blip2ForImageTextRetrieval"]
    os.makedirs(arguments.dir, exist_ok=True)
    write_weights(config, Blip2ForImageTextRetrieval, arguments)
    config.dtype = DTYPES[arguments.dtype][2]
    config.save_pretrained(arguments.dir)
    copy_tokenizer(arguments.dir, 224)


def write_weights(config, kind, arguments):
    dtype, dtype_name, _ = DTYPES[arguments.dtype]
    with torch.device("meta"):
        model = kind(config)
    is_encoder_decoder = kind is Blip2ForConditionalGeneration and config.is_encoder_decoder
    tied = set() if is_encoder_decoder else {"language_model.lm_head.weight"}
    tied |= {name for name in model.state_dict() if name.endswith("coder.embed_tokens.weight") and is_encoder_decoder}
    shapes = [(name, tuple(tensor.shape)) for name, tensor in model.state_dict().items() if name not in tied]
    size = torch.tensor([], dtype=dtype).element_size()
    shards, room = [[]], SHARD_BYTES
    for index, (name, shape) in enumerate(shapes):
        need = math.prod(shape) * size
        if need > room:
            shards.append([])
            room = SHARD_BYTES
        shards[-1].append((index, name, shape))
        room -= need
    weight_map, total = {}, 0
    for number, shard in enumerate(shards, 1):
        file_name = f"model-{number:05}-of-{len(shards):05}.safetensors" if len(shards) > 1 else "model.safetensors"
        header, offset = {"__metadata__": {"format": "pt"}}, 0
        for _, name, shape in shard:
            end = offset + math.prod(shape) * size
            header[name] = {"dtype": dtype_name, "shape": list(shape), "data_offsets": [offset, end]}
            weight_map[name] = file_name
            offset = end
        total += offset
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        with open(os.path.join(arguments.dir, file_name), "wb") as file:
            file.write(struct.pack("<Q", len(text)))
            file.write(text)
            for index, name, shape in shard:
                for piece in values(name, shape, arguments.seed * 100_003 + index):
                    file.write(piece.to(dtype).view(torch.uint8).numpy())
        print(f"{file_name}: {offset / 1e9:.2f} GB", file=sys.stderr)
    if len(shards) > 1:
        index_file = os.path.join(arguments.dir, "model.safetensors.index.json")
        write_json(index_file, {"metadata": {"total_size": total}, "weight_map": weight_map})


def values(name, shape, seed):
    """Pieces of one tensor, as float32."""
    generator = torch.Generator().manual_seed(seed)
    mean, std = scale(name, shape)
    left = math.prod(shape)
    while left:
        count = min(left, PIECE)
        yield torch.randn(count, generator=generator) * std + mean
        left -= count


def scale(name, shape):
    owner = name.rsplit(".", 2)[-2] if "." in name else name
    if name.endswith(".bias"):
        return 0.0, 0.02
    if owner == "relative_attention_bias" or name == "query_tokens":
        return 0.0, 1.0
    if name.endswith("decoder.final_layer_norm.weight"):
        return 0.0, 1.0  # of both signs: else a tied head would repeat the last token for ever
    if len(shape) == 1:
        return 1.0, 0.1  # norms
    if owner in ("embed_tokens", "embed_positions"):
        return 0.0, 0.15
    if owner == "shared":
        return 0.0, 0.3
    if owner == "lm_head":
        return 0.0, 0.1
    if name.endswith(("class_embedding", "position_embedding")):
        return 0.0, 0.5
    std = 1 / math.sqrt(math.prod(shape[1:]))
    return 0.0, std / 8 if owner == "q" else std  # T5's scores are not divided by the square root of 64


def widen_vocabulary(path, image):
    """Gives every id up to the image token a piece of text, and the ids their places in the published vocabularies."""
    with open(path, encoding="utf-8") as file:
        tokenizer = json.load(file)
    model = tokenizer["model"]
    for token in tokenizer["added_tokens"]:
        if token["content"] == "<image>":
            token["id"] = image
    if model["type"] == "BPE":
        vocab = model["vocab"]
        vocab.pop("<image>", None)
        vocab["Ċ"], moved = 50118, vocab["Ċ"]
        used = set(vocab.values())
        vocab["Ġw" + str(moved)] = moved
        for id_ in range(image):
            if id_ not in used and id_ != moved:
                vocab["Ġw" + str(id_)] = id_
        model["vocab"] = dict(sorted(vocab.items(), key=lambda item: item[1]))
    else:
        pieces = [piece for piece in model["vocab"] if piece[0] != "<image>"]
        pieces += [["▁w" + str(id_), -30.0] for id_ in range(len(pieces), image)]
        model["vocab"] = pieces
    with open(path, "w", encoding="utf-8") as file:
        json.dump(tokenizer, file, ensure_ascii=False)


if __name__ == "__main__":
    main()
