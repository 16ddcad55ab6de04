# SPDX-License-Identifier: Apache-2.0
"""Builds a case's model and saves it as a checkpoint folder."""

import json
import os
import re
import shutil

import torch
from safetensors.torch import load_file, save_file, save_model
from transformers import (
    Blip2Config,
    Blip2ForConditionalGeneration,
    Blip2Processor,
    BlipImageProcessorPil,
    GenerationConfig,
)

from .vocabularies import opt_tokenizer, t5_tokenizer
from .weights import fill

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def is_t5(case):
    return case.text["model_type"] == "t5"


def tokenizer_of(case):
    return t5_tokenizer() if is_t5(case) else opt_tokenizer()


def config_of(case, tokenizer):
    text = dict(case.text)
    text.setdefault("vocab_size", -(-len(tokenizer) // 16) * 16)
    return Blip2Config(
        vision_config=dict(case.vision),
        qformer_config=dict(case.qformer),
        text_config=text,
        num_query_tokens=case.queries,
        image_text_hidden_size=16,
        image_token_index=None if case.legacy else tokenizer.convert_tokens_to_ids("<image>"),
    )


def build(case, tokenizer, seed):
    """A model with random weights, rounded to the case's dtype but computing in float32."""
    config = config_of(case, tokenizer)
    model = Blip2ForConditionalGeneration(config).eval()
    if case.own_head:
        # The loader of transformers keeps a T5 head that differs from the embeddings; here it is made so.
        head = model.language_model.lm_head
        head.weight = torch.nn.Parameter(torch.empty_like(head.weight))
    for name in case.differing:  # the loader keeps these apart too
        module = model.get_submodule(name.removesuffix(".weight"))
        module.weight = torch.nn.Parameter(torch.empty_like(module.weight))
    generator = torch.Generator().manual_seed(seed)
    fill(model, generator, case.gain)
    if case.split_qkv_bias:
        for layer in model.vision_model.encoder.layers:
            bias = layer.self_attn.qkv.bias
            width = bias.numel() // 3
            with torch.no_grad():
                bias[width : 2 * width] = 0
    for name, parameter in model.named_parameters():
        with torch.no_grad():
            parameter.copy_(parameter.to(stored_dtype(case, name)).float())
    generation = {"eos_token_id": case.generation_eos or config.text_config.eos_token_id}
    for key in ("bos_token_id", "pad_token_id", "decoder_start_token_id"):
        value = getattr(config.text_config, key, None)
        if value is not None:
            generation[key] = value
    model.generation_config = GenerationConfig(**generation)
    return model


def stored_dtype(case, name):
    if case.keep_qformer_float32 and (name.startswith("qformer.") or name == "query_tokens"):
        return torch.float32
    return DTYPES[case.dtype]


def save(case, model, tokenizer, folder):
    """Writes config, weights and processor files."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    image_processor = BlipImageProcessorPil(
        size={"height": case.vision["image_size"], "width": case.vision["image_size"]}
    )
    processor = Blip2Processor(image_processor, tokenizer, num_query_tokens=None if case.legacy else case.queries)
    if case.native_processor:
        processor.save_pretrained(folder)
    else:  # the files of the published checkpoints
        tokenizer.save_pretrained(folder)
        image_processor.save_pretrained(folder)
        values = {"processor_class": "Blip2Processor"}
        if not case.legacy:
            values["num_query_tokens"] = case.queries
        write_json(os.path.join(folder, "processor_config.json"), values)
    state = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    seen = set()
    for name, tensor in model.state_dict().items():  # tied tensors are written once
        if tensor.data_ptr() in seen:
            del state[name]
        else:
            seen.add(tensor.data_ptr())
            state[name] = state[name].to(stored_dtype(case, name)).contiguous()
    model.save_pretrained(folder, state_dict=state, **({"max_shard_size": case.shards} if case.shards else {}))
    if case.tied:
        _save_tied(case, model, os.path.join(folder, "model.safetensors"))
    config_file = os.path.join(folder, "config.json")
    config = read_json(config_file)
    config["dtype"] = case.dtype
    if is_t5(case):
        text = config["text_config"]
        if case.published_t5_config:
            text["tie_word_embeddings"] = False
            del text["scale_decoder_outputs"]
            text["task_specific_params"] = {"summarization": {"max_length": 200, "num_beams": 4}}
        if "dense_act_fn" not in case.text:
            del text["dense_act_fn"], text["is_gated_act"]
    write_json(config_file, config)


def _save_tied(case, model, path):
    """Stores tied tables as safetensors' save_model does, or under the given names alone."""
    if case.tied == "save_model":
        save_model(model, path, metadata={"format": "pt"})
        return
    tables = {"lm_head.weight", "shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"}
    tables = {f"language_model.{name}" for name in tables | {"model.decoder.embed_tokens.weight"}}
    kept = {f"language_model.{name}" for name in case.tied}
    state = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    save_file(
        {name: tensor for name, tensor in state.items() if name in kept or name not in tables},
        path,
        metadata={"format": "pt"},
    )


def finish(case, folder):
    """Changes that transformers 5 could not read any more, made once the outputs are known."""
    if case.legacy:
        _rewrite(folder, _with_old_extras)
    if case.split_qkv_bias:
        _rewrite(folder, _with_split_bias)
    for name in os.listdir(folder):
        os.chmod(os.path.join(folder, name), 0o644)  # safetensors makes its files private


def _rewrite(folder, change):
    path = os.path.join(folder, "model.safetensors")
    save_file(change(load_file(path)), path, metadata={"format": "pt"})


def _with_old_extras(state):
    """Keys that old files carry and no model reads."""
    state["qformer.embeddings.position_ids"] = torch.arange(8).unsqueeze(0)
    return state


def _with_split_bias(state):
    """The layout from before the release: no qkv.bias, but its first and last third."""
    changed = {}
    for name, tensor in state.items():
        if name.endswith(".self_attn.qkv.bias"):
            width = tensor.numel() // 3
            stem = name.removesuffix("qkv.bias")
            assert not tensor[width : 2 * width].any()
            changed[stem + "q_bias"] = tensor[:width].clone()
            changed[stem + "v_bias"] = tensor[2 * width :].clone()
        else:
            changed[name] = tensor
    return changed


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write_json(path, value):
    text = json.dumps(value, indent=2, ensure_ascii=False)
    # Lists of numbers on one line.
    text = re.sub(r"\[[-\d.,\s]+\]", lambda match: re.sub(r"\s+", " ", match[0]).replace("[ ", "[").replace(" ]", "]"), text)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text + "\n")
