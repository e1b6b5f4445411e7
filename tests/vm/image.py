"""Builds and caches the guest's disks: a plain Debian 12 root and one on LUKS.

The cache key is a hash of everything under image/ and of builder.py, so a
changed recipe gives a new directory and an old one is never altered. Nothing
here boots a guest; see guest.py.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Iterator

import builder

# What the guest with a desktop has besides.
DESKTOP = Path(__file__).resolve().parent / "desktop.txt"


@dataclass(frozen=True)
class Image:
    """One cached image directory. Its files are read-only by agreement."""

    directory: Path

    @property
    def kernel(self) -> Path:
        return self.directory / "vmlinuz"

    @property
    def ssh_key(self) -> Path:
        return self.directory / "id_ed25519"

    def disk(self, luks: bool) -> Path:
        return self.directory / ("luks.img" if luks else "root.qcow2")

    def disk_format(self, luks: bool) -> str:
        return "raw" if luks else "qcow2"

    def initrd(self, luks: bool) -> Path:
        return self.directory / ("initrd-luks" if luks else "initrd")


def cache_root() -> Path:
    """Where images live: sekisho/vm in $SEKISHO_CACHE or the XDG cache."""
    base = os.environ.get("SEKISHO_CACHE") or os.environ.get("XDG_CACHE_HOME")
    return Path(base or Path.home() / ".cache") / "sekisho" / "vm"


def recipe_hash(more_packages: Path | None) -> str:
    """Names the image: changes whenever the recipe does."""
    digest = hashlib.sha256()
    recipe = sorted(p for p in builder.RECIPE.rglob("*") if p.is_file())
    more = [more_packages] if more_packages is not None else []
    for path in [*recipe, Path(builder.__file__).resolve(), *more]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def ensure(rebuild: bool = False, more_packages: Path | None = None) -> Image:
    """Returns the image for the present recipe, building it when it is missing.

    Several callers may ask at once: one builds, the others wait for it.
    """
    directory = cache_root() / recipe_hash(more_packages)
    directory.parent.mkdir(parents=True, exist_ok=True)
    with locked(directory.with_suffix(".lock")):
        if rebuild and directory.exists():
            shutil.rmtree(directory)
        if not directory.exists():
            scratch = directory.with_suffix(".new")
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir()
            builder.Builder(scratch, more_packages).build()
            scratch.rename(directory)
            remove_unused(directory.parent.glob("*/"))
        os.utime(directory)
    return Image(directory)


def remove_unused(folders: Iterable[Path]) -> None:
    """Removes what no run has used for a week; what is newer may be in use."""
    for folder in folders:
        if folder.stat().st_mtime < time.time() - 7 * 86400:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    with open(path, "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
