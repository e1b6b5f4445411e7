#!/usr/bin/env python3
"""The harmless corpus against the detector and the shipped policy packs.

  quiet.py --scan build/release/tests/accuracy/accuracy_scan
           [--cache build/corpus] [--keep DIR] [--out TABLE.md] [--json ALL.json]

No file may be judged to hold 20 people, at most 1 in 5,000 may be stopped by a
pack for what it holds, at most 1 % may be inspected less than whole. Files that
list 20 people by name and e-mail address (labels.py) count for recall instead.
Exits 1 and names the files otherwise.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile

import labels
import negatives

HARMLESS = 20
FEW = 5  # what the strictest pack lets pass
STOPPED_ONE_IN = 5000
NOT_FULL = 0.01
BATCH = 200
# Stops whatever it is, people or not.
CLOSED_RULES = ("default",)


def scan(program, paths, jobs=2):
    """Path -> what the detector said; a file it died of is missing."""
    batches = [paths[i:i + BATCH] for i in range(0, len(paths), BATCH)]

    def one(batch):
        done = subprocess.run([program], input="\n".join(batch) + "\n",
                              text=True, capture_output=True, check=False)
        return [json.loads(line) for line in done.stdout.splitlines()]

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return {said["path"]: said for batch in pool.map(one, batches)
                for said in batch}


class Quiet:
    """What came of the corpus."""

    def __init__(self):
        self.kinds = collections.Counter()
        self.loud = collections.Counter()
        self.not_full = collections.Counter()
        self.reasons = collections.Counter()
        self.stopped = collections.Counter()
        self.lists = []  # (path, labelled, judged)
        self.encrypted = 0
        self.failures = []

    def total(self):
        return sum(self.kinds.values())

    def add(self, path, kind, said, listed):
        if said is None:
            self.failures.append(f"{path}: the detector died of it")
            return
        if listed >= HARMLESS:
            self.lists.append((path, listed, said["persons"]))
            return
        if said["reason"] == "encrypted" or kind == "noise":
            self.encrypted += 1
            return
        self.kinds[kind] += 1
        if said["persons"] >= HARMLESS:
            self.loud[kind] += 1
            self.failures.append(
                f"{path}: {said['persons']} people (labelled {listed}) "
                f"{said['data']} "
                f"{[(c['name'], c['type'], c['rows']) for c in said['columns']]}")
        if said["inspection"] != "full":
            self.not_full[kind] += 1
            self.reasons[said["format"], said["reason"]] += 1
        for pack, rule in said["stopped"].items():
            self.stop(path, pack, rule, said, listed)

    def stop(self, path, pack, rule, said, listed):
        if rule in CLOSED_RULES:
            self.stopped[pack, "whatever it is"] += 1
        elif rule == "uninspected":
            self.stopped[pack, "not inspected"] += 1
        elif listed >= FEW and said["persons"] <= 2 * listed:
            # Right: it names them.
            self.stopped[pack, "people it names"] += 1
        else:
            self.stopped[pack, "for what it holds"] += 1
            self.failures.append(
                f"{path}: stopped by {pack}/{rule}: {said['persons']} people "
                f"(labelled {listed}) {said['data']} "
                f"{[(c['name'], c['type'], c['rows']) for c in said['columns']]}")

    def problems(self):
        """Bounds that do not hold."""
        bad = []
        if sum(self.loud.values()):
            bad.append(f"{sum(self.loud.values())} judged to hold {HARMLESS} "
                       "people")
        for (pack, why), count in self.stopped.items():
            if (why == "for what it holds"
                    and count * STOPPED_ONE_IN > max(self.total(),
                                                     STOPPED_ONE_IN)):
                bad.append(f"{pack} stops {count}")
        whole = sum(self.not_full.values())
        if whole > NOT_FULL * self.total():
            bad.append(f"{whole} of {self.total()} not inspected whole")
        missed = [one for one in self.lists if one[2] * 2 < one[1]]
        if missed:
            bad.append(f"{len(missed)} of {len(self.lists)} lists missed")
        return bad


def judge(program, files):
    said = scan(program, [path for path, _ in files])
    quiet = Quiet()
    for path, kind in files:
        listed = 0 if kind in ("generated", "noise") else labels.listed_people(path)
        quiet.add(path, kind, said.get(path), listed)
    return quiet, said


def table(quiet):
    """Markdown."""
    not_full = sum(quiet.not_full.values())
    lines = [f"{quiet.total()} files: {sum(quiet.loud.values())} judged to hold "
             f"{HARMLESS} people or more, {not_full} "
             f"({100 * not_full / max(quiet.total(), 1):.2f} %) not inspected "
             f"whole. {quiet.encrypted} encrypted ones are left out.", "",
             "kind | files | judged to hold 20 people | not inspected whole",
             "---|---|---|---"]
    lines += [f"{kind} | {n} | {quiet.loud[kind]} | {quiet.not_full[kind]}"
              for kind, n in quiet.kinds.most_common()]
    lines += ["", "pack | why | files stopped | of", "---|---|---|---"]
    lines += [f"{pack} | {why} | {n} | {quiet.total()}"
              for (pack, why), n in sorted(quiet.stopped.items())]
    if quiet.reasons:
        lines += ["", "not inspected whole: format | reason | files",
                  "---|---|---"]
        lines += [f"{name} | {why} | {n}"
                  for (name, why), n in quiet.reasons.most_common(25)]
    if quiet.lists:
        found = [one for one in quiet.lists if one[2] * 2 >= one[1]]
        many = [one for one in quiet.lists if one[2] >= HARMLESS]
        ratios = sorted(judged / listed for _, listed, judged in quiet.lists)
        lines += ["", f"{len(quiet.lists)} files list {HARMLESS} people or more "
                  "by name and e-mail address (labels.py, an independent "
                  f"count): at least half of them was found in {len(found)}, "
                  f"{HARMLESS} or more in {len(many)}; judged by labelled, "
                  f"median {ratios[len(ratios) // 2]:.2f}, lowest "
                  f"{ratios[0]:.2f}."]
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scan", required=True)
    parser.add_argument("--cache", default="build/corpus")
    parser.add_argument("--keep", help="folder for what is made, kept")
    parser.add_argument("--out", help="the table, in Markdown")
    parser.add_argument("--json", help="everything the detector said")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or temporary
        os.makedirs(folder, exist_ok=True)
        files = negatives.corpus(folder, args.cache)
        quiet, said = judge(args.scan, files)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump({path: {**said.get(path, {}), "kind": kind}
                       for path, kind in files}, out, ensure_ascii=False)
    text = "\n".join(table(quiet)) + "\n"
    if args.out:
        with open(args.out, "w", encoding="utf-8") as out:
            out.write(text)
    print(text)
    for failure in quiet.failures:
        print(failure)
    for path, listed, judged in quiet.lists:
        if judged * 2 < listed:
            print(f"{path}: lists {listed}, judged {judged}")
    problems = quiet.problems()
    print("; ".join(problems) or "within the limits")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
