# SPDX-License-Identifier: Apache-2.0
"""Small tokenizers of the two kinds that BLIP-2 checkpoints carry.

OPT: byte-level BPE with the ids 0 <s>, 1 <pad>, 2 </s>, 3 <unk>; </s> is put before the text.
T5: Unigram with the ids 0 <pad>, 1 </s>, 2 <unk>; </s> is put after the text.
<image> is the last id of both.
"""

import math
from collections import Counter

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

CORPUS = [
    "a photo of a cat sitting on a couch",
    "a photo of two dogs running on the beach",
    "Question: how many cats are there? Answer: two",
    "Question: what is the color of the sky? Short answer: blue",
    "a woman sitting on the beach with a dog",
    "there is a red bus on the street in the city",
    "this is a picture of a fountain in singapore, at night",
    "the man is reading a book under a tree",
    "an astronaut, a rocket and the moon: 1969",
    "the coins lie on a table; the coffee is hot!",
]


def opt_tokenizer(merges=60):
    """Byte-level BPE: 4 special tokens, 256 bytes, the merges, <image>."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=4 + 256 + merges,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="</s> $A", special_tokens=[("</s>", 2)])
    tokenizer.add_special_tokens([AddedToken("<image>", normalized=False, special=True)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="</s>",
        eos_token="</s>",
        unk_token="</s>",
        pad_token="<pad>",
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )


def t5_tokenizer(pieces=150):
    """Unigram: 3 special tokens, single characters, frequent substrings, <image>.

    The scores come from counts rather than from a trainer, whose sums depend on the number of threads.
    """
    words = ["▁" + word for line in CORPUS for word in line.split()]
    characters = Counter(c for word in words for c in word)
    substrings = Counter(
        word[i:j] for word in words for i in range(len(word)) for j in range(i + 2, min(len(word), i + 7) + 1)
    )
    frequent = sorted(((n * (len(s) - 1), s) for s, n in substrings.items() if n > 1), key=lambda e: (-e[0], e[1]))
    chosen = [s for _, s in frequent[: pieces - 4 - len(characters)]]
    total = sum(characters.values())
    vocab = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    vocab += [(s, round(math.log(substrings[s] / total), 6)) for s in chosen]
    vocab += [(c, round(math.log(n / total) - 2, 6)) for c, n in sorted(characters.items())]
    tokenizer = Tokenizer(models.Unigram(vocab, unk_id=2))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.add_special_tokens([AddedToken("<image>", normalized=False, special=True)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        padding_side="right",
        clean_up_tokenization_spaces=False,
    )
