"""What the story needs of the product: its data, and what the server shows.

Everything here goes through the `sekisho` command line and the stick's raw
image, as an admin and an auditor would.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

from checks import eventually
from guest import Guest, Result

ROOT = Path(__file__).resolve().parents[2]
POLICY = ROOT / "policy" / "packs" / "appi.yaml"
TERMINAL = "terminal-1"
# The operator sits at the terminal: a login on seat0, as a display manager or
# getty would make it.
AUTOLOGIN = ("[Service]\nExecStart=\n"
             "ExecStart=-/sbin/agetty --autologin operator --noclear %I linux\n")


@dataclass(frozen=True)
class People:
    """A generated list of people, and what must not be found of them."""

    csv: bytes
    needles: list[str]


def make_people(folder: Path, count: int, encoding: str, seed: int) -> People:
    out, needles = folder / "people.csv", folder / "people.needles"
    subprocess.run([sys.executable, str(ROOT / "tests/support/people.py"),
                    "--count", str(count), "--encoding", encoding, "--seed",
                    str(seed), "--out", str(out), "--needles", str(needles)],
                   check=True)
    return People(out.read_bytes(), needles.read_text("utf-8").splitlines())


def make_document(size_mib: int) -> bytes:
    """A harmless text: a maintenance log without people."""
    lines = (f"{number:08d} link up, queue depth {number % 97:4d}, "
             f"line card {number % 12:2d} ok\n".rjust(64)
             for number in range((size_mib << 20) // 64))
    return "".join(lines).encode()


def sit_down(vm: Guest) -> None:
    """Logs the operator in at the terminal's own screen and keyboard."""
    vm.write_file("/etc/systemd/system/getty@tty1.service.d/autologin.conf",
                  AUTOLOGIN.encode())
    vm.ssh("systemctl daemon-reload && systemctl restart getty@tty1")
    vm.wait_for("loginctl list-sessions --no-legend | grep -q seat0", 60)


def events(vm: Guest, **wanted: str) -> list[dict[str, Any]]:
    """Events of the terminal, oldest first; `wanted` filters public_part."""
    rows = json.loads(vm.server.cli("event", "list", "--agent", TERMINAL,
                                    "--limit", "1000", "--json"))
    rows.sort(key=lambda row: int(row["row_id"]))
    return [row for row in rows
            if all(row["public_part"].get(k) == v for k, v in wanted.items())]


def alerts(vm: Guest) -> list[dict[str, Any]]:
    return json.loads(vm.server.cli("alert", "list", "--json"))


def transfers(vm: Guest, name: str) -> list[dict[str, Any]]:
    """Transfer events of files with that name."""
    return [row for row in events(vm, kind="transfer")
            if row["personal_part"].get("file_path", "").endswith(name)]


def status(vm: Guest) -> dict[str, Any]:
    return json.loads(vm.ssh("sekisho status --json").stdout)


def medium_at(vm: Guest, serial: str) -> str:
    """Where the stick with that serial is mounted, "" if it is not."""
    for medium in status(vm)["media"]:
        if medium["device"].endswith(":" + serial):
            return medium["mount_point"]
    return ""


def wait_for_policy(vm: Guest, mode: str, timeout_s: float) -> None:
    eventually(f"the terminal is in mode {mode}",
               lambda: status(vm)["mode"] == mode, timeout_s)


def as_operator(vm: Guest, command: str, timeout_s: float = 120) -> Result:
    """The operator types a command in a terminal of his own."""
    return vm.ssh(command, user="operator", check=False, tty=True, fresh=True,
                  timeout_s=timeout_s)


def no_needles(find: Callable[[list[str]], dict[bytes, int]],
               people: People) -> str:
    """"" if none of the people is in the image, else what was found."""
    found = find([n for n in people.needles if len(n) >= 4])
    return ", ".join(f"{k!r} at {v}" for k, v in list(found.items())[:3])
