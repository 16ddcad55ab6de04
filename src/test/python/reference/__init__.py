# SPDX-License-Identifier: Apache-2.0
"""Modules behind make_reference.py: what the cases are, and how one is written."""
