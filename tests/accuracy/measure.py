#!/usr/bin/env python3
"""The accuracy kit: labelled and harmless files against the detector.

  measure.py --scan build/release/tests/accuracy/accuracy_scan
             [--short] [--seed 1] [--negatives DIR...] [--out docs/accuracy.md]

Every labelled file with at least 100 people must be found and counted within
2 % (5 % in prose); no harmless file may be judged to hold 20 people. Exits 1
and names the files otherwise.
"""

import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile

import corpus
import negatives

# Without a header these say nothing: a list of bare numbers or names alone is
# not judged to be people (docs/limitations.md).
NEEDS_HEADER = {"members", "circuits", "roster", "bank", "yucho"}
MIN_FOUND = 100
HARMLESS = 20
FEW = 5  # what the strictest pack lets pass


def scan(program, paths):
    """Path -> what the detector said."""
    done = subprocess.run([program], input="\n".join(paths) + "\n", text=True,
                          capture_output=True, check=True)
    said = (json.loads(line) for line in done.stdout.splitlines())
    return {one["path"]: one for one in said}


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
    for i, case in enumerate(corpus.cases(seed, short)):
        path = os.path.join(folder, f"{i:04}.{case.name}")
        with open(path, "wb") as out:
            out.write(case.data)
        case.data = b""
        cases.append((path, case))
    said = scan(program, [path for path, _ in cases])
    tables = collections.defaultdict(lambda: collections.defaultdict(Totals))
    types = collections.defaultdict(lambda: [0, 0, 0])
    failures = []
    for path, case in cases:
        one = said[path]
        bare = case.dialect in ("no_header", "unknown_header")
        judged = not (bare and case.schema in NEEDS_HEADER)
        if judged:
            for dimension in ("encoding", "dialect", "evasion", "schema"):
                tables[dimension][getattr(case, dimension)].add(case, one)
            for kind in set(case.types) | set(one["data"]):
                true, found = case.types.get(kind, 0), one["data"].get(kind, 0)
                if not case.prose:
                    types[kind][0] += true
                    types[kind][1] += found
                    types[kind][2] += min(true, found)
        limit = 0.05 if case.prose else 0.02
        error = abs(one["persons"] - case.persons) / case.persons
        if case.persons >= MIN_FOUND and judged and error > limit:
            failures.append(f"{case.name}: {case.persons} people, judged "
                            f"{one['persons']} as {one['encoding']} "
                            f"{one['format']} {one['data']}")
        if one["inspection"] != "full":
            failures.append(f"{case.name}: inspection {one['inspection']} "
                            f"({one['reason']})")
    return tables, types, failures, len(cases)


def judge_negatives(program, folder, roots, short):
    files = list(negatives.generated(folder, short))
    if not short:
        files += negatives.machine(folder, roots)
    said = scan(program, [path for path, _ in files])
    failures, kinds, stopped = [], collections.Counter(), collections.Counter()
    loud = collections.Counter()
    lists = 0
    for path, kind in files:
        one = said.get(path)
        if one is None:
            continue
        listed = 0 if kind == "generated" else negatives.listed_people(path)
        if listed >= HARMLESS:
            lists += 1
            kinds["(lists people)"] += 1
            continue
        kinds[kind] += 1
        if one["persons"] >= HARMLESS:
            loud[kind] += 1
            failures.append(f"{path}: {one['persons']} people {one['data']} "
                            f"{[(c['name'], c['type']) for c in one['columns']]}")
        for pack, rule in one["stopped"].items():
            if rule == "default":  # lockdown stops whatever it is
                stopped[pack, "whatever it is"] += 1
            elif rule == "uninspected":
                stopped[pack, "not inspected"] += 1
            elif listed >= FEW and one["persons"] <= listed:
                stopped[pack, "a few people, and it names them"] += 1
            else:
                stopped[pack, "for people"] += 1
                failures.append(f"{path}: stopped by {pack}/{rule} "
                                f"{one['data']}")
    return kinds, loud, stopped, failures, lists


COLUMNS = ("files | found | values found | precision | mean error | worst\n"
           "---|---|---|---|---|---|---\n")


def report(args, positives, negative):
    tables, types, failures, count = positives
    lines = ["# Accuracy of detection", "",
             "Written by `tests/accuracy/measure.py`; do not edit. People come "
             "from Debian's enamdict and SKK jinmei and our own",
             "list of common names, not from the dictionary the detector is "
             "built from. *Found*: at least half of the people counted.",
             "*Values found* and *precision* compare the number of values of "
             "each type; *error* is of the number of people.", "",
             f"{'Short' if args.short else 'Long'} form, seed {args.seed}, {count} files, {len(failures)} outside the "
             "limits (every file with 100 people or more: within 2 %, prose "
             "5 %).", ""]
    for dimension in ("encoding", "dialect", "evasion", "schema"):
        lines += [f"## By {dimension}", "", f"{dimension} | {COLUMNS}".rstrip()]
        lines += [f"{name} | {totals.row()}"
                  for name, totals in tables[dimension].items()]
        lines.append("")
    lines += ["## By type", "", "type | values | recall | precision",
              "---|---|---|---"]
    for kind, (true, found, hits) in sorted(types.items()):
        lines.append(f"{kind} | {true} | {100 * hits / max(true, 1):.1f} % | "
                     f"{100 * hits / max(found, 1):.1f} %")
    kinds, loud, stopped, quiet_failures, lists = negative
    lines += ["", "## Harmless files", "",
              f"{sum(kinds.values()) - lists} files of which "
              f"{sum(loud.values())} were judged to hold {HARMLESS} people or "
              f"more; {lists} more list names with e-mail addresses (by an "
              "independent count) and are left out.", "",
              "kind | files | judged to hold 20 people", "---|---|---"]
    lines += [f"{kind} | {n} | {loud[kind]}" for kind, n in kinds.most_common()]
    lines += ["", "pack | why | files stopped", "---|---|---"]
    lines += [f"{pack} | {why} | {n}" for (pack, why), n in
              sorted(stopped.items())]
    del quiet_failures
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scan", required=True)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--negatives", nargs="*", default=negatives.ROOTS)
    parser.add_argument("--only", choices=("positives", "negatives"))
    parser.add_argument("--keep", help="folder for the files, kept")
    parser.add_argument("--out")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or temporary
        os.makedirs(folder, exist_ok=True)
        positives = ({}, {}, [], 0)
        negative = ({}, {}, {}, [], 0)
        if args.only != "negatives":
            positives = judge_positives(args.scan, args.seed, args.short,
                                        folder)
        if args.only != "positives":
            negative = judge_negatives(args.scan, folder, args.negatives,
                                       args.short)
        failures = positives[2] + negative[3]
        if args.out and not args.only:
            with open(args.out, "w", encoding="utf-8") as out:
                out.write(report(args, positives, negative))
        for failure in failures:
            print(failure)
        print(f"{positives[3]} labelled files, {sum(negative[0].values())} "
              f"harmless files, {len(failures)} outside the limits")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
