#!/usr/bin/env python3
"""Fails on an include that layers.txt does not allow.

usage: check_layers.py [ROOT]
"""

import pathlib
import re
import subprocess
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
MAX_COMMON_HEADERS = 12


def read_layers(path: pathlib.Path) -> dict[str, list[str]]:
    """room -> rooms it may include ('*' = any)."""
    layers = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        room, colon, allowed = line.partition(":")
        if not colon:
            sys.exit(f"{path}:{number}: expected 'room: rooms'")
        layers[room.strip()] = allowed.split()
    return layers


def room_of(path: str, rooms: list[str]) -> str | None:
    """The longest room the path lies in; generated protos by their area."""
    if path.startswith("sekisho/event/v1/event.pb") or path.startswith(
        "proto/event_bytes"
    ):
        return "proto/event"
    if path.startswith("sekisho/"):
        return "proto"
    inside = [r for r in rooms if path.startswith(r + "/")]
    return max(inside, key=len) if inside else None


def is_allowed(room: str, target: str, allowed: list[str]) -> bool:
    """True if target is the room itself or below a room that is allowed."""
    return (
        "*" in allowed
        or target == room
        or any(target == a or target.startswith(a + "/") for a in allowed)
    )


def check(root: pathlib.Path) -> list[str]:
    layers = read_layers(root / "layers.txt")
    rooms = list(layers)
    listed = subprocess.run(
        ["git", "-C", root, "ls-files", "-co", "--exclude-standard",
         "*.h", "*.cc", "*.c"],
        check=True, capture_output=True, text=True).stdout.split()
    problems = []
    for name in listed:
        room = room_of(name, rooms)
        path = root / name
        if name.startswith("tests/") or not path.exists():
            continue
        if room is None:
            problems.append(f"{name}: layers.txt has no room for this file")
            continue
        # Files directly in agent/ and server/ are the maps.
        allowed = layers.get(room, ["common"])
        text = path.read_text(errors="replace")
        for match in INCLUDE.finditer(text):
            target = room_of(match.group(1), rooms)
            if target is None or is_allowed(room, target, allowed):
                continue
            line = text.count("\n", 0, match.start()) + 1
            problems.append(
                f"{name}:{line}: {room} may not include {target} "
                f"({match.group(1)})")
    headers = [n for n in listed if re.fullmatch(r"common/[^/]+\.h", n)]
    if len(headers) > MAX_COMMON_HEADERS:
        problems.append(
            f"common/: {len(headers)} headers, at most {MAX_COMMON_HEADERS}")
    return problems


def main() -> int:
    default = pathlib.Path(__file__).resolve().parents[2]
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    problems = check(root)
    print("\n".join(problems) if problems else "layers hold")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
