#!/usr/bin/env python3
"""Files made to hurt, against the scan worker that is shipped.

  hostile.py --worker build/release/agent/scan/sekisho-scan
             --scan build/release/tests/hostile/worker_scan
             [--short] [--seed 1] [--keep DIR] [--only WORD] [--out TABLE.md]

Every file is answered, within the worker's budget of processor time and memory,
and none is called whole whose people were not found. Exits 1 and names the files
otherwise.
"""

import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import archives  # noqa: E402
import documents  # noqa: E402
import texts  # noqa: E402

# What the gate asks for, and how much later the watchdog ends a worker.
TIMEOUT_MS = 30_000
MAX_CPU_SECONDS = 35
MAX_ARCHIVE_KIB = 384 << 10
MAX_TEXT_KIB = 64 << 10
MAX_SHORT_BYTES = 3 << 20


def all_samples(seed, short):
    for module in (archives, documents, texts):
        for sample in module.samples(seed):
            if not short or (sample.short
                             and len(sample.data) <= MAX_SHORT_BYTES):
                yield module.__name__, sample


def written(folder, seed, short, only):
    """(path, what is known), contents dropped."""
    out = []
    for group, sample in all_samples(seed, short):
        if only and only not in sample.name:
            continue
        path = os.path.join(folder, f"{len(out):03}.{sample.name}")
        with open(path, "wb") as file:
            file.write(sample.data)
        sample.data = b""
        out.append((path, group, sample))
    return out


def problem(group, sample, said):
    if not said["answered"] or said["status"] != 0:
        return f"no answer, status {said['status']}"
    if said["cpu"] > MAX_CPU_SECONDS:
        return f"{said['cpu']:.1f} s of processor time"
    most = MAX_ARCHIVE_KIB if group == "archives" else MAX_TEXT_KIB
    if said["peak_kib"] > most:
        return f"{said['peak_kib'] >> 10} MiB"
    if said["inspection"] != "full":
        return ""
    if not sample.full:
        return "called full"
    # Two of one phone, or a name the cut took, are one person less.
    if said["persons"] < 0.95 * sample.persons:
        return f"called full with {said['persons']} of {sample.persons} people"
    return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worker", required=True)
    parser.add_argument("--scan", required=True)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", help="folder for the files, kept")
    parser.add_argument("--only", help="names with this word")
    parser.add_argument("--out", help="the table, in Markdown")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or temporary
        os.makedirs(folder, exist_ok=True)
        files = written(folder, args.seed, args.short, args.only)
        done = subprocess.run([args.scan, args.worker, str(TIMEOUT_MS)],
                              input="".join(path + "\n" for path, _, _ in files),
                              text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=True)
        said = [json.loads(line) for line in done.stdout.splitlines()]
    bad = []
    groups = collections.defaultdict(list)
    verdicts = collections.Counter()
    for (path, group, sample), one in zip(files, said, strict=True):
        groups[group].append(one)
        verdicts[one["inspection"], one["reason"] or "-"] += 1
        why = problem(group, sample, one)
        if why:
            bad.append(f"{os.path.basename(path)}: {why} ({one})")
    lines = ["made | files | most CPU s | most memory MiB | median CPU s",
             "---|---|---|---|---"]
    for group, ones in groups.items():
        times = sorted(one["cpu"] for one in ones)
        lines.append(f"{group} | {len(ones)} | {times[-1]:.2f} | "
                     f"{max(one['peak_kib'] for one in ones) >> 10} | "
                     f"{times[len(times) // 2]:.3f}")
    lines += ["", "inspection | reason | files", "---|---|---"]
    lines += [f"{name} | {why} | {n}" for (name, why), n in
              verdicts.most_common()]
    text = "\n".join(lines) + "\n"
    if args.out:
        Path(args.out).write_text(text, encoding="utf-8")
    print(text)
    print("\n".join(bad))
    print(f"{len(files)} hostile files, {len(bad)} outside the limits")
    return 1 if bad or not files else 0


if __name__ == "__main__":
    sys.exit(main())
