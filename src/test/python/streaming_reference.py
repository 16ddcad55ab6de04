# SPDX-License-Identifier: Apache-2.0
"""Writes what transformers streams of texts, and where its stop strings end them.

Run from anywhere, without arguments, after tokenizers_reference.py. It writes src/test/resources/tokenizers/NAME/streaming.json:
  streams   ids, and the pieces that TextStreamer has settled after each of them and at the end,
            without cleaning
  stops     ids, stop strings, and whether StopStringCriteria ends the text after each of them
"""

import json
import random
from pathlib import Path

import torch
from transformers import AutoTokenizer, TextStreamer
from transformers.generation import StopStringCriteria

TOKENIZERS = Path(__file__).resolve().parents[1] / "resources" / "tokenizers"


class Pieces(TextStreamer):
    def __init__(self, tokenizer):
        # With cleaning the streamer would settle a space that the next token takes away.
        super().__init__(tokenizer, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        self.pieces = []

    def on_finalized_text(self, text, stream_end=False):
        self.pieces.append(text)


def decode(tokenizer, ids):
    return tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)


def stream(tokenizer, ids):
    streamer = Pieces(tokenizer)
    for token in ids:
        streamer.put(torch.tensor([token]))
    streamer.end()
    return {"ids": ids, "pieces": streamer.pieces}


def stop(tokenizer, ids, strings):
    criterion = StopStringCriteria(tokenizer, strings)
    ended = [bool(criterion(torch.tensor([ids[: n + 1]]), None)[0]) for n in range(len(ids))]
    return {"ids": ids, "stop_strings": strings, "ended": ended}


def write(name):
    rng = random.Random(7)
    tokenizer = AutoTokenizer.from_pretrained(TOKENIZERS / name)
    texts = json.loads((TOKENIZERS / "texts.json").read_text(encoding="utf-8"))
    streams, stops = [], []
    for text in rng.sample(texts, 150):
        ids = tokenizer(text)["input_ids"]
        one = stream(tokenizer, ids)
        # The streamer forgets what it has seen at a line break, and then takes a space of T5's for the first one.
        if ids and "".join(one["pieces"]) == decode(tokenizer, ids):
            streams.append(one)
    for _ in range(20):
        ids = [rng.randrange(len(tokenizer)) for _ in range(rng.randint(5, 40))]
        one = stream(tokenizer, ids)
        if "".join(one["pieces"]) == decode(tokenizer, ids):
            streams.append(one)
    while len(stops) < 120:
        text = rng.choice(texts)
        ids = tokenizer(text)["input_ids"]
        said = tokenizer.decode(ids)
        if len(said) < 4 or len(ids) > 80:
            continue
        strings = []
        for _ in range(rng.randint(1, 3)):
            start = rng.randrange(len(said) - 1)
            strings.append(said[start : start + rng.randint(1, 9)])
        if rng.random() < 0.3:
            strings[0] += "x"
        try:
            stops.append(stop(tokenizer, ids, strings))
        except ValueError:
            pass  # no token holds any letter of them
    value = {"streams": streams, "stops": stops}
    (TOKENIZERS / name / "streaming.json").write_text(json.dumps(value, ensure_ascii=False) + "\n", encoding="utf-8")
    print(name, len(streams), len(stops), sum(any(one["ended"]) for one in stops))


if __name__ == "__main__":
    for name in ("opt", "t5"):
        write(name)
