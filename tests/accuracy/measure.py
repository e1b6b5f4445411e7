#!/usr/bin/env python3
"""The accuracy kit: labelled and harmless files against the detector.

  measure.py --scan build/release/tests/accuracy/accuracy_scan
             [--short] [--seed 1] [--cache build/corpus] [--out docs/accuracy.md]

Every labelled file with at least 100 people must be found and counted within
2 % (5 % in prose and PDF); the harmless ones are quiet.py's. Exits 1 and names
the files otherwise.
"""

import argparse
import collections
import itertools
import os
import random
import sys
import tempfile

import corpus
import negatives
import quiet
import shapes

# Without a header these say nothing: a list of bare numbers or names alone is
# not judged to be people (docs/limitations.md).
NEEDS_HEADER = {"members", "circuits", "roster", "bank", "yucho"}
MIN_FOUND = 100
DIMENSIONS = ("encoding", "dialect", "evasion", "schema", "shape")


class Totals:
    """Of one value of one dimension."""

    def __init__(self):
        self.files = self.missed = 0
        self.labelled = self.found = self.hits = 0
        self.errors = []

    def add(self, case, said):
        self.files += 1
        if case.persons:
            self.errors.append(abs(said["persons"] - case.persons)
                               / case.persons)
            self.missed += said["persons"] * 2 < case.persons
        for kind, count in case.types.items():
            found = said["data"].get(kind, 0)
            self.labelled += count
            self.hits += min(count, found)
        self.found += sum(said["data"].values()) if case.types else 0

    def row(self):
        recall = self.hits / self.labelled if self.labelled else 1
        precision = min(1, self.hits / self.found) if self.found else 1
        mean = sum(self.errors) / len(self.errors) if self.errors else 0
        worst = max(self.errors, default=0)
        return (f"{self.files} | {self.files - self.missed} | "
                f"{recall * 100:.1f} % | {precision * 100:.1f} % | "
                f"{mean * 100:.2f} % | {worst * 100:.1f} %")


def judge_positives(program, seed, short, folder):
    cases = []
    rng = random.Random(seed)
    for i, case in enumerate(itertools.chain(corpus.cases(seed, short),
                                             shapes.cases(rng, short))):
        path = os.path.join(folder, f"{i:04}.{case.name}")
        with open(path, "wb") as out:
            out.write(case.data)
        case.data = b""
        cases.append((path, case))
    said = quiet.scan(program, [path for path, _ in cases])
    tables = collections.defaultdict(lambda: collections.defaultdict(Totals))
    types = collections.defaultdict(lambda: [0, 0, 0])
    failures = []
    for path, case in cases:
        one = said[path]
        bare = case.dialect in ("no_header", "unknown_header")
        judged = not (bare and case.schema in NEEDS_HEADER)
        if judged:
            for dimension in DIMENSIONS:
                tables[dimension][getattr(case, dimension)].add(case, one)
            if case.shape:
                tables["matrix"][case.shape, case.encoding].add(case, one)
            for kind in set(case.types) | set(one["data"]):
                true, found = case.types.get(kind, 0), one["data"].get(kind, 0)
                if not case.prose:
                    types[kind][0] += true
                    types[kind][1] += found
                    types[kind][2] += min(true, found)
        error = abs(one["persons"] - case.persons) / case.persons
        if case.persons >= MIN_FOUND and judged and error > case.limit:
            failures.append(f"{case.name}: {case.persons} people, judged "
                            f"{one['persons']} as {one['encoding']} "
                            f"{one['format']} {one['data']}")
        if one["inspection"] != "full":
            failures.append(f"{case.name}: inspection {one['inspection']} "
                            f"({one['reason']})")
    return tables, types, failures, len(cases)


COLUMNS = ("files | found | values found | precision | mean error | worst\n"
           "---|---|---|---|---|---|---\n")


def matrix(tables):
    """Format by encoding: the error of the number of people."""
    encodings = [e for e in ("of its own", *corpus.ENCODINGS)
                 if any(key[1] == e for key in tables)]
    lines = ["## Format by encoding", "",
             "Error of the number of people; `-`: the format has its own "
             "encoding, or none of its lines could be in another.", "",
             "format | " + " | ".join(encodings),
             "---|" + "---|" * len(encodings)]
    for shape in dict.fromkeys(key[0] for key in tables):
        cells = [f"{100 * max(tables[shape, e].errors):.1f} %"
                 if (shape, e) in tables else "-" for e in encodings]
        lines.append(f"{shape} | " + " | ".join(cells))
    return lines


def report(args, positives, harmless):
    tables, types, failures, count = positives
    lines = ["# Accuracy of detection", "",
             "Written by `tests/accuracy/measure.py`; do not edit. People come "
             "from Debian's enamdict and SKK jinmei and our own",
             "list of common names, not from the dictionary the detector is "
             "built from. *Found*: at least half of the people counted.",
             "*Values found* and *precision* compare the number of values of "
             "each type; *error* is of the number of people.", "",
             f"{'Short' if args.short else 'Long'} form, seed {args.seed}, "
             f"{count} files, {len(failures)} outside the limits (every file "
             "with 100 people or more: within 2 %, prose and PDF 5 %).", ""]
    lines += matrix(tables.pop("matrix")) + [""]
    for dimension in DIMENSIONS:
        lines += [f"## By {'format' if dimension == 'shape' else dimension}", "",
                  f"{dimension} | {COLUMNS}".rstrip()]
        lines += [f"{name or 'delimited text'} | {totals.row()}"
                  for name, totals in tables[dimension].items()]
        lines.append("")
    lines += ["## By type", "", "type | values | recall | precision",
              "---|---|---|---"]
    for kind, (true, found, hits) in sorted(types.items()):
        lines.append(f"{kind} | {true} | {100 * hits / max(true, 1):.1f} % | "
                     f"{100 * hits / max(found, 1):.1f} %")
    lines += ["", "## Harmless files", ""] + quiet.table(harmless)
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scan", required=True)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cache", default="build/corpus",
                        help="keeps Debian's packages")
    parser.add_argument("--only", choices=("positives", "negatives"))
    parser.add_argument("--keep", help="folder for the files, kept")
    parser.add_argument("--out")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or temporary
        os.makedirs(folder, exist_ok=True)
        positives, harmless = ({}, {}, [], 0), quiet.Quiet()
        if args.only != "negatives":
            positives = judge_positives(args.scan, args.seed, args.short,
                                        folder)
        if args.only != "positives":
            files = (list(negatives.generated(folder, True)) if args.short
                     else negatives.corpus(folder, args.cache))
            harmless, _ = quiet.judge(args.scan, files)
        problems = harmless.problems()
        if args.out and not args.only:
            with open(args.out, "w", encoding="utf-8") as out:
                out.write(report(args, positives, harmless))
        for failure in positives[2] + harmless.failures + problems:
            print(failure)
        print(f"{positives[3]} labelled files, {len(positives[2])} outside the "
              f"limits; {harmless.total()} harmless files, {len(problems)} "
              "bounds broken")
    return 1 if positives[2] or problems else 0


if __name__ == "__main__":
    sys.exit(main())
