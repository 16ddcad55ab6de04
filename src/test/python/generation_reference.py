# SPDX-License-Identifier: Apache-2.0
"""Writes the cases of generation: python generation_reference.py [--out DIR] [--check] [--search] [GROUP...]

--check writes them to another place and compares; exit code 1 on a difference. The inputs of each case are those of the attempt that
generation/attempts.json names; --search looks for others where it names none or one that is no longer fit.
"""

import argparse
import filecmp
import os
import sys
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch
import transformers
from safetensors.torch import save_file

from generation import beam_sampling, guidance, inputs, models, others, processors, removed_cases, sampling, searches
from generation.files import write_lines
from generation.runs import Unfit, World, make
from reference.models import read_json, write_json

DEFAULT_OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "resources", "generation")
ATTEMPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "generation", "attempts.json")
# File: what it holds, and how a case is made.
GROUPS = {
    "greedy": (searches.greedy, make),
    "beams": (searches.beams, make),
    "beam-endings": (searches.beam_endings, make),
    "beam-stopping": (searches.beam_stopping, make),
    "processors": (processors.alone, make),
    "processor-scores": (processors.scored, make),
    "combined": (processors.combined, make),
    "prefixes": (processors.prefixes, make),
    "groups": (removed_cases.groups, make),
    "constrained": (removed_cases.constrained, make),
    "contrastive": (removed_cases.contrastive, make),
    "lookup": (others.lookup, others.make_drafted),
    "assisted": (others.assisted, others.make_drafted),
    "guidance": (guidance.guidance, guidance.make_guidance),
    "encoder": (others.encoder, others.make_encoder),
    "stops": (others.stops, make),
    "score": (others.scores, others.make_scores),
    "beam-sample": (beam_sampling.asks, beam_sampling.make),
    "sampling": (sampling.rows, sampling.make_rows),
    "sampled": (sampling.sampled, sampling.make_sampled),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("groups", nargs="*", help="groups to write; all when none is given")
    parser.add_argument("--out", default=os.path.normpath(DEFAULT_OUT))
    parser.add_argument("--check", action="store_true", help="compare what is there with what would be written")
    parser.add_argument("--search", action="store_true", help="look for inputs that make fit cases (slow), and keep them")
    arguments = parser.parse_args()
    unknown = set(arguments.groups) - GROUPS.keys()
    if unknown:
        sys.exit(f"no group {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    transformers.utils.logging.disable_progress_bar()
    groups = arguments.groups or list(GROUPS)
    if not arguments.check:
        write(arguments.out, groups, arguments.search)
        return
    with tempfile.TemporaryDirectory() as folder:
        write(folder, groups, False)
        names = [os.path.relpath(os.path.join(path, name), folder) for path, _, files in os.walk(folder) for name in files]
        _, differ, missing = filecmp.cmpfiles(folder, arguments.out, names, shallow=False)
        if differ or missing:
            sys.exit(f"not the same: {', '.join(differ + missing)}")
        print(f"{len(names)} files are the same")


def write(folder, groups, search):
    loaded = {name: models.save(name, os.path.join(folder, name)) for name in models.CHECKPOINTS}
    pixels = inputs.pictures()
    path = os.path.join(folder, "pictures.safetensors")
    save_file(pixels, path)
    os.chmod(path, 0o644)
    known = read_json(ATTEMPTS) if os.path.exists(ATTEMPTS) else {}
    world = World({n: m for n, (m, _) in loaded.items()}, {n: t for n, (_, t) in loaded.items()}, pixels, known, search)
    unfit = []
    for group in groups:
        asked, maker = GROUPS[group]
        cases = []
        for ask in asked():
            try:
                cases.append(maker(world, ask))
            except Unfit as problem:
                unfit.append(str(problem))
        file = os.path.join(folder, f"{group}.jsonl")
        write_lines(file, cases)
        print(f"{group}: {len(cases)} cases, {os.path.getsize(file) / 1000:.0f} kB", flush=True)
    if search:
        write_json(ATTEMPTS, dict(sorted(known.items())))
    if unfit:
        sys.exit("\n".join(unfit))


if __name__ == "__main__":
    main()
