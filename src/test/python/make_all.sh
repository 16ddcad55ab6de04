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
python="$VENV/bin/python -W ignore"
$python make_reference.py
for script in images_reference.py ground_reference.py tokenizers_reference.py published_reference.py pipeline_reference.py config_reference.py units_reference.py; do
    $python "$script"
done
$python check_reference.py
