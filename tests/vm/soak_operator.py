#!/usr/bin/python3
"""An operator who copies without pause, for the soak; runs in the guest.

  soak_operator.py SECONDS SEED MATERIAL JOURNAL

MATERIAL holds what he copies: few-* and text-* may pass, list-* never may. He
writes to whichever media are there and takes every refusal as an answer. Each
thing he does is a JSON line of JOURNAL: {"do", "name", "ok", "error",
"seconds", "at"}; an error ends with "gone" where the medium was not mounted any
more; what he is doing just now is in JOURNAL.now, so that one that
hangs is known.
"""

import errno
import json
import mmap
import os
import pathlib
import random
import shutil
import sys
import time

PLACE = "/media/sekisho/"


def media():
    """Where media are mounted that can be used just now."""
    with open("/proc/self/mountinfo", encoding="utf-8") as lines:
        fields = [line.split() for line in lines]
    return [f[4].encode().decode("unicode_escape") for f in fields
            if f[4].startswith(PLACE)]


def copy(source, target):
    shutil.copyfile(source, target)


def copy_and_sync(source, target):
    copy(source, target)
    with open(target, "rb") as file:
        os.fsync(file.fileno())
        if file.read() != source.read_bytes():
            raise AssertionError(f"{target} reads back differently")


def by_rename(source, target):
    part = target.with_name(target.name + ".part")
    copy(source, part)
    part.rename(target)


def in_pieces(source, target):
    """Opened anew for each piece."""
    data = source.read_bytes()
    step = max(1, len(data) // 7)
    target.unlink(missing_ok=True)
    for start in range(0, len(data), step):
        with open(target, "ab") as file:
            file.write(data[start:start + step])


def backwards(source, target):
    data = source.read_bytes()
    with open(target, "wb") as file:
        for start in reversed(range(0, len(data), 8192)):
            file.seek(start)
            file.write(data[start:start + 8192])


def by_mmap(source, target):
    """In a process of its own: who maps a file of a medium that is pulled is
    killed by the kernel, on a plain stick too."""
    child = os.fork()
    if child == 0:
        try:
            map_and_store(source, target)
        except OSError as problem:
            os._exit(problem.errno or errno.EIO)
        except BaseException:
            os._exit(errno.EIO)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        raise OSError(errno.EFAULT, "killed by signal "
                      f"{os.WTERMSIG(status)}", str(target))
    if os.WEXITSTATUS(status) != 0:
        raise OSError(os.WEXITSTATUS(status), "not stored", str(target))


def map_and_store(source, target):
    data = source.read_bytes()
    with open(target, "w+b") as file:
        file.truncate(len(data))
        with mmap.mmap(file.fileno(), len(data)) as memory:
            memory[:] = data


def overwrite(source, target):
    """All or nothing: what was there stays if the new is refused."""
    target.write_bytes(b"link up\n")
    copy(source, target)


WAYS = {way.__name__: way for way in (copy, copy_and_sync, by_rename, in_pieces,
                                      backwards, by_mmap, overwrite)}


class Operator:
    def __init__(self, seed, material, journal):
        self.random = random.Random(seed)
        self.material = sorted(pathlib.Path(material).iterdir())
        self.journal = open(journal, "a", buffering=1, encoding="utf-8")
        self.now = pathlib.Path(journal + ".now")
        self.number = 0

    def work_for(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            places = media()
            if not places:
                time.sleep(0.3)
                continue
            place = pathlib.Path(self.random.choice(places))
            if self.random.random() < 0.1:
                self.do("tidy", "", place, lambda place=place: self.tidy(place))
                continue
            source = self.random.choice(self.material)
            way = self.random.choice(sorted(WAYS))
            self.number += 1
            name = f"{source.stem}-{self.number}{source.suffix}"
            self.do(way, name, place,
                    lambda: WAYS[way](source, place / name))

    def tidy(self, place):
        """Deletes until a few are left: media are small."""
        files = sorted(place.iterdir())
        self.random.shuffle(files)
        for path in files[6:]:
            path.unlink()

    def do(self, what, name, place, act):
        start = time.monotonic()
        self.now.write_text(json.dumps({"do": what, "name": name,
                                        "at": time.time()}))
        error = ""
        try:
            act()
        except OSError as problem:
            error = errno.errorcode.get(problem.errno, str(problem.errno))
            if str(place) not in media():
                # The empty folder below refused, or nobody did.
                error += " gone"
        except (AssertionError, ValueError) as problem:
            error = str(problem)
        self.journal.write(json.dumps({
            "do": what, "name": name, "ok": not error, "error": error,
            "seconds": round(time.monotonic() - start, 3),
            "at": round(time.time(), 3)}) + "\n")


def main():
    seconds, seed, material, journal = sys.argv[1:]
    Operator(seed, material, journal).work_for(float(seconds))


if __name__ == "__main__":
    main()
