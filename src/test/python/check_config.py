# SPDX-License-Identifier: Apache-2.0
"""Compares two config.json files as transformers reads them: python check_config.py WRITTEN ORIGINAL

Both are folders or files. Prints the keys that differ; exit code 1 if there are any.
"""

import argparse
import os
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

from transformers import Blip2Config

# Who wrote the file, not what the model is.
IGNORED = ("transformers_version", "_name_or_path")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("written")
    parser.add_argument("original")
    arguments = parser.parse_args()
    written, original = flat(read(arguments.written)), flat(read(arguments.original))
    different = [key for key in sorted(written.keys() | original.keys()) if written.get(key) != original.get(key)]
    for key in different:
        print(f"{key}: written {written.get(key, 'nothing')!r}, original {original.get(key, 'nothing')!r}")
    print(f"{len(different)} differences" if different else f"equal: {len(original)} keys")
    sys.exit(1 if different else 0)


def read(path):
    return Blip2Config.from_pretrained(path).to_dict()


def flat(value, prefix=""):
    out = {}
    for key, item in value.items():
        if key in IGNORED:
            continue
        if isinstance(item, dict):
            out.update(flat(item, prefix + str(key) + "."))
        else:
            out[prefix + str(key)] = item
    return out


if __name__ == "__main__":
    main()
