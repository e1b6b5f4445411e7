"""Stick images on the host: made, read back, and searched byte by byte.

Nothing is mounted here, so the host's kernel never parses what a test wrote.
"""

from __future__ import annotations

import os
import re
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Iterator

import exfat

MIB = 1 << 20
_PARTITION_OFFSET = MIB
_PARTITION_TYPES = {"vfat": 0x0C, "exfat": 0x07, "ext4": 0x83}
_KEY_BYTES = 4


@dataclass(frozen=True)
class Stick:
    """A raw image file. `offset` is where its filesystem begins."""

    path: Path
    filesystem: str
    offset: int

    def read(self, name: str) -> bytes:
        """A file's content as it stands on the medium; FileNotFoundError."""
        if self.filesystem == "exfat":
            return exfat.read(self.path, self.offset, name)
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out"
            subprocess.run(self._copy_command(name, out), check=False,
                           capture_output=True, stdin=subprocess.DEVNULL)
            if not out.exists():
                raise FileNotFoundError(f"{name} on {self.path}")
            return out.read_bytes()

    def find(self, patterns: Iterable[bytes]) -> dict[bytes, int]:
        """Which of the patterns are anywhere in the raw bytes, and where.

        Deleted files and slack count. Each pattern has 4 bytes or more; tens of
        thousands of them are fine.
        """
        by_key: dict[bytes, list[bytes]] = {}
        for pattern in set(patterns):
            if len(pattern) < _KEY_BYTES:
                raise ValueError(f"pattern too short to search: {pattern!r}")
            by_key.setdefault(pattern[:_KEY_BYTES], []).append(pattern)
        found: dict[bytes, int] = {}
        for start, data in _extents(self.path):
            for at, key in _keys_in(data, by_key):
                for pattern in by_key[key]:
                    if pattern not in found and data.startswith(pattern, at):
                        found[pattern] = start + at
        return found

    def find_text(self, texts: Iterable[str], encodings: Iterable[str] = (
            "utf-8", "cp932", "euc-jp", "iso2022_jp", "utf-16-le", "utf-16-be",
    )) -> dict[bytes, int]:
        """As find(), for each text in each encoding that can express it."""
        return self.find(p for p in _encoded(texts, tuple(encodings))
                         if len(p) >= _KEY_BYTES)

    def _copy_command(self, name: str, out: Path) -> list[str]:
        if self.filesystem == "vfat":
            return ["mcopy", "-n", "-i", f"{self.path}@@{self.offset}",
                    "::" + name, str(out)]
        if self.filesystem == "ext4":
            return ["debugfs", "-R", f"dump \"/{name}\" {out}",
                    f"{self.path}?offset={self.offset}"]
        raise ValueError(f"{self.path} has no filesystem to read from")


def make_stick(path: Path, filesystem: str = "vfat", size_mib: int = 64,
               partition: bool = True, label: str = "STICK") -> Stick:
    """Makes an image with "vfat", "exfat", "ext4" or "" (all zeros)."""
    path.unlink(missing_ok=True)
    _make_sparse(path, size_mib * MIB)
    if not filesystem:
        return Stick(path, "", 0)
    offset = _PARTITION_OFFSET if partition else 0
    with tempfile.NamedTemporaryFile(dir=path.parent) as volume:
        _make_sparse(Path(volume.name), size_mib * MIB - offset)
        _run(_mkfs(filesystem, label, volume.name))
        _copy_data(Path(volume.name), path, offset)
    if partition:
        _write_mbr(path, _PARTITION_TYPES[filesystem], offset,
                   size_mib * MIB - offset)
    return Stick(path, filesystem, offset)


def make_broken_stick(path: Path, filesystem: str = "vfat") -> Stick:
    """A stick whose superblock is real and whose tables are garbage."""
    stick = make_stick(path, filesystem)
    with open(path, "r+b") as image:
        image.seek(stick.offset + 2048 if filesystem == "ext4" else
                   stick.offset + 512)
        image.write(bytes(range(1, 256)) * 4096)
    return stick


def add_file(stick: Stick, name: str, data: bytes) -> None:
    """Puts a file on a vfat or ext4 stick from the host's side."""
    with tempfile.NamedTemporaryFile() as source:
        source.write(data)
        source.flush()
        if stick.filesystem == "vfat":
            _run(["mcopy", "-n", "-o", "-i", f"{stick.path}@@{stick.offset}",
                  source.name, "::" + name])
        elif stick.filesystem == "ext4":
            _run(["debugfs", "-w", "-R", f"write {source.name} \"{name}\"",
                  f"{stick.path}?offset={stick.offset}"])
        else:
            raise ValueError(f"cannot write to {stick.filesystem!r} from here")


def _mkfs(filesystem: str, label: str, target: str) -> list[str]:
    return {"vfat": ["mkfs.vfat", "-F", "32", "-n", label, target],
            "exfat": ["mkfs.exfat", "-L", label, target],
            "ext4": ["mke2fs", "-q", "-F", "-t", "ext4", "-L", label, target],
            }[filesystem]


def _write_mbr(path: Path, kind: int, offset: int, size: int) -> None:
    entry = struct.pack("<B3sB3sII", 0, b"\xfe\xff\xff", kind, b"\xfe\xff\xff",
                        offset // 512, size // 512)
    with open(path, "r+b") as image:
        image.seek(446)
        image.write(entry + bytes(48) + b"\x55\xaa")


def _make_sparse(path: Path, size: int) -> None:
    with open(path, "wb") as image:
        image.truncate(size)


def _copy_data(source: Path, target: Path, offset: int) -> None:
    with open(target, "r+b") as image:
        for start, data in _extents(source):
            image.seek(offset + start)
            image.write(data)


def _extents(path: Path) -> Iterator[tuple[int, bytes]]:
    """The parts of a sparse file that hold data; the rest is zeros."""
    with open(path, "rb") as image:
        end = 0
        while True:
            try:
                start = os.lseek(image.fileno(), end, os.SEEK_DATA)
            except OSError:  # ENXIO: no data after `end`
                return
            end = os.lseek(image.fileno(), start, os.SEEK_HOLE)
            yield start, os.pread(image.fileno(), end - start, start)


def _keys_in(data: bytes,
             keys: dict[bytes, list[bytes]]) -> Iterator[tuple[int, bytes]]:
    """Where in `data` the first bytes of a pattern stand; skips zeros fast."""
    for run in re.finditer(rb"[^\0](?:\0{0,3}[^\0])*", data):
        # A key may begin or end with zeros that the run leaves out.
        for at in range(max(0, run.start() - 3), run.end()):
            key = data[at:at + _KEY_BYTES]
            if key in keys:
                yield at, key


def _encoded(texts: Iterable[str],
             encodings: tuple[str, ...]) -> Iterator[bytes]:
    for text in texts:
        for encoding in encodings:
            try:
                yield text.encode(encoding)
            except UnicodeEncodeError:
                continue


def _run(argv: list[str]) -> None:
    done = subprocess.run(argv, capture_output=True, check=False,
                          stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise OSError(f"{' '.join(argv)}: "
                      f"{done.stderr.decode(errors='replace').strip()}")
