# SPDX-License-Identifier: Apache-2.0
"""Times whole processes, from the start of one to the text of a picture on its standard output: python bench_process.py DIR PICTURE
[--runs N] [--python FILE] [--blip2 COMMAND] [--jdk HOME...] [--new-tokens N]

DIR is a checkpoint folder, demo the bundled model. Each round starts bin/blip2 once with each JDK and then, for a folder, the program
below once with the Python that runs this script: what a user would write. Everything is greedy and makes exactly --new-tokens tokens.
Before the rounds every file of the folder is read once, so that both find it in memory. Prints each time, and the medians.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import time

PROGRAM = """
import sys
from PIL import Image
from transformers import Blip2ForConditionalGeneration, Blip2Processor
folder, picture, tokens = sys.argv[1], sys.argv[2], int(sys.argv[3])
processor = Blip2Processor.from_pretrained(folder)
model = Blip2ForConditionalGeneration.from_pretrained(folder, dtype="float32")
inputs = processor(images=Image.open(picture).convert("RGB"), return_tensors="pt")
ids = model.generate(**inputs, max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False)
print(processor.batch_decode(ids, skip_special_tokens=True)[0].strip())
"""
ROOT = pathlib.Path(__file__).resolve().parents[3]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir")
    parser.add_argument("picture")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--new-tokens", type=int, default=20)
    parser.add_argument("--jdk", nargs="+", default=[os.environ.get("JAVA_HOME", "")])
    parser.add_argument("--blip2", default=str(ROOT / "bin" / "blip2"))
    arguments = parser.parse_args()
    demo = arguments.dir == "demo"
    tokens = str(arguments.new_tokens)
    commands = {}
    for jdk in arguments.jdk:
        command = [arguments.blip2, "caption", arguments.picture]
        if not demo:
            command += ["--model", arguments.dir, "--max-new-tokens", tokens, "--min-new-tokens", tokens]
            command += ["--preset", "transformers", "--prompt", ""]
        environment = dict(os.environ, JAVA_HOME=jdk) if jdk else dict(os.environ)
        commands[f"blip2 {jdk}".strip()] = (command, environment)
    if not demo:
        program = [sys.executable, "-c", PROGRAM, arguments.dir, arguments.picture, tokens]
        commands["transformers"] = (program, dict(os.environ, HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error"))
        for file in pathlib.Path(arguments.dir).iterdir():
            with open(file, "rb") as content:
                while content.read(1 << 24):
                    pass
    times = {name: [] for name in commands}
    for _ in range(arguments.runs):
        for name, (command, environment) in commands.items():
            start = time.perf_counter()
            done = subprocess.run(command, env=environment, capture_output=True, text=True)
            times[name].append(time.perf_counter() - start)
            if done.returncode != 0:
                sys.exit(f"{name}: {done.stderr[-2000:]}")
            print(f"{times[name][-1]:7.2f} s  {name}: {done.stdout.strip()!r}", flush=True)
    for name, seconds in times.items():
        print(f"{statistics.median(seconds):7.2f} s  median of {len(seconds)}: {name}")


if __name__ == "__main__":
    main()
