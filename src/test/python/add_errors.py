# SPDX-License-Identifier: Apache-2.0
"""Adds the field "errors" to the reference.json of cases that are there already: python add_errors.py FOLDER...

How far what is written down is from float64, as make_reference.py and make_case.py do it for new cases. Nothing else changes.
"""

import argparse
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch
import transformers
from safetensors.torch import load_file

from check_reference import load
from reference import expected, models


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", metavar="FOLDER")
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    for folder in parser.parse_args().folders:
        path = os.path.join(folder, "reference.json")
        meta = models.read_json(path)
        tensors = load_file(os.path.join(folder, "reference.safetensors"))
        inputs = {key.removeprefix("input."): value for key, value in tensors.items() if key.startswith("input.")}
        model = load(os.path.join(folder, "checkpoint"))
        meta["errors"] = expected.errors(model, inputs, meta["interpolate_pos_encoding"], tensors)
        models.write_json(path, meta)
        print(f"{folder}: largest error {max(meta['errors'].values()):.1e}")


if __name__ == "__main__":
    main()
