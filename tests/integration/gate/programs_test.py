#!/usr/bin/env python3
"""Programs that people copy with, and the filesystem test programs that Debian
packages, on a plain directory and through the gate with the real scan worker:
the same exit status, and the same files behind it, but for the differences
listed in DIFFERENCES, each with its reason.

usage: programs_test.py GATE_UNDER_TEST SEKISHO_SCAN [NAME...]
"""

import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile

import rig

MMAP_WRITER = """
import mmap, os, sys
fd = os.open(sys.argv[1] + "/mapped", os.O_RDWR | os.O_CREAT, 0o644)
os.ftruncate(fd, 3 << 20)
with mmap.mmap(fd, 3 << 20) as m:
    m[100:105] = b"hello"
    m[1 << 20:(1 << 20) + 7] = b"in line"
    m.flush()
    m[(3 << 20) - 3:] = b"end"
os.close(fd)
fd = os.open(sys.argv[1] + "/mapped", os.O_RDWR)
with mmap.mmap(fd, 0) as m:
    assert m[100:105] == b"hello" and m[(3 << 20) - 3:] == b"end"
    m[0:5] = b"after"
    os.close(fd)  # the mapping stores after close
"""

SQL = """
PRAGMA journal_mode={mode};
CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 5000)
INSERT INTO t SELECT i, 'row number ' || i FROM n;
COMMIT;
UPDATE t SET b = 'changed' WHERE a % 7 = 0;
DELETE FROM t WHERE a % 11 = 0;
VACUUM;
PRAGMA integrity_check;
SELECT count(*), sum(a) FROM t;
"""

GIT = """
export GIT_AUTHOR_DATE='2026-01-01T00:00:00Z' GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
g() { git -c user.name=n -c user.email=e@example.jp -c safe.directory='*' "$@"; }
g init -q -b main {d}/repo && cp -r {s}/tree {d}/repo/ && cd {d}/repo &&
g add -A && g commit -q -m one && echo more >> tree/f1 && g commit -q -am two &&
g checkout -q -b side HEAD~1 && echo other > tree/new && g add -A &&
g commit -q -m three && g checkout -q main && g merge -q -m merged side &&
g gc -q && g fsck --strict && g status --short && g log --format=%T -1 &&
g clone -q --no-hardlinks {d}/repo {d}/clone && rm -rf {d}/repo/.git {d}/clone/.git
"""

# name: command; {d} the directory, {s} the sources.
PROGRAMS = {
    "cp": "cp -a {s}/tree {d}/ && cp {s}/large {s}/text {d}/",
    "cp again": "cp -a {s}/tree {d}/ && cp -a {s}/tree {d}/ && "
                "cp --remove-destination {s}/tree/f1 {d}/tree/f2",
    "cp sparse": "cp --sparse=always {s}/holes {d}/",
    "cp of a reflink": "cp --reflink=auto {s}/large {d}/",
    "mv": "cp -a {s}/tree {d}/ && mv {d}/tree {d}/moved && "
          "mv {d}/moved/f1 {d}/moved/f2 && cp {s}/text {s}/text2; "
          "mv {s}/text2 {d}/",
    "install": "install -m 600 {s}/text {d}/a && install -d {d}/x/y/z",
    "rsync": "rsync -a {s}/tree {s}/large {s}/text {d}/ && "
             "rsync -a --itemize-changes {s}/tree {s}/large {d}/",
    "rsync of changes": "cp -a {s}/tree {d}/ && echo x >> {d}/tree/f1 && "
                        "touch {d}/tree/extra && "
                        "rsync -a --delete --checksum {s}/tree {d}/",
    "rsync in place": "cp {s}/large {d}/ && printf x | dd of={d}/large "
                      "seek=70000 bs=1 conv=notrunc status=none && "
                      "rsync -a --inplace --no-whole-file --checksum "
                      "{s}/large {d}/",
    "tar to the medium": "tar -C {s} -cf {d}/a.tar tree text && "
                         "tar -tf {d}/a.tar | sort && rm {d}/a.tar",
    "tar onto the medium": "tar -C {s} -cf - tree text large | "
                           "tar -C {d} -xpf - && tar -C {s} --append -f "
                           "{d}/b.tar text && tar -tf {d}/b.tar && "
                           "rm {d}/b.tar",
    "tar compressed": "tar -C {s} -czf {d}/a.tgz tree && gzip -t {d}/a.tgz && "
                      "tar -tzf {d}/a.tgz | sort && rm {d}/a.tgz",
    "dd": "dd if={s}/large of={d}/a bs=64k status=none && "
          "dd if={s}/large of={d}/b bs=1M conv=fsync status=none && "
          "dd if={s}/text of={d}/c bs=777 status=none",
    "dd into the middle": "dd if={s}/large of={d}/a bs=64k status=none && "
                          "dd if={s}/text of={d}/a bs=4k seek=3 count=5 "
                          "conv=notrunc status=none && "
                          "dd if=/dev/zero of={d}/b bs=1 seek=100000 count=0 "
                          "status=none",
    "dd append": "cp {s}/text {d}/a && dd if={s}/text of={d}/a oflag=append "
                 "conv=notrunc status=none",
    "dd sparse": "dd if={s}/holes of={d}/a conv=sparse bs=64k status=none",
    "dd direct": "dd if={s}/large of={d}/a bs=64k oflag=direct status=none",
    "shell": "cd {d} && echo one > a && echo two >> a && cat a a > b && "
             ": > empty && (echo x; echo y) > c && sort -r -o a a && "
             "sed -i s/one/three/ b && tee d < a > e && truncate -s 5000 d && "
             "split -b 100000 {s}/text part. && cat part.* | cmp - {s}/text",
    "touch and chmod": "cd {d} && touch -d 2020-02-02T02:02:02Z a && "
                       "chmod 640 a && stat -c '%s %a %Y' a && mkdir d && "
                       "touch -d 2019-01-01 d && stat -c %Y d",
    "links": "cd {d} && echo x > a && ln -s a b && cat b && readlink b",
    "find and rm": "cp -a {s}/tree {d}/ && find {d}/tree -type f | wc -l && "
                   "rm -r {d}/tree && ls -A {d}",
    "zip": "cd {d} && python3 -m zipfile -c a.zip {s}/tree && "
           "python3 -m zipfile -t a.zip && python3 -m zipfile -e a.zip out && "
           "rm a.zip",
    "git": GIT,
    "sqlite with a journal": "sqlite3 {d}/a.db <<'E'\n" +
                             SQL.format(mode="delete") + "E\nrm {d}/a.db",
    "sqlite with wal": "sqlite3 {d}/a.db <<'E'\n" + SQL.format(mode="wal") +
                       "E\nrm -f {d}/a.db*",
    "mmap writer": f"python3 -c '{MMAP_WRITER}' {{d}} && sync -f {{d}}",
    "flock": "cd {d} && : > l && flock l true && "
             "(flock -n 9 && ! flock -n l true) 9> l",
    "link": "cd {d} && echo x > a && ln a b",
    "fallocate": "fallocate -l 100000 {d}/a",
    "setfattr": "cd {d} && : > a && python3 -c \"import os; "
                "os.setxattr('a', 'user.x', b'y')\"",
}

for engine, extra in (("psync", ""), ("mmap", ""), ("pvsync2", ""),
                      ("libaio", "--iodepth=4"), ("io_uring", "--iodepth=4")):
    for pattern in ("write", "randwrite"):
        PROGRAMS[f"fio {engine} {pattern}"] = (
            f"fio --name=v --directory={{d}} --size=6M --bs=64k --rw={pattern} "
            f"--ioengine={engine} {extra} --verify=crc32c --do_verify=1 "
            "--end_fsync=1 --randseed=7 --fallocate=none --minimal "
            "--verify_state_save=0 > /dev/null && rm -f {d}/v.*")
PROGRAMS["fio jobs"] = (
    "fio --directory={d} --bs=4k-128k --size=3M --fallocate=none --minimal "
    "--verify=md5 --do_verify=1 --verify_state_save=0 "
    "--name=a --rw=write --name=b --rw=randrw "
    "--name=c --rw=randwrite --fsync=64 > /dev/null && rm -f {d}/*.0.0")

# Stressor: its sizes and counts. Left out: what needs minutes on any filesystem
# (chdir, symlink, fpunch) or only fills the disk (fallocate).
STRESSORS = {
    "hdd": "--hdd-bytes 4M", "iomix": "--iomix-bytes 4M",
    "seek": "--seek-size 2M", "copy-file": "--copy-file-bytes 128M",
    "sendfile": "--sendfile-size 1M", "sync-file": "--sync-file-bytes 2M",
    "readahead": "--readahead-bytes 4M", "vm-splice": "", "splice": "",
    "mmap": "--mmap-bytes 2M --mmap-file --mmap-ops 2"}
STRESSORS |= dict.fromkeys(
    ("access chmod dentry dir dirdeep dirmany dup fcntl file-ioctl flock fsize "
     "getdent io lease lockf lockofd open rename touch utime verity xattr "
     "filename handle").split(), "")
for stressor, sizes in STRESSORS.items():
    PROGRAMS[f"stress-ng {stressor}"] = (
        f"stress-ng --temp-path {{d}} --{stressor} 1 --{stressor}-ops 20 "
        f"--timeout 8s --verify --no-rand-seed --quiet --oom-avoid {sizes}")

# What is not the same, and why. Everything else must be.
DIFFERENCES = {
    "link": "hard links are refused: a second name would be a second content "
            "that no verdict covers (EPERM, as vfat says)",
    "fallocate": "reserving room without bytes to judge is not supported "
                 "(EOPNOTSUPP, as vfat says of most modes)",
    "setfattr": "extended attributes have no verdict yet: EPERM on ext4, "
                "EOPNOTSUPP on vfat and exfat",
    "stress-ng xattr": "as setfattr",
    "stress-ng fsize": "it makes sparse files far over the staging bound: EFBIG "
                       "as for any such file, and the handle is dead",
}


def sources(directory):
    rng = random.Random(20261126)
    tree = directory + "/tree"
    for sub in ("", "/a", "/a/b", "/c d", "/日本語"):
        os.mkdir(tree + sub)
        for i in range(6):
            with open(f"{tree}{sub}/f{i}", "wb") as file:
                file.write(b"a harmless line\n" * rng.randrange(3000))
    os.symlink("f1", tree + "/link")
    with open(directory + "/large", "wb") as file:
        for i in range(60_000):
            file.write(b"line %07d of an ordinary report on pumps\n" % i)
    with open(directory + "/text", "wb") as file:
        file.write(b"some text\n" * 40_000)
    with open(directory + "/holes", "wb") as file:
        file.write(b"begin")
        file.seek(2 << 20)
        file.write(b"middle")
        file.truncate(3 << 20)
    for top, _, names in os.walk(directory):
        for name in names:
            os.utime(os.path.join(top, name), (1.7e9, 1.7e9),
                     follow_symlinks=False)


def state(directory):
    """Every name with its kind, mode and content."""
    found = {}
    for top, dirs, names in os.walk(directory):
        for name in dirs + names:
            path = os.path.join(top, name)
            shown = os.path.relpath(path, directory)
            if os.path.islink(path):
                found[shown] = ("link", os.readlink(path))
            elif os.path.isdir(path):
                found[shown] = ("directory", oct(os.stat(path).st_mode))
            else:
                with open(path, "rb") as file:
                    digest = hashlib.sha256(file.read()).hexdigest()[:16]
                found[shown] = ("file", oct(os.stat(path).st_mode), digest)
    return found


def run(command, directory, source):
    os.makedirs(directory, exist_ok=True)
    script = command.replace("{d}", directory).replace("{s}", source)
    done = subprocess.run(["bash", "-c", "set -o pipefail\n" + script],
                          capture_output=True, timeout=120, check=False,
                          cwd=source)
    output = done.stdout.replace(directory.encode(), b"D")
    return (done.returncode, output, state(directory)), done.stderr


def clear(directory):
    for name in os.listdir(directory):
        path = os.path.join(directory, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)


def main():
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        print("needs root and /dev/fuse")
        return 77
    gate, scan, *only = sys.argv[1:]
    wrong, explained = [], 0
    with tempfile.TemporaryDirectory(dir="/var/tmp") as base:
        source, plain, real = (base + "/" + n for n in ("s", "plain", "real"))
        for path in (source, plain, real):
            os.mkdir(path)
        sources(source)
        with rig.Rig(os.path.abspath(gate), real=real,
                     scan=os.path.abspath(scan), options={
                         "owner": 0,
                         # What is tried is the plumbing.
                         "block": lambda q: False,
                         "most_released": 1 << 30}) as r:
            for name, command in PROGRAMS.items():
                if only and name not in only:
                    continue
                expected, _ = run(command, plain, source)
                got, errors = run(command, r.user, source)
                if expected[0] != 0:
                    wrong.append(name)
                    print("FAILS      on the plain filesystem:", name)
                seen_through = got == expected
                kept = state(real) == got[2] or name.startswith("stress-ng")
                if seen_through and kept:
                    print("same      ", name, "exit", got[0])
                    if name in DIFFERENCES:
                        wrong.append(name)
                        print("           listed as different, is not")
                elif name in DIFFERENCES:
                    explained += 1
                    print("explained ", name + ":", DIFFERENCES[name])
                else:
                    wrong.append(name)
                    print("DIFFERENT ", name, expected[0], got[0])
                    print("          ", expected[1][-300:], got[1][-300:])
                    for path in sorted(set(expected[2]) | set(got[2])):
                        a, b = expected[2].get(path), got[2].get(path)
                        if a != b:
                            print("          ", path, a, b)
                    print("          ", errors.decode()[-600:])
                clear(plain)
                clear(r.user)
                sys.stdout.flush()
    print(len(PROGRAMS), "programs,", explained, "explained differences,",
          len(wrong), "not explained")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
