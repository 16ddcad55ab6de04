# SPDX-License-Identifier: Apache-2.0
"""Makes small folders laid out as the published checkpoints are, without weights, and writes what transformers makes of texts.

Run from anywhere, without arguments, after tokenizers_reference.py, whose vocabularies it takes. It writes under
src/test/resources/published:
  blip2-opt            tokenizer.json and all older files; index of shards; generation and processor configuration
  blip2-opt-older      vocab.json and merges.txt alone, tokens as {"__type": "AddedToken"}
  blip2-t5             tokenizer.json that splits at single spaces, spiece.model beside it
  blip2-t5-2023        the same of 2023: no image token, no index, no added_tokens_decoder, layer_norm_eps 1e-05
  blip2-t5-spiece      spiece.model alone
  blip2-itm            vocab.txt, added_tokens.json and configurations
  blip2-itm-cased      the same, with case and accents kept and Chinese characters not split
  expected-ids/hf-NAME.json   ids and decoded texts of each, in the form in which those of real folders are kept

The names in the indexes are those that transformers gives a model of few layers; --check DIR compares them, with the layers of
published checkpoints, with the real indexes in folders of DIR and exits with 1 when a name differs.
"""

import argparse
import base64
import json
import os
import random
import shutil
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch
import transformers
from sentencepiece import sentencepiece_model_pb2
from transformers import AutoTokenizer, Blip2Config, Blip2ForConditionalGeneration

RESOURCES = Path(__file__).resolve().parents[1] / "resources"
TOKENIZERS, OUT = RESOURCES / "tokenizers", RESOURCES / "published"
SEED = 5
SENTINELS = [f"<extra_id_{i}>" for i in range(100)]
PLAIN = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
NORMALIZED = {**PLAIN, "normalized": True}
UNLIMITED = 1000000000000000019884624838656
IMAGES = {
    "do_convert_rgb": True,
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_processor_type": "BlipImageProcessor",
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "processor_class": "Blip2Processor",
    "resample": 3,
    "rescale_factor": 0.00392156862745098,
    "size": {"height": 224, "width": 224},
}
LAYERS = {"vision": 3, "qformer": 4, "text": 2}
PUBLISHED_LAYERS = {"opt": {"vision": 39, "qformer": 12, "text": 32}, "t5": {"vision": 39, "qformer": 12, "text": 24}}


def write(path, value):
    path.write_text(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


# ---------------------------------------------------------------- configuration and index


def text_config(kind, layers, vocabulary):
    if kind == "opt":
        return {
            "_name_or_path": "facebook/opt-2.7b",
            "activation_dropout": 0.0,
            "architectures": ["OPTForCausalLM"],
            "eos_token_id": 118,
            "ffn_dim": 10240,
            "hidden_size": 2560,
            "model_type": "opt",
            "num_attention_heads": 32,
            "num_hidden_layers": layers,
            "prefix": "</s>",
            "torch_dtype": "float16",
            "vocab_size": vocabulary,
            "word_embed_proj_dim": 2560,
        }
    return {
        "architectures": ["T5ForConditionalGeneration"],
        "bos_token_id": 1,
        "classifier_dropout": 0.0,
        "d_ff": 5120,
        "d_kv": 64,
        "d_model": 2048,
        "decoder_start_token_id": 0,
        "dense_act_fn": "gelu",
        "eos_token_id": 1,
        "feed_forward_proj": "gated-gelu",
        "is_encoder_decoder": True,
        "is_gated_act": True,
        "layer_norm_epsilon": 1e-06,
        "model_type": "t5",
        "n_positions": 512,
        "num_decoder_layers": layers,
        "num_heads": 32,
        "num_layers": layers,
        "output_past": True,
        "pad_token_id": 0,
        "relative_attention_max_distance": 128,
        "relative_attention_num_buckets": 32,
        "task_specific_params": {"summarization": {"max_length": 200, "prefix": "summarize: "}},
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
        "vocab_size": vocabulary,
    }


def model_config(kind, vocabulary, image_token, layers=LAYERS):
    return {
        "architectures": ["Blip2ForConditionalGeneration"],
        "image_text_hidden_size": 256,
        "image_token_index": image_token,
        "initializer_factor": 1.0,
        "initializer_range": 0.02,
        "model_type": "blip-2",
        "num_query_tokens": 32,
        "qformer_config": {
            "classifier_dropout": None,
            "model_type": "blip_2_qformer",
            "num_hidden_layers": layers["qformer"],
        },
        "text_config": text_config(kind, layers["text"], vocabulary),
        "torch_dtype": "float32",
        "transformers_version": "4.47.0.dev0",
        "use_decoder_only_language_model": kind == "opt",
        "vision_config": {
            "dropout": 0.0,
            "initializer_factor": 1.0,
            "model_type": "blip_2_vision_model",
            "num_channels": 3,
            "num_hidden_layers": layers["vision"],
            "projection_dim": 512,
        },
    }


def tensor_names(config):
    """What save_pretrained stores: tied tables once."""
    with torch.device("meta"):
        names = set(Blip2ForConditionalGeneration(Blip2Config(**config)).state_dict())
    if config["text_config"]["model_type"] == "opt":
        return names - {"language_model.lm_head.weight"}
    return names - {f"language_model.{stack}.embed_tokens.weight" for stack in ("encoder", "decoder")}


def index(names):
    shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    names = sorted(names)
    half = len(names) // 2
    return {"metadata": {"total_size": 4 * len(names)}, "weight_map": {n: shards[i >= half] for i, n in enumerate(names)}}


def check(directory):
    wrong = 0
    for file in sorted(Path(directory).glob("*/model.safetensors.index.json")):
        config = read(file.parent / "config.json")
        kind = config["text_config"]["model_type"]
        layers = PUBLISHED_LAYERS[kind]
        ours = tensor_names(model_config(kind, 64, 63, layers))
        theirs = set(read(file)["weight_map"])
        print(f"{file.parent.name}: {len(theirs)} names, missing here {sorted(theirs - ours)}, only here {sorted(ours - theirs)}")
        wrong += ours != theirs
    return wrong


# ---------------------------------------------------------------- tokenizers


def added(tokens, flags, special=True):
    return {str(i): {"content": token, **flags, "special": special} for i, token in sorted(tokens.items())}


def listed(tokens, flags):
    return [{"id": i, "content": token, **flags, "special": True} for i, token in sorted(tokens.items())]


def opt(folder, newer):
    source = read(TOKENIZERS / "opt" / "tokenizer.json")
    ids = source["model"]["vocab"]
    image = len(ids)
    roles = {"bos_token": "</s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "</s>"}
    objects = {role: {"content": token, **NORMALIZED} for role, token in roles.items()}
    shutil.copy(TOKENIZERS / "opt-vocab-merges" / "vocab.json", folder / "vocab.json")
    shutil.copy(TOKENIZERS / "opt-vocab-merges" / "merges.txt", folder / "merges.txt")
    config = {
        "add_bos_token": True,
        "add_prefix_space": False,
        "errors": "replace",
        "model_max_length": UNLIMITED,
        "processor_class": "Blip2Processor",
        "tokenizer_class": "GPT2Tokenizer",
    }
    write(folder / "special_tokens_map.json", objects)
    if newer:
        tokens = {1: "<pad>", 2: "</s>"}
        config |= {"added_tokens_decoder": added(tokens, NORMALIZED) | added({image: "<image>"}, PLAIN), **roles}
        config["clean_up_tokenization_spaces"] = False
        source["added_tokens"] = listed(tokens, NORMALIZED) + listed({image: "<image>"}, PLAIN)
        write(folder / "tokenizer.json", source)
        write(folder / "added_tokens.json", {"<image>": image})
    else:
        config |= {role: {"__type": "AddedToken", **token} for role, token in objects.items()}
        config["special_tokens_map_file"] = None
    write(folder / "tokenizer_config.json", config)
    return image


def t5_pieces():
    source = read(TOKENIZERS / "t5" / "tokenizer.json")
    return source, source["model"]["vocab"], source["normalizer"]


def spiece(folder):
    _, pieces, normalizer = t5_pieces()
    model = sentencepiece_model_pb2.ModelProto()
    for i, (text, score) in enumerate(pieces):
        model.pieces.add(piece=text, score=score, type={0: 3, 1: 3, 2: 2}.get(i, 1))
    model.trainer_spec.model_type = 1
    model.trainer_spec.unk_id, model.trainer_spec.pad_id, model.trainer_spec.eos_id, model.trainer_spec.bos_id = 2, 0, 1, -1
    model.normalizer_spec.name = "nmt_nfkc"
    model.normalizer_spec.precompiled_charsmap = base64.b64decode(normalizer["precompiled_charsmap"])
    (folder / "spiece.model").write_bytes(model.SerializeToString(deterministic=True))
    return len(pieces)


def t5(folder, layout):
    size = spiece(folder)
    image = size + 100
    special = {0: "<pad>", 1: "</s>", 2: "<unk>"} | {size + i: token for i, token in enumerate(reversed(SENTINELS))}
    config = {
        "additional_special_tokens": SENTINELS,
        "eos_token": "</s>",
        "extra_ids": 100,
        "model_max_length": 512,
        "pad_token": "<pad>",
        "processor_class": "Blip2Processor",
        "sp_model_kwargs": {},
        "tokenizer_class": "T5Tokenizer",
        "unk_token": "<unk>",
    }
    roles = {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    if layout == "newer":
        special[image] = "<image>"
        config |= {"added_tokens_decoder": added(special, PLAIN), "clean_up_tokenization_spaces": False}
        roles = {role: {"content": token, **PLAIN} for role, token in roles.items()}
        write(folder / "added_tokens.json", {"<image>": image})
    if layout != "spiece":
        # As the published file says, against which transformers 5 splits at all white space.
        source, pieces, normalizer = t5_pieces()
        spaces = {"type": "Metaspace", "replacement": "▁"}
        spaces |= {"prepend_scheme": "always", "split": True} if layout == "newer" else {"add_prefix_space": True}
        source["model"]["vocab"] = pieces + [[token, 0.0] for token in reversed(SENTINELS)]
        source["normalizer"] = {
            "type": "Sequence",
            "normalizers": [normalizer, {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}],
        }
        source["pre_tokenizer"] = source["decoder"] = spaces
        source["added_tokens"] = listed(special, PLAIN)
        write(folder / "tokenizer.json", source)
    write(folder / "special_tokens_map.json", {"additional_special_tokens": SENTINELS, **roles})
    write(folder / "tokenizer_config.json", config)
    return image


def itm(folder, cased):
    ids = read(TOKENIZERS / "bert" / "tokenizer.json")["model"]["vocab"]
    roles = {"cls": "[CLS]", "mask": "[MASK]", "pad": "[PAD]", "sep": "[SEP]", "unk": "[UNK]"}
    roles = {f"{role}_token": token for role, token in roles.items()}
    (folder / "vocab.txt").write_text("".join(token + "\n" for token in sorted(ids, key=ids.get)), encoding="utf-8")
    write(folder / "added_tokens.json", {"[DEC]": len(ids)})
    write(folder / "special_tokens_map.json", {"bos_token": {"content": "[DEC]", **PLAIN}, **roles})
    tokens = {ids[token]: token for token in roles.values()} | {len(ids): "[DEC]"}
    write(
        folder / "tokenizer_config.json",
        {
            "added_tokens_decoder": added(tokens, PLAIN),
            "bos_token": "[DEC]",
            "clean_up_tokenization_spaces": True,
            "do_basic_tokenize": True,
            "do_lower_case": not cased,
            "model_max_length": 512,
            "never_split": None,
            "processor_class": "Blip2Processor",
            "strip_accents": False if cased else None,
            "tokenize_chinese_chars": not cased,
            "tokenizer_class": "BertTokenizer",
            "truncation_side": "right",
            **roles,
        },
    )
    write(folder / "preprocessor_config.json", {**IMAGES, "_valid_processor_keys": ["images", "do_resize", "size"]})
    write(
        folder / "config.json",
        {
            "architectures": ["Blip2ForImageTextRetrieval"],
            "image_text_hidden_size": 256,
            "model_type": "blip-2",
            "num_query_tokens": 32,
            "qformer_config": {
                "model_type": "blip_2_qformer",
                "qformer_text_input" if cased else "use_qformer_text_input": True,
                "vocab_size": len(ids) + 1,
            },
            "text_config": {"model_type": "opt"},
            "torch_dtype": "float32",
            "use_decoder_only_language_model": True,
            "vision_config": {"model_type": "blip_2_vision_model"},
        },
    )


def generating(folder, kind, image, newer):
    config = model_config(kind, image + 28, image)
    write(folder / "preprocessor_config.json", IMAGES)
    if newer:
        write(folder / "processor_config.json", {"num_query_tokens": 32, "processor_class": "Blip2Processor"})
        ends = {"bos_token_id": 2, "eos_token_id": 118, "pad_token_id": 1}
        if kind == "t5":
            ends = {"bos_token_id": 1, "decoder_start_token_id": 0, "eos_token_id": 1, "pad_token_id": 0}
        write(folder / "generation_config.json", {"_from_model_config": True, **ends, "transformers_version": "4.47.0.dev0"})
        write(folder / "model.safetensors.index.json", index(tensor_names(config)))
    else:
        del config["image_token_index"]
        config["_commit_hash"] = None
        config["vision_config"] |= {"layer_norm_eps": 1e-05, "hidden_act": "gelu", "hidden_size": 1408}
        config["qformer_config"] |= {"position_embedding_type": "absolute", "layer_norm_eps": 1e-12, "id2label": {"0": "LABEL_0"}}
    write(folder / "config.json", config)


# ---------------------------------------------------------------- what is expected


def texts():
    chosen = random.Random(SEED).sample([t for t in read(TOKENIZERS / "texts.json") if "<image>" not in t], 80)
    spaces = [" ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "\u2003", "\u200b", "\u2028", "\u0085"]
    for space in spaces:
        chosen += [space, f"a photo of{space}", f"{space}a photo", f"two{space}cats", f"a{space}</s>{space}b", f"[SEP]{space}"]
    chosen += ["a photo of ", "Question: what is it? Answer: ", " <extra_id_1> x", "café Ünï 犬と女性 İ", "[DEC] a [MASK] b", "x" * 120]
    return list(dict.fromkeys(chosen))


def expectations(folder, sample):
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    cases = []
    for text in sample:
        bare = tokenizer(text, add_special_tokens=False)["input_ids"]
        cases.append(
            {
                "text": text,
                "ids": tokenizer(text)["input_ids"],
                "ids_no_special": bare,
                "decoded": tokenizer.decode(bare),
                "decoded_skip": tokenizer.decode(bare, skip_special_tokens=True),
            }
        )
    roles = {role: getattr(tokenizer, role + "_token") for role in ("bos", "eos", "pad", "unk")}
    library = f"transformers {transformers.__version__} AutoTokenizer"
    return {"library": library, "class": type(tokenizer).__name__, "len": len(tokenizer), **roles, "cases": cases}


def lines(value):
    cases = ",\n".join(json.dumps(case) for case in value.pop("cases"))
    return json.dumps(value)[:-1] + ',\n"cases": [\n' + cases + "\n]}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", metavar="DIR", help="folders with real indexes")
    arguments = parser.parse_args()
    if arguments.check:
        sys.exit(check(arguments.check) > 0)
    shutil.rmtree(OUT, ignore_errors=True)
    (OUT / "expected-ids").mkdir(parents=True)
    folders = {}
    for name in ("opt", "opt-older", "t5", "t5-2023", "t5-spiece", "itm", "itm-cased"):
        folders[name] = OUT / f"blip2-{name}"
        folders[name].mkdir()
    for name, newer in (("opt", True), ("opt-older", False)):
        generating(folders[name], "opt", opt(folders[name], newer), newer)
    for name, layout in (("t5", "newer"), ("t5-2023", "older"), ("t5-spiece", "spiece")):
        generating(folders[name], "t5", t5(folders[name], layout), layout == "newer")
    itm(folders["itm"], False)
    itm(folders["itm-cased"], True)
    sample = texts()
    for folder in folders.values():
        (OUT / "expected-ids" / f"hf-{folder.name}.json").write_text(lines(expectations(folder, sample)))


if __name__ == "__main__":
    main()
