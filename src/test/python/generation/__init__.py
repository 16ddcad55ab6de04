# SPDX-License-Identifier: Apache-2.0
"""Cases of generation: what generation_reference.py writes."""
