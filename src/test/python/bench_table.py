# SPDX-License-Identifier: Apache-2.0
"""Puts transformers and bin/blip2 side by side on one checkpoint: python bench_table.py DIR [options] > table.md

DIR is a checkpoint with 16-bit weights, as make_full_checkpoint.py writes it. Where DIR-f32, DIR-bf16, DIR-int8 or DIR-int4 are
there, written by `bin/blip2 convert`, they are measured; else weights are converted while they are loaded. Every program runs alone,
one after the other, in the order of the table. Prints a Markdown table, and keeps what each program printed in --log.

Five pictures are captioned with fewer tokens; their caption of 20 is the first token's time and 19 of the others'.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PEER = ("float32", "bfloat16", "int8")
OURS = ("f32", "f16", "bf16", "int8", "int4")
TOKENS = 20
FEWER = 11  # where several pictures are captioned together
COLUMNS = ("load_s", "vision_s", "first_token_s", "per_token_s", "caption_s", "peak_rss_gib")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--runs", type=int, default=3, help="of one picture; several are measured once")
    parser.add_argument("--peer", nargs="*", default=PEER, choices=PEER)
    parser.add_argument("--ours", nargs="*", default=OURS, choices=OURS)
    parser.add_argument("--jdk", nargs="+", default=[""], help="JAVA_HOME of each JDK to measure")
    parser.add_argument("--log", default="bench.jsonl")
    arguments = parser.parse_args()
    print("| program | weights | pictures | load | vision | first token | per token | caption | spread | peak RSS, GiB | tokens |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for batch in arguments.batch:
        options = ["--batch", str(batch)]
        options += ["--new-tokens", str(TOKENS if batch == 1 else FEWER), "--runs", str(arguments.runs if batch == 1 else 1)]
        reference = None
        for dtype in arguments.peer:
            command = [sys.executable, HERE / "bench_transformers.py", arguments.dir, "--dtype", dtype, *options]
            result = run(command, dtype, os.environ, arguments.log)
            reference = reference or result
            row(result, dtype, batch, reference)
        for home in arguments.jdk:
            for dtype in arguments.ours:
                converted = Path(f"{arguments.dir}-{dtype}")
                model = ["--model", converted] if converted.exists() else ["--model", arguments.dir, "--dtype", dtype]
                environment = {**os.environ, **({"JAVA_HOME": home} if home else {})}
                result = run([ROOT / "bin/blip2", "bench", "--json", *model, *options], dtype, environment, arguments.log)
                row(result, dtype, batch, reference)


def run(command, dtype, environment, log):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", env=environment)
    if done.returncode:
        print(f"{dtype}: {done.stderr.strip().splitlines()[-1:] or done.returncode}", file=sys.stderr)
        return None
    with open(log, "a", encoding="utf-8") as file:
        file.write(done.stdout)
    return json.loads(done.stdout)


def row(result, dtype, batch, reference):
    """One line; the last column says whether the tokens are those of the first program."""
    if result is None:
        print(f"| | {dtype} | {batch} | failed | | | | | | | |", flush=True)
        return
    java = re.search(r"Java (\d+)", result["program"])
    program = f"blip2-java, JDK {java[1]}" if java else "transformers"
    figures = dict(result)
    if batch > 1:
        figures["caption_s"] = result["first_token_s"] + (TOKENS - 1) * result["per_token_s"]
    cells = [f"{figures[column]:.3g}" if figures[column] < 10 else f"{figures[column]:.1f}" for column in COLUMNS]
    spread = f"{min(result['runs']):.1f}–{max(result['runs']):.1f}" if batch == 1 else ""
    tokens = ""
    if reference:
        tokens = "the same" if result["token_ids"] == reference["token_ids"] else "others"
    print(f"| {program} | {dtype} | {batch} | {' | '.join(cells[:5])} | {spread} | {cells[5]} | {tokens} |", flush=True)


if __name__ == "__main__":
    main()
