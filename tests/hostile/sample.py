"""A hostile file with what is known about it."""

import csv
import io
import random
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import people  # noqa: E402

PEOPLE = 40


@dataclass
class Sample:
    """`full`: whether "full" can be true of it. What says "full" must have found
    `persons`, those that whoever opens the file with its own program sees."""
    name: str
    data: bytes
    full: bool = True
    persons: int = 0
    short: bool = False  # small and quick enough for the short form


def rows(seed, count=PEOPLE):
    rng = random.Random(seed)
    return [people.HEADER] + [
        [people.person(rng, 1000 + i)[name] for name in people.HEADER]
        for i in range(count)]


def csv_of(table):
    out = io.StringIO(newline="")
    csv.writer(out).writerows(table)
    return out.getvalue()
