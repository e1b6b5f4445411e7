"""The guest's text screen and the hands on its keyboard.

The screen is read out of VGA text memory, so it works from the first line the
kernel prints, without a driver or a network in the guest. Keys need a keyboard
plugged through devices.Usb; the guest has no other.
"""

from __future__ import annotations

import time
from pathlib import Path

from qmp import Qmp

_TEXT_MEMORY = 0xB8000
_TEXT_BYTES = 0x8000
_COLUMNS = 80

_NAMES = {" ": "spc", "\n": "ret", "-": "minus", "=": "equal", ".": "dot",
          ",": "comma", "/": "slash", ";": "semicolon", "'": "apostrophe",
          "[": "bracket_left", "]": "bracket_right", "\\": "backslash",
          "`": "grave_accent", "\t": "tab"}
_SHIFTED = dict(zip('!@#$%^&*()_+{}|:"<>?~', "1234567890-=[]\\;',./`"))


class Screen:
    """Reads the VGA text console and types. US keyboard layout."""

    def __init__(self, qmp: Qmp, scratch: Path) -> None:
        self._qmp = qmp
        self._dump = scratch / "screen"

    def text(self) -> str:
        """What text memory holds, for people: the screen and scrolled lines.

        The newest line is not always the last one: the memory is a ring.
        """
        cells = self._cells()
        lines = (cells[i:i + _COLUMNS].rstrip()
                 for i in range(0, len(cells), _COLUMNS))
        return "\n".join(line for line in lines if line)

    def shows(self, wanted: str) -> bool:
        """Whether `wanted` stands anywhere, also across the end of a line."""
        return wanted in self._cells()

    def wait_text(self, wanted: str, timeout_s: float = 600) -> None:
        """Waits until shows(wanted); TimeoutError carries the screen."""
        deadline = time.monotonic() + timeout_s
        while not self.shows(wanted):
            if time.monotonic() > deadline:
                raise TimeoutError(f"no {wanted!r} on the screen within "
                                   f"{timeout_s} s; it shows:\n{self.text()}")
            time.sleep(1)

    def _cells(self) -> str:
        self._qmp.command("pmemsave", {"val": _TEXT_MEMORY,
                                       "size": _TEXT_BYTES,
                                       "filename": str(self._dump)})
        characters = self._dump.read_bytes()[::2]  # the others are colours
        return characters.decode("cp437").replace("\0", " ")

    def type(self, text: str, gap_s: float = 0.05) -> None:
        """Types `text`; "\\n" is the Enter key."""
        for char in text:
            self.press(*_keys(char))
            time.sleep(gap_s)

    def press(self, *names: str) -> None:
        """Presses keys together by QEMU's names: press("ctrl", "alt", "f2")."""
        self._qmp.command("send-key", {
            "keys": [{"type": "qcode", "data": name} for name in names],
            "hold-time": 20})


def _keys(char: str) -> list[str]:
    if char in _SHIFTED:
        return ["shift", *_keys(_SHIFTED[char])]
    if char.isupper():
        return ["shift", char.lower()]
    return [_NAMES.get(char, char)]
