#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes a virtual environment with the pinned versions, rewrites every fixture under src/test/resources and checks the
# reference cases again in a process of their own. PYTHON names another interpreter (3.11 or newer); VENV another place.
set -eu
cd "$(dirname "$0")"
VENV=${VENV:-.venv}
if [ ! -x "$VENV/bin/python" ]; then
    "${PYTHON:-python3}" -m venv "$VENV"
    "$VENV/bin/python" -m pip install --quiet -r requirements.txt
fi
# Group and constrained beam search: 5.x no longer has them, and only a few of its modules are read.
if [ ! -d "$VENV/transformers-4.57.6" ]; then
    "$VENV/bin/python" -m pip install --quiet --no-deps --target "$VENV/transformers-4.57.6" transformers==4.57.6
fi
python="$VENV/bin/python -W ignore"
$python make_reference.py
for script in logits_reference.py images_reference.py ground_reference.py tokenizers_reference.py streaming_reference.py published_reference.py retrieval_reference.py \
    attention_reference.py pipeline_reference.py config_reference.py units_reference.py generation_reference.py; do
    $python "$script"
done
$python check_reference.py
$python generation_reference.py --check
