# SPDX-License-Identifier: Apache-2.0
"""The demo model: a small BLIP-2 with OPT, and its tokenizer with the special tokens of OPT."""

import json
import os

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import Blip2Config, Blip2ForConditionalGeneration

import pictures
import texts

QUERIES = 8
VOCABULARY = 2048
HIDDEN = 192


def tokenizer(concepts):
    """Byte-level BPE: <s> 0, <pad> 1, </s> 2, <unk> 3, as OPT has them; <image> is the last."""
    bpe = Tokenizer(models.BPE(unk_token=None))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - 1,
        min_frequency=1,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(texts.everything(concepts), trainer)
    bpe.add_special_tokens([AddedToken("<image>", special=True, normalized=False)])
    bpe.post_processor = processors.TemplateProcessing(single="</s> $A", special_tokens=[("</s>", 2)])
    return bpe


def save_tokenizer(bpe, folder):
    os.makedirs(folder, exist_ok=True)
    bpe.save(os.path.join(folder, "tokenizer.json"))
    files = json.loads(bpe.to_str())
    with open(os.path.join(folder, "vocab.json"), "w", encoding="utf-8") as file:
        json.dump(files["model"]["vocab"], file, ensure_ascii=False)
    with open(os.path.join(folder, "merges.txt"), "w", encoding="utf-8") as file:
        file.write("#version: 0.2\n")
        for merge in files["model"]["merges"]:
            file.write((merge if isinstance(merge, str) else " ".join(merge)) + "\n")
    write(folder, "added_tokens.json", {"<image>": bpe.token_to_id("<image>")})
    special = {"bos_token": "</s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "</s>"}
    write(folder, "special_tokens_map.json", special)
    more = {"tokenizer_class": "GPT2Tokenizer", "add_bos_token": True, "add_prefix_space": False, "model_max_length": 128}
    write(folder, "tokenizer_config.json", special | more | {"clean_up_tokenization_spaces": False})
    write(folder, "preprocessor_config.json", image_processor())
    write(folder, "processor_config.json", {"processor_class": "Blip2Processor", "num_query_tokens": QUERIES})


def image_processor():
    return {
        "image_processor_type": "BlipImageProcessor",
        "do_resize": True,
        "size": {"height": pictures.SIZE, "width": pictures.SIZE},
        "resample": 3,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": pictures.MEAN.flatten().double().round(decimals=8).tolist(),
        "image_std": pictures.STD.flatten().double().round(decimals=8).tolist(),
        "do_convert_rgb": True,
    }


def write(folder, name, content):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2, ensure_ascii=False)
        file.write("\n")


def blip2(bpe):
    size = bpe.get_vocab_size()
    vocabulary = (size + 63) // 64 * 64
    newline = bpe.encode("\n", add_special_tokens=False).ids
    assert len(newline) == 1, "the stop token must be one token"
    config = Blip2Config(
        vision_config=dict(
            hidden_size=HIDDEN, intermediate_size=3 * HIDDEN, num_hidden_layers=6, num_attention_heads=4,
            image_size=pictures.SIZE, patch_size=16, initializer_range=0.02,
        ),
        qformer_config=dict(
            hidden_size=HIDDEN, intermediate_size=2 * HIDDEN, num_hidden_layers=3, num_attention_heads=4,
            cross_attention_frequency=2, vocab_size=64, max_position_embeddings=64,
            hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        ),
        text_config=dict(
            model_type="opt", vocab_size=vocabulary, hidden_size=HIDDEN, word_embed_proj_dim=HIDDEN, ffn_dim=2 * HIDDEN,
            num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=128, dropout=0.0,
            bos_token_id=2, eos_token_id=newline[0], pad_token_id=1,
        ),
        num_query_tokens=QUERIES,
        image_token_index=bpe.token_to_id("<image>"),
    )  # fmt: skip
    model = Blip2ForConditionalGeneration(config)
    start(model)
    return model


def start(model):
    """Learned from nothing, the vision model and the queries need a start that is not zero."""
    for name, parameter in model.named_parameters():
        if name.startswith("vision_model") and "weight" in name and parameter.dim() > 1:
            parameter.data.normal_(0, parameter[0].numel() ** -0.5)
        elif name.endswith(("class_embedding", "position_embedding", "query_tokens")):
            parameter.data.normal_(0, 0.02)
