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
        """What text memory holds: the screen and some lines scrolled off."""
        self._qmp.command("pmemsave", {"val": _TEXT_MEMORY,
                                       "size": _TEXT_BYTES,
                                       "filename": str(self._dump)})
        cells = self._dump.read_bytes()[::2].decode("cp437")
        lines = (cells[i:i + _COLUMNS].rstrip(" \0")
                 for i in range(0, len(cells), _COLUMNS))
        return "\n".join(line for line in lines if line)

    def wait_text(self, wanted: str, timeout_s: float = 600) -> str:
        """Waits until `wanted` stands on the screen; returns the screen."""
        deadline = time.monotonic() + timeout_s
        while True:
            text = self.text()
            if wanted in text:
                return text
            if time.monotonic() > deadline:
                raise TimeoutError(f"no {wanted!r} on the screen within "
                                   f"{timeout_s} s; it shows:\n{text}")
            time.sleep(1)

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
