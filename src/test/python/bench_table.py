# SPDX-License-Identifier: Apache-2.0
"""Puts transformers and bin/blip2 side by side: python bench_table.py DIR… [options] > table.md

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
# What PyTorch, its MKL, both programs' oneDNN and Java obey.
AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "BLIP2_JAVA_OPTS": "-XX:UseAVX=2",
}
COLUMNS = ("load_s", "vision_s", "first_token_s", "per_token_s", "caption_s", "peak_rss_gib")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", nargs="+")
    parser.add_argument("--all", action="store_true", help="every table of docs/performance.md, for all instructions and for AVX2; hours")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--beams", type=int, default=1)
    parser.add_argument("--runs", type=int, default=5, help="of one picture; several are measured once")
    parser.add_argument("--peer", nargs="*", default=PEER, choices=PEER)
    parser.add_argument("--ours", nargs="*", default=OURS, help=f"of {', '.join(OURS)}; f16+bf16 for float16 with --arithmetic bf16")
    parser.add_argument("--isa", choices=("all", "avx2"), default="all", help="instructions that both programs may use")
    parser.add_argument("--threads", type=int, default=0, help="of both programs; 0 for all cores")
    parser.add_argument("--jdk", nargs="+", default=[""], help="JAVA_HOME of each JDK to measure")
    parser.add_argument("--log", default="bench.jsonl")
    arguments = parser.parse_args()
    if arguments.all:
        everything(arguments)
    else:
        for checkpoint in arguments.dir:
            table(arguments, checkpoint)


def everything(given):
    """One table a question; each is made in one go, so that its figures can be compared."""
    print(f"Processor: {processor()}, {os.cpu_count()} cores.\n")
    for checkpoint in given.dir:
        for isa in ("all", "avx2"):
            title = f"{Path(checkpoint).name}, {'all instructions' if isa == 'all' else 'AVX2'}"
            for question, changes in (
                ("one picture", {"batch": [1]}),
                ("five pictures", {"batch": [5]}),
                ("five beams", {"batch": [1], "beams": 5, "peer": ("float32",), "ours": ("f16",), "runs": 1}),
                ("one thread", {"batch": [1], "threads": 1, "peer": (), "ours": ("f16", "int8")}),
                ("two threads", {"batch": [1], "threads": 2, "peer": (), "ours": ("f16", "int8")}),
                ("four threads", {"batch": [1], "threads": 4, "peer": (), "ours": ("f16", "int8")}),
            ):
                print(f"\n{title}, {question}:\n", flush=True)
                chosen = argparse.Namespace(**{**vars(given), "isa": isa, **changes})
                if question == "one picture" and isa == "all":
                    chosen.ours = (*chosen.ours, "f16+bf16")
                table(chosen, checkpoint)


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        facts = dict(re.findall(r"^(model name|cpu family|model)\s*: (.*)$", file.read(), re.M))
    return f"{facts.get('model name')} (family {facts.get('cpu family')}, model {facts.get('model')})"


def table(arguments, checkpoint):
    print("| program | weights | pictures | load | vision | first token | per token | caption | spread | peak RSS, GiB | tokens |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    limits = {} if arguments.isa == "all" else AVX2
    for batch in arguments.batch:
        options = ["--batch", str(batch), "--beams", str(arguments.beams)]
        options += ["--new-tokens", str(TOKENS if batch == 1 else FEWER), "--runs", str(arguments.runs if batch == 1 else 1)]
        reference = None
        for dtype in arguments.peer:
            command = [sys.executable, HERE / "bench_transformers.py", checkpoint, "--dtype", dtype, *options]
            command += ["--threads", str(arguments.threads)] if arguments.threads else []
            result = run(command, dtype, {**os.environ, **limits}, arguments.log)
            reference = reference or result
            row(result, dtype, batch, reference)
        for home in arguments.jdk:
            for weights in arguments.ours:
                dtype, _, arithmetic = weights.partition("+")
                converted = Path(f"{checkpoint}-{dtype}")
                command = [ROOT / "bin/blip2", "bench", "--json", *options]
                command += ["--model", converted] if converted.exists() else ["--model", checkpoint, "--dtype", dtype]
                command += ["--arithmetic", arithmetic] if arithmetic else []
                command += ["--threads", str(arguments.threads)] if arguments.threads else []
                environment = {**os.environ, **limits, **({"JAVA_HOME": home} if home else {})}
                row(run(command, weights, environment, arguments.log), weights, batch, reference)


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
