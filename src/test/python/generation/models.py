# SPDX-License-Identifier: Apache-2.0
"""The tiny checkpoints. Their weights are random, but the ids behave like a trained model's: the end comes after a varying
number of tokens, padding and image ids hardly ever, and each step leaves several ids to choose from.
"""

import json
import os
import shutil

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    Blip2Config,
    Blip2ForConditionalGeneration,
    Blip2Processor,
    BlipImageProcessorPil,
    GenerationConfig,
    PreTrainedTokenizerFast,
)

from reference.cases import GATED, QFORMER, T5, VISION
from reference.cases import OPT as REFERENCE_OPT
from reference.models import read_json, write_json
from reference.vocabularies import CORPUS, t5_tokenizer
from reference.weights import fill

VOCABULARY = 96
IMAGE = VOCABULARY - 1
QUERIES = 4
NEWLINE = 4
VISION = dict(VISION, patch_size=14)
QFORMER = dict(QFORMER, num_hidden_layers=2)
OPT = dict(
    REFERENCE_OPT, vocab_size=VOCABULARY, hidden_size=48, ffn_dim=96, max_position_embeddings=128, eos_token_id=NEWLINE
)
T5 = dict(T5, **GATED, vocab_size=VOCABULARY, d_model=48, d_kv=12, d_ff=64)
SMALL_OPT = dict(OPT, hidden_size=16, ffn_dim=32, num_attention_heads=2, num_hidden_layers=1)
SMALL_T5 = dict(T5, d_kv=8, d_ff=32, num_heads=2, num_layers=1, num_decoder_layers=1)
# Folder: text configuration, seed, gain, how often the end comes when drawn.
# Seeds were tried until answers differed in length.
CHECKPOINTS = {
    "opt": (OPT, 15, 2.2, 0.08),
    "t5": (T5, 8, 1.5, 0.1),
    "assistant": (SMALL_OPT, 5, 2.2, 0.02),
    "assistant-t5": (SMALL_T5, 6, 1.5, 0.02),
}


def is_t5(text):
    return text["model_type"] == "t5"


def opt_tokenizer():
    """Byte-level BPE over the corpus' own characters: 4 special tokens, the newline, characters, merges, <image>."""
    level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = level
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=IMAGE, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "Ċ"], show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    # The newline is a piece like any other, not a special token.
    vocab = tokenizer.get_vocab()
    merges = [tuple(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]
    plain = Tokenizer(models.BPE(vocab=vocab, merges=merges, unk_token="<unk>"))
    plain.pre_tokenizer = level
    plain.decoder = decoders.ByteLevel()
    plain.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>"])
    plain.post_processor = processors.TemplateProcessing(single="</s> $A", special_tokens=[("</s>", 2)])
    plain.add_special_tokens([AddedToken("<image>", normalized=False, special=True)])
    return PreTrainedTokenizerFast(
        tokenizer_object=plain,
        bos_token="</s>",
        eos_token="</s>",
        unk_token="</s>",
        pad_token="<pad>",
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )


def build(name):
    """A model with random weights, its tokenizer and its generation configuration."""
    text, seed, gain, ends = CHECKPOINTS[name]
    tokenizer = t5_tokenizer(VOCABULARY) if is_t5(text) else opt_tokenizer()
    assert len(tokenizer) == VOCABULARY and tokenizer.convert_tokens_to_ids("<image>") == IMAGE, len(tokenizer)
    config = Blip2Config(
        vision_config=dict(VISION),
        qformer_config=dict(QFORMER),
        text_config=dict(text),
        num_query_tokens=QUERIES,
        image_text_hidden_size=16,
        image_token_index=IMAGE,
    )
    model = Blip2ForConditionalGeneration(config).eval()
    language = model.language_model
    if is_t5(text):  # a head of its own, as Flan-T5
        language.lm_head.weight = torch.nn.Parameter(torch.empty_like(language.lm_head.weight))
    fill(model, torch.Generator().manual_seed(seed), gain)
    arrange(model, ends)
    keys = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")
    values = {key: text[key] for key in keys if key in text}
    model.generation_config = GenerationConfig(**values)
    return model, tokenizer


@torch.no_grad()
def arrange(model, ends):
    """Gives the ids new rows of the tables: the end one that is drawn with the given frequency, the special ids the rarest,
    and the others in order of falling frequency.
    """
    text = model.config.text_config
    torch.manual_seed(0)
    pixels = noise(torch.Generator().manual_seed(99), 16)
    drawn = model.generate(
        pixel_values=pixels, do_sample=True, top_k=0, max_new_tokens=32, eos_token_id=None, num_return_sequences=4
    )[:, -32:]
    counts = torch.bincount(drawn.flatten(), minlength=VOCABULARY).tolist()
    order = sorted(range(VOCABULARY), key=lambda i: (counts[i], i))
    end = min(order, key=lambda i: (abs(counts[i] / drawn.numel() - ends), i))
    special = [0, 1, 2, IMAGE] if is_t5(text.to_dict()) else [0, 1, 2, 3, IMAGE]
    special = [i for i in special if i != text.eos_token_id]
    rare = [i for i in order if i != end]
    source = {text.eos_token_id: end}
    source.update(zip(special, rare))
    rest = [i for i in reversed(order) if i not in source.values()]
    source.update(zip([i for i in range(VOCABULARY) if i not in source], rest))
    rows = torch.tensor([source[i] for i in range(VOCABULARY)])
    tables = {id(m.weight): m.weight for m in (model.get_input_embeddings(), model.get_output_embeddings())}
    for table in tables.values():
        table.copy_(table[rows].clone())


def noise(generator, count):
    """Pictures of noise around a colour of their own."""
    colour = 1.5 * torch.randn(count, 3, 1, 1, generator=generator)
    return colour + torch.randn(count, 3, VISION["image_size"], VISION["image_size"], generator=generator)


def save(name, folder):
    model, tokenizer = build(name)
    shutil.rmtree(folder, ignore_errors=True)
    size = {"height": VISION["image_size"], "width": VISION["image_size"]}
    processor = Blip2Processor(BlipImageProcessorPil(size=size), tokenizer, num_query_tokens=QUERIES)
    processor.save_pretrained(folder)
    state, seen = {}, set()
    for key, tensor in model.state_dict().items():  # tied tensors are written once
        if tensor.data_ptr() not in seen:
            seen.add(tensor.data_ptr())
            state[key] = tensor.detach().clone().contiguous()
    model.save_pretrained(folder, state_dict=state)
    file = os.path.join(folder, "config.json")
    config = read_json(file)
    config["dtype"] = "float32"
    if is_t5(CHECKPOINTS[name][0]):
        text = config["text_config"]
        text["tie_word_embeddings"] = False
        text.pop("scale_decoder_outputs", None)
    write_json(file, config)
    for file in os.listdir(folder):
        os.chmod(os.path.join(folder, file), 0o644)
    loaded = Blip2ForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    assert all(torch.equal(value, loaded.state_dict()[key]) for key, value in model.state_dict().items()), name
    return loaded, tokenizer
