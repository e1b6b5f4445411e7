"""Copies, plugs, kills and network cuts at random: nothing hangs, leaks, escapes.

`tests/vm/soak --minutes 30` is the campaign; here it runs for two minutes.
"""

from __future__ import annotations

import os

import soaking
from guest import Guest

NEEDS = "agent"


def run(vm: Guest) -> None:
    minutes = float(os.environ.get("SEKISHO_SOAK_MINUTES", "2"))
    seed = int(os.environ.get("SEKISHO_SOAK_SEED", "1"))
    soaking.Soak(vm, seed).run(minutes * 60)
