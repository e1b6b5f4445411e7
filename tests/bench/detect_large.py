#!/usr/bin/env python3
"""Judges files far larger than memory may be, and prints speed and memory.

  tests/bench/detect_large.py build/release [--people N] [--workbook-people N]
                              [--dir DIR] [--peers]

9.28 million people as a CSV in UTF-8 (about 1.2 GB) and in CP932, the same in a
zip, and a workbook of 500,000. MB/s are of the file's own bytes and of processor
time. `--peers` sets the UTF-8 file beside `wc -l`, the limit of whatever reads
lines, and beside `clamscan --detect-structured=yes` without its signatures;
clamav is installed if it is not there (root).
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

TEXT_MIB, ARCHIVE_MIB = 64, 384


def cpu_seconds(command):
    """Processor time of a command, its output thrown away."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        sys.exit(f"{command[0]} failed")
    return usage.ru_utime + usage.ru_stime


def judge(program, kind, people, folder):
    path = folder / f"list.{kind}"
    subprocess.run([program, "write", kind, str(people), path], check=True)
    found = json.loads(subprocess.run(
        [program, "judge", path], check=True, stdout=subprocess.PIPE).stdout)
    found["path"] = path
    return found


def have_clamscan():
    which = ["sh", "-c", "command -v clamscan"]
    if subprocess.run(which, stdout=subprocess.DEVNULL).returncode != 0:
        subprocess.run(["apt-get", "install", "-y", "--no-install-recommends",
                        "clamav"], check=True, stdout=subprocess.DEVNULL)


def peers(found, folder):
    """Rates of others on the same file, in MB/s."""
    size = found["bytes"] / 1e6
    yield "wc -l", size / cpu_seconds(["wc", "-l", found["path"]])
    have_clamscan()
    base = folder / "clamav"
    base.mkdir()
    # One signature that nothing has: it does not start without any.
    (base / "none.hdb").write_text("0" * 32 + ":4711:none\n")
    empty = folder / "empty"
    empty.write_bytes(b"")
    scan = ["clamscan", f"--database={base}", "--detect-structured=yes",
            "--max-filesize=1999M", "--max-scansize=1999M",
            "--max-scantime=0"]
    start = cpu_seconds([*scan, empty])
    yield ("clamscan --detect-structured",
           size / max(cpu_seconds([*scan, found["path"]]) - start, 0.001))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--people", type=int, default=9_280_000)
    parser.add_argument("--workbook-people", type=int, default=500_000)
    parser.add_argument("--dir", default="/var/tmp")
    parser.add_argument("--peers", action="store_true")
    args = parser.parse_args()
    program = args.build / "tests/bench/detect_large"
    failed = False
    with tempfile.TemporaryDirectory(dir=args.dir) as name:
        folder = pathlib.Path(name)
        print("file | people | counted | MB | MB/s | peak MiB | at most")
        print("---|---|---|---|---|---|---")
        for kind, people, limit in (
                ("utf8", args.people, TEXT_MIB),
                ("cp932", args.people, TEXT_MIB),
                ("xlsx", args.workbook_people, ARCHIVE_MIB),
                ("zip", args.people, ARCHIVE_MIB)):
            found = judge(program, kind, people, folder)
            peak = found["peak_rss_kib"] / 1024
            failed |= peak > limit or found["inspection"] != "full"
            print(f"{kind} | {people:,} | {found['persons']:,} | "
                  f"{found['bytes'] / 1e6:,.0f} | "
                  f"{found['bytes'] / 1e6 / found['seconds']:,.0f} | "
                  f"{peak:.0f} | {limit}", flush=True)
            if kind == "utf8" and args.peers:
                ours = found["bytes"] / 1e6 / found["seconds"]
                for peer, rate in peers(found, folder):
                    print(f"  beside {peer}: {rate:,.0f} MB/s, "
                          f"{ours / rate:.2f} times", flush=True)
            found["path"].unlink()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
