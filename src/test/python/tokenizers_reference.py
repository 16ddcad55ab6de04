# SPDX-License-Identifier: Apache-2.0
"""Makes three small tokenizers and writes what transformers makes of many texts with them.

Run from anywhere, without arguments. It writes under src/test/resources/tokenizers:
  opt/, t5/, bert/    folders as a checkpoint has them: byte-level BPE, Unigram with a character map, WordPiece
  opt-vocab-merges/   the first one as vocab.json and merges.txt, without tokenizer.json
  texts.json          the texts, over all planes of Unicode
  NAME/expected.json  ids and decoded texts of each of them, and decodings of arbitrary ids
  processor.json      what Blip2Processor makes of texts with padding, truncation and image tokens
"""

import json
import math
import random
import shutil
import struct
import unicodedata
from collections import Counter
from pathlib import Path

import tokenizers
import transformers
from PIL import Image
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, BlipImageProcessorPil, Blip2Processor

OUT = Path(__file__).resolve().parents[1] / "resources" / "tokenizers"
SEED = 20

# ---------------------------------------------------------------- texts

SUBJECTS = "a man|a woman|two cats|a brown dog|three children|an astronaut|the old lady|a cyclist|some birds|my friend"
VERBS = "sitting on|standing next to|looking at|holding|running towards|painting|eating|walking with|playing with|riding"
OBJECTS = "a red bench|the beach|an umbrella|a cup of coffee|the Eiffel tower|a laptop|two pizzas|a surfboard|a kitchen table"
PLACES = "in the rain|at night|under a blue sky|in San Francisco|near the river|in front of a house|on a sunny day|"
SENTENCES = [
    "Question: what is in the picture? Short answer:",
    "Question: how many cats are there? Answer: two",
    "a photo of",
    "It's John's — isn't it? They're here, we've won; I'm sure he'd say \"yes\"!",
    "Die Straße führt über den Fluß, und die Äpfel sind grün.",
    "L'été, on mange des crêpes à la crème fraîche.",
    "El niño comió piñas y jalapeños en la mañana.",
    "Москва — столица России; снег идёт всю ночь.",
    "Ο γρήγορος σκύλος πηδάει πάνω από τον φράχτη.",
    "الكلب يجلس على الشاطئ مع امرأة",
    "הכלב יושב על החוף עם אישה",
    "कुत्ता समुद्र तट पर बैठा है",
    "狗和女人坐在海滩上。",
    "犬と女性が浜辺に座っている。カタカナとひらがな。",
    "개와 여자가 해변에 앉아 있다.",
    "สุนัขนั่งอยู่บนชายหาด",
    "Con chó ngồi trên bãi biển với một người phụ nữ",
    "👍🏽 👨‍👩‍👧‍👦 🏳️‍🌈 ☕️ 🐶🏖️ 🇨🇭",
]


def corpus():
    rng = random.Random(SEED)
    for _ in range(1500):
        parts = [rng.choice(words.split("|")) for words in (SUBJECTS, VERBS, OBJECTS, PLACES)]
        text = " ".join(part for part in parts if part)
        yield rng.choice([text, text.capitalize() + ".", "Question: is it " + text + "? Answer: yes", text + ", " + text])
    for _ in range(10):
        yield from SENTENCES
    for number in range(300):
        yield f"{number * 37 % 1000} {number % 24}:{number % 60:02d} {number / 7:.2f}%"


def texts():
    """At least 500 texts: what people write, and what no one writes."""
    rng = random.Random(SEED + 1)
    sample = list(dict.fromkeys(corpus()))
    yield from SENTENCES
    yield from rng.sample(sample, 60)
    yield from [
        "", " ", "  ", "   a", "a   ", "a  b   c", "\n", "\n\n", "a\n", "a\nb\r\nc\td", "\t", "\u00a0", "\u2003x\u2003", "\u3000全角　空白",
        "\u200b", "a\u200bb", "\ufeffbom", "\u200e\u200f", "\u202eright to left\u202c", "\x00", "a\x00b", "\x01\x02\x1b[0m", "\x7f\x80\x9f",
        "\x0b\x0c\x1c\x85", "\u2028\u2029", "\ufffd", "\ufffe\uffff", "\ue000\uf8ff", "e\u0301", "\u00e9", "A\u030a\u212b\u00c5", "o\u0308\u0323", "\u0301", " \u0301",
        "a" + "\u0300" * 20, "ﬁ ﬀ ﬃ", "①②③ ½ ⅓ ²³ Ⅷ ㎏ ㍿", "ＦＵＬＬ　ｗｉｄｔｈ", "ﾊﾝｶｸ ｶﾞ", "ǅ ß ẞ İ ı ſ", "ΣΑΣ ς σ", "İstanbul", "Æther œuvre", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟘𝟙", "𐍈𐌰", "𠀀𠮷", "𓀀", "𝄞",
        "🤷🏽‍♀️", "👍" * 30, "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "한국어 ᄒ\u1161\u11ab", "ไทย", "བོད་", "မြန်မာ", "தமிழ்", "ქართული", "ᏣᎳᎩ", "ᚠᚢᚦ", "ﷺ", "\u0644\u0627", "שָׁלוֹם",
        "don't can't won't it'll we'd 'tis", "DON'T IT'S", "a.b,c;d:e!f?g", " . , ! ?", "no . space , here !", "word 's n't 'm 're 've ' x", "...", "!!!???", "C:\\path\\file.txt",
        "https://example.org/?q=a%20b&c=d#e", "user@example.org", "1,234.56", "3.14159", "-1e-10", "0x1F", "#hashtag @user", "<b>bold</b>", "&amp; &lt;", "{\"a\": [1, 2]}", "a_b-c/d|e",
        "x" * 300, "ab" * 200, "supercalifragilisticexpialidocious", "ÀÉÎÕÜ àéîõü", "naïve café résumé", "<s>", "</s>", "<pad>", "<unk>", "a</s>b", "</s></s>", " </s> ", "a <pad> b",
        "<extra_id_0> walks in <extra_id_1> park", "[CLS] a [SEP]", "[MASK]", "[DEC]", "[UNK]", "[cls]", "< s >", "▁", "▁a▁b", "##ing", "Ġ Ċ", "Question: ", " Question:", "Short answer:\n",
    ]
    planes = [
        (0x20, 0x7E), (0xA0, 0x24F), (0x250, 0x36F), (0x370, 0x5FF), (0x600, 0xDFF), (0xE00, 0x1FFF), (0x2000, 0x2BFF), (0x2C00, 0x33FF),
        (0x3400, 0x9FFF), (0xA000, 0xD7FF), (0xE000, 0xFAFF), (0xFB00, 0xFFFF), (0x10000, 0x1FFFF), (0x1F300, 0x1FAFF), (0x20000, 0x2FFFF),
        (0x30000, 0x3FFFF), (0x40000, 0x9FFFF), (0xA0000, 0xDFFFF), (0xE0000, 0xEFFFF), (0xF0000, 0x10FFFF), (0x00, 0x1F),
    ]  # fmt: skip
    for low, high in planes:
        for length in (1, 2, 3, 5, 8):
            yield "".join(chr(rng.randint(low, high)) for _ in range(length))
    for _ in range(120):  # words, spaces and anything, mixed
        pieces = []
        for _ in range(rng.randint(1, 8)):
            low, high = rng.choice(planes)
            pieces.append(
                rng.choice([lambda: rng.choice(rng.choice(sample).split(" ")), lambda: chr(rng.randint(low, high))])()
            )
            pieces.append(rng.choice(["", " ", " ", "  ", "\n", "\t", "-", "."]))
        yield "".join(pieces)
    for text in rng.sample(sample, 60):  # with case and marks changed
        yield rng.choice([text.upper(), text.title(), text.replace(" ", "  "), unicodedata.normalize("NFD", text), text[::-1]])
    for _ in range(60):  # single characters that normalisation changes
        while True:
            char = chr(rng.randint(0xA0, 0x2FFFF))
            if not 0xD800 <= ord(char) <= 0xDFFF and unicodedata.normalize("NFKC", char) != char:
                break
        yield f"a{char}b {char}"


# ---------------------------------------------------------------- a character map as SentencePiece has it


def charsmap():
    """SentencePiece's `precompiled_charsmap` for an own map: NFKC of single characters and of common letters with marks.

    The format: size of a double array in bytes, the array (Darts: units of 32 bits), zero-terminated replacements.
    """
    table = {}
    for code in range(1, 0x30000):
        char = chr(code)
        if 0xD800 <= code <= 0xDFFF or 0xF900 <= code <= 0xFAFF or code >= 0x2F800 or 0x1D400 <= code <= 0x1D6FF:
            continue
        folded = unicodedata.normalize("NFKC", char)
        if code in (9, 10, 13, 0x85, 0x2028, 0x2029):
            folded = " "
        elif code < 32 or code in (0x7F, 0xAD, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF):
            folded = ""
        elif unicodedata.category(char) == "Zs":
            folded = " "
        if folded != char:
            table[char] = folded
    for letter in "AEIOUYNCSZaeiouyncsz":
        for mark in range(0x300, 0x30D):
            composed = unicodedata.normalize("NFC", letter + chr(mark))
            if len(composed) == 1:
                table[letter + chr(mark)] = composed

    replacements, offsets = b"", {}
    for value in table.values():
        if value not in offsets:
            offsets[value] = len(replacements)
            replacements += value.encode() + b"\0"
    units = double_array({key.encode(): offsets[value] for key, value in table.items()})
    return struct.pack("<I", 4 * len(units)) + struct.pack(f"<{len(units)}I", *units) + replacements


def double_array(values):
    """Darts' units for a map from bytes to numbers: a child of the node at p stands at p ^ offset(p) ^ label."""
    root = {}
    for key, value in values.items():
        node = root
        for byte in key:
            node = node.setdefault(byte, {})
        node[0] = value
    units, used, lowest = {0: 0}, {0}, 1
    queue = [(root, 0)]
    while queue:
        node, at = queue.pop(0)
        base = lowest
        while any(base ^ label in used or base ^ label == 0 for label in node):
            base += 1
        used.update(base ^ label for label in node)
        while lowest in used:
            lowest += 1
        units[at] |= (at ^ base) << 10 | (256 if 0 in node else 0)
        for label, child in node.items():
            if label == 0:
                units[base] = 1 << 31 | child
            else:
                units[base ^ label] = label
                queue.append((child, base ^ label))
    return [units.get(i, 0) for i in range((max(units) // 256 + 1) * 256)]


# ---------------------------------------------------------------- the three tokenizers


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def opt(folder):
    """As OPT and GPT-2: bytes, no unknown token, `</s>` (2) in front of every text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="</s> $A", pair="</s> $A </s> $B", special_tokens=[("</s>", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    special = {"bos_token": "</s>", "eos_token": "</s>", "unk_token": "</s>", "pad_token": "<pad>"}
    write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "GPT2Tokenizer",
            "add_bos_token": True,
            "add_prefix_space": False,
            "errors": "replace",
            "clean_up_tokenization_spaces": True,
            "model_max_length": 1000000000000000019884624838656,
            **special,
        },
    )
    write_json(folder / "special_tokens_map.json", special)


def opt_vocab_merges(folder):
    """The tokenizer of `opt` the old way: no tokenizer.json."""
    source = OUT / "opt"
    Tokenizer.from_file(str(source / "tokenizer.json")).model.save(str(folder))
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(source / name, folder / name)


def counted_words(tokenizer):
    """The words of the corpus as a tokenizer splits it.

    Two of the three vocabularies are counted, not trained: the library's trainers give others at every run.
    """
    words = Counter()
    for text in corpus():
        normalized = tokenizer.normalizer.normalize_str(text)
        words.update(word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normalized))
    return words


def counted_parts(words):
    """All parts of words, of two to eight characters, that do not stand at the beginning."""
    parts = Counter()
    for word, count in words.items():
        ends = [(start, end) for start in range(1, len(word)) for end in range(start + 2, min(start + 8, len(word)) + 1)]
        parts.update(Counter({part: count for part in {word[start:end] for start, end in ends}}))
    return parts


def t5(folder):
    """As T5: a character map, pieces that begin with ▁, `</s>` (1) after every text, sentinels at the end."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Precompiled(charsmap())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")]
    )
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    words = counted_words(tokenizer)
    letters = {letter: 1 for letter in sorted(set("".join(words)))}
    pieces = letters | {piece: count for piece, count in counted_parts(words).items() if count > 1}
    pieces |= dict(words.most_common(400))
    most = sorted(pieces, key=lambda piece: (-pieces[piece] * len(piece), piece))[:1000]
    scores = [(piece, round(math.log(pieces[piece] / 1e5), 4)) for piece in dict.fromkeys(most + list(letters))]
    tokenizer.model = models.Unigram([("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *scores], unk_id=2)
    sentinels = [f"<extra_id_{i}>" for i in range(99, -1, -1)]
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in sentinels])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "TokenizersBackend",
            "eos_token": "</s>",
            "unk_token": "<unk>",
            "pad_token": "<pad>",
            "clean_up_tokenization_spaces": True,
            "model_max_length": 24,
            "additional_special_tokens": [f"<extra_id_{i}>" for i in range(100)],
        },
    )


def bert(folder):
    """As bert-base-uncased in the matching models, with `[DEC]` added."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    words = counted_words(tokenizer)
    pieces = Counter()
    for word, count in words.items():
        pieces.update({word[:end]: count for end in range(2, len(word))})
    pieces.update({"##" + part: count for part, count in counted_parts(words).items()})
    letters = sorted(set("".join(words)))
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *("##" + letter for letter in letters)]
    for counts, most in ((words, 250), (pieces, 200)):
        vocabulary += sorted(counts, key=lambda piece: (-counts[piece], piece))[:most]
    vocabulary = {token: i for i, token in enumerate(dict.fromkeys(vocabulary))}
    tokenizer.model = models.WordPiece(vocabulary, unk_token="[UNK]")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", tokenizer.token_to_id("[CLS]")), ("[SEP]", tokenizer.token_to_id("[SEP]"))],
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {"unk": "[UNK]", "sep": "[SEP]", "pad": "[PAD]", "cls": "[CLS]", "mask": "[MASK]", "bos": "[DEC]"}
    write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "BertTokenizer",
            "do_lower_case": True,
            "clean_up_tokenization_spaces": True,
            "model_max_length": 512,
            **{f"{name}_token": token for name, token in names.items()},
        },
    )


# ---------------------------------------------------------------- what is expected


def load(name):
    return AutoTokenizer.from_pretrained(str(OUT / name))


def expectations(name, sample):
    """Ids with special tokens; decoded with them, and without when that differs from the text."""
    processor = Blip2Processor(BlipImageProcessorPil(), load(name))
    tokenizer = processor.tokenizer
    cases = []
    for text in sample:
        ids = tokenizer(text)["input_ids"]
        bare = tokenizer(text, add_special_tokens=False)["input_ids"]
        front = len(tokenizer("", add_special_tokens=True)["input_ids"]) and name != "t5"
        assert ids[int(front) : int(front) + len(bare)] == bare, (name, text)
        shown = tokenizer.decode(ids, skip_special_tokens=True)
        case = {"ids": ids, "decoded": tokenizer.decode(ids)}
        if shown != text:
            case["without_special"] = shown
        cases.append(case)
    rng = random.Random(SEED + 2)
    arbitrary = []
    for length in [0, 1, 1, 2, 2, 3, 3, 4, 5, 8, 13, 21] * 10:
        ids = [rng.randrange(len(tokenizer) + 3) for _ in range(length)]
        arbitrary.append(
            {
                "ids": ids,
                "decoded": tokenizer.decode(ids),
                "without_special": tokenizer.decode(ids, skip_special_tokens=True),
            }
        )
    return {
        "vocab_size": len(tokenizer),
        "image_token_id": tokenizer.convert_tokens_to_ids("<image>"),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "texts": cases,
        "arbitrary": arbitrary,
    }


def lines(value, depth):
    """JSON with one line for everything below `depth`."""
    if depth == 0 or not isinstance(value, (dict, list)) or not value:
        return json.dumps(value, ensure_ascii=True)
    if isinstance(value, dict):
        return "{\n" + ",\n".join(f"{json.dumps(k)}: {lines(v, depth - 1)}" for k, v in value.items()) + "\n}"
    return "[\n" + ",\n".join(lines(v, depth - 1) for v in value) + "\n]"


def processor_cases():
    batch = ["a photo of", "Question: what is in the picture? Short answer:", ""]
    calls = [
        {},
        {"padding": True},
        {"padding": True, "padding_side": "left"},
        {"padding": True, "padding_side": "right"},
        {"padding": "max_length", "max_length": 30, "truncation": True},
        {"padding": "max_length", "max_length": 12, "padding_side": "left"},
        {"max_length": 8},
        {"max_length": 9, "truncation": True},
        {"max_length": 9, "truncation": False},
        {"max_length": 8, "padding": True},
        {"truncation": True, "max_length": 7, "padding": True, "padding_side": "left"},
        {"truncation": True},
        {"add_special_tokens": False},
        {"add_special_tokens": False, "max_length": 7},
    ]
    image = Image.new("RGB", (5, 4), (10, 20, 30))
    cases = []
    for name in ("opt", "t5", "bert"):
        for queries in (3, None):
            processor = Blip2Processor(
                BlipImageProcessorPil(size={"height": 8, "width": 8}), load(name), num_query_tokens=queries
            )
            for options in calls:
                if queries is None and "max_length" in options:
                    continue  # raises a TypeError there
                for images in (None, [image] * len(batch)):
                    outputs = processor(images=images, text=batch, **options)
                    cases.append(
                        {
                            "tokenizer": name,
                            "num_query_tokens": queries,
                            "images": images is not None,
                            "options": options,
                            "input_ids": outputs["input_ids"],
                            "attention_mask": outputs["attention_mask"],
                        }
                    )
    return {"texts": batch, "cases": cases}


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    sample = list(dict.fromkeys(texts()))
    assert len(sample) >= 500, len(sample)
    for train in (opt, opt_vocab_merges, t5, bert):
        folder = OUT / train.__name__.replace("_", "-")
        folder.mkdir(parents=True)
        train(folder)
    (OUT / "texts.json").write_text(lines(sample, 1) + "\n")
    for name in ("opt", "t5", "bert"):
        (OUT / name / "expected.json").write_text(lines(expectations(name, sample), 2) + "\n")
    # Without tokenizer.json, `<s>` and `<unk>` are ordinary text: transformers knows only the tokens it is told of.
    new, old = load("opt"), load("opt-vocab-merges")
    differing = {text: old(text)["input_ids"] for text in sample if old(text)["input_ids"] != new(text)["input_ids"]}
    write_json(OUT / "opt-vocab-merges" / "expected.json", {"same_as": "opt", "except": differing})
    report = {"versions": {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__}}
    (OUT / "processor.json").write_text(lines({**report, **processor_cases()}, 2) + "\n")


if __name__ == "__main__":
    main()
