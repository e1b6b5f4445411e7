"""Reads a file of the root directory of an exFAT volume in an image.

Only what a test needs: no checksums are checked. Layout as in Microsoft's
"exFAT file system specification", sections 3.1, 4.1, 7.4, 7.6 and 7.7.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

_FILE, _STREAM, _NAME = 0x85, 0xC0, 0xC1
_NO_FAT_CHAIN = 0x02


def read(image: Path, offset: int, name: str) -> bytes:
    """The content of `name`; FileNotFoundError if the root does not have it."""
    with open(image, "rb") as disk:
        volume = _Volume(disk, offset)
        root = volume.chain(volume.root, contiguous=0)
        for index in range(0, len(root), 32):
            if root[index] == _FILE:
                found = _entry(root, index)
                if found[0].casefold() == name.casefold():
                    return volume.file(*found[1:])
    raise FileNotFoundError(f"{name} on {image}")


class _Volume:
    def __init__(self, disk: BinaryIO, offset: int) -> None:
        disk.seek(offset)
        boot = disk.read(512)
        if boot[3:11] != b"EXFAT   ":
            raise ValueError("not an exFAT volume")
        sector = 1 << boot[108]
        fat, _, heap, _, self.root = struct.unpack_from("<5I", boot, 80)
        self._cluster = sector << boot[109]
        self._disk = disk
        self._fat = offset + fat * sector
        self._heap = offset + heap * sector

    def chain(self, cluster: int, contiguous: int) -> bytes:
        """All clusters from `cluster` on: `contiguous` many, or by the FAT."""
        data = b""
        while 2 <= cluster < 0xFFFFFFF7:
            self._disk.seek(self._heap + (cluster - 2) * self._cluster)
            data += self._disk.read(self._cluster)
            if contiguous:
                contiguous -= 1
                cluster = cluster + 1 if contiguous else 0
            else:
                self._disk.seek(self._fat + 4 * cluster)
                cluster = struct.unpack("<I", self._disk.read(4))[0]
        return data

    def file(self, first: int, size: int, flags: int) -> bytes:
        if size == 0:
            return b""
        clusters = -(-size // self._cluster) if flags & _NO_FAT_CHAIN else 0
        return self.chain(first, clusters)[:size]


def _entry(root: bytes, index: int) -> tuple[str, int, int, int]:
    """Name, first cluster, size and flags of the file entry set at `index`."""
    name, first, size, flags = b"", 0, 0, 0
    for at in range(index + 32, index + 32 * (root[index + 1] + 1), 32):
        if root[at] == _STREAM:
            flags = root[at + 1]
            length = root[at + 3]
            first, size = struct.unpack_from("<IQ", root, at + 20)
        elif root[at] == _NAME:
            name += root[at + 2:at + 32]
    return name.decode("utf-16-le")[:length], first, size, flags
