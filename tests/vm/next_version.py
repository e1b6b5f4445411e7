"""Makes the next version of the packages under test: other bytes, same product."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

# An ELF program does not look at what follows its sections.
TRAILER = b"\nthe next version\n"


def next_version(debs: list[Path], version: str, folder: Path) -> list[Path]:
    """Packages like `debs` with that version and other program files.

    The list of programs that the agent's package carries is made anew, as the
    build makes it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [_bump(deb, version, folder) for deb in debs]


def _bump(deb: Path, version: str, folder: Path) -> Path:
    tree = folder / deb.stem
    subprocess.run(["dpkg-deb", "-R", deb, tree], check=True)
    control = tree / "DEBIAN" / "control"
    text = control.read_text()
    old = next(line.split(": ")[1] for line in text.splitlines()
               if line.startswith("Version:"))
    control.write_text(text.replace(f"Version: {old}\n", f"Version: {version}\n")
                       .replace(f"(>= {old})", f"(>= {version})"))
    programs = sorted(p for p in (*tree.glob("usr/sbin/*"),
                                  *tree.glob("usr/bin/*"),
                                  *tree.glob("usr/libexec/sekisho/*"))
                      if p.is_file() and p.read_bytes()[:4] == b"\x7fELF")
    for program in programs:
        with open(program, "ab") as file:
            file.write(TRAILER)
    listed = tree / "DEBIAN" / "programs"
    if listed.exists():
        listed.write_text(_list_of(listed.read_text(), old, version, tree))
    sums = tree / "DEBIAN" / "md5sums"
    if sums.exists():
        names = [line.split(maxsplit=1)[1]
                 for line in sums.read_text().splitlines()]
        sums.write_text("".join(
            f"{hashlib.md5((tree / name).read_bytes()).hexdigest()}  {name}\n"
            for name in names))
    out = folder / deb.name.replace(old, version)
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "-b",
                    tree, out], check=True, stdout=subprocess.DEVNULL)
    return out


def _list_of(text: str, old: str, version: str, tree: Path) -> str:
    lines = []
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3 and words[0] == "package":
            line = line.replace(old, version)
        elif len(words) == 3:
            data = (tree / words[2].lstrip("/")).read_bytes()
            line = f"{hashlib.sha256(data).hexdigest()} {len(data)} {words[2]}"
        lines.append(line + "\n")
    return "".join(lines)
