# SPDX-License-Identifier: Apache-2.0
"""The retrieval twin of the demo model: a small BLIP-2 with ITC and ITM heads, and its tokenizer, WordPiece as BERT has it."""

import copy
import json
import os
import string

import torch
from tokenizers import BertWordPieceTokenizer, pre_tokenizers
from transformers import Blip2Config, Blip2ForImageTextRetrieval

import model as demo
import pictures
import texts

QUERIES = 8
PATCH = 8
VISION = 192
HIDDEN = 128
PROJECTED = 64
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
START = "[DEC]"  # of a decoder, in the published checkpoints too, where nothing uses it


def vocabulary(concepts):
    """Special tokens, all words of the texts, and every letter alone and within a word, so that no other English word is unknown."""
    said = [title for concept in concepts for title in texts.titles(concept)]
    said += [form for group in texts.groups(concepts) for forms, _ in group for form in forms]
    words = {word for text in said for word, _ in pre_tokenizers.BertPreTokenizer().pre_tokenize_str(text.lower())}
    letters = string.ascii_lowercase + string.digits
    pieces = [*SPECIAL, *string.punctuation, *letters, *("##" + letter for letter in letters)]
    pieces += sorted(words - set(pieces))
    return {piece: index for index, piece in enumerate(pieces)}


def tokenizer(vocab):
    """[CLS] text [SEP]."""
    return BertWordPieceTokenizer(vocab, lowercase=True)


def save_tokenizer(vocab, folder):
    """The files of the published retrieval checkpoints, which have no tokenizer.json."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8") as file:
        file.writelines(piece + "\n" for piece in vocab)
    demo.write(folder, "added_tokens.json", {START: len(vocab)})
    special = {"bos_token": START} | {piece.strip("[]").lower() + "_token": piece for piece in SPECIAL}
    demo.write(folder, "special_tokens_map.json", special)
    more = {
        "added_tokens_decoder": {
            str(index): {"content": piece, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
            for index, piece in [*enumerate(SPECIAL), (len(vocab), START)]
        },
        "tokenizer_class": "BertTokenizer",
        "processor_class": "Blip2Processor",
        "do_lower_case": True,
        "model_max_length": 64,
        "clean_up_tokenization_spaces": True,
    }
    demo.write(folder, "tokenizer_config.json", special | more)
    demo.write(folder, "preprocessor_config.json", demo.image_processor() | {"processor_class": "Blip2Processor"})


def blip2(vocab):
    config = Blip2Config(
        vision_config=dict(
            hidden_size=VISION, intermediate_size=2 * VISION, num_hidden_layers=6, num_attention_heads=4,
            image_size=pictures.SIZE, patch_size=PATCH, initializer_range=0.02,
        ),
        qformer_config=dict(
            hidden_size=HIDDEN, intermediate_size=2 * HIDDEN, num_hidden_layers=3, num_attention_heads=4,
            cross_attention_frequency=2, vocab_size=len(vocab) + 1, max_position_embeddings=64, use_qformer_text_input=True,
            hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        ),
        text_config=dict(model_type="opt"),
        num_query_tokens=QUERIES,
        image_text_hidden_size=PROJECTED,
        image_token_index=None,
    )  # fmt: skip
    model = Blip2ForImageTextRetrieval(config)
    demo.start(model)
    # With the usual small weights all texts look alike for a long time: what tells them apart reaches [CLS] by attention alone.
    for name, parameter in model.named_parameters():
        if not name.startswith("vision_model") and isinstance(model.get_submodule(name.rpartition(".")[0]), torch.nn.Linear):
            if parameter.dim() > 1:
                parameter.data.normal_(0, parameter[0].numel() ** -0.5)
    return model


def export(model, vocab, folder):
    """A complete Hugging Face folder with F16 weights, of a model that stays as it is."""
    copy.deepcopy(model).half().save_pretrained(folder)
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    config["text_config"] = {"model_type": "opt"}  # there is no language model
    demo.write(folder, "config.json", config)
    save_tokenizer(vocab, folder)
