"""What a row of the bypass matrix is: an attack, and how it has to end.

The same files are read on the host, which makes the payloads and judges, and in
the guest, where driver.py runs the attacks. Python's standard library only.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Callable


class Outcome(IntEnum):
    """How a row ended; a larger one is worse."""

    BLOCKED = 0      # nothing of it reached the medium, or was changed
    DETECTED = 1     # it was done; an alert came in time, the gate stayed closed
    LIMITATION = 2   # it went through: the row's `reason` says why

    def __str__(self) -> str:
        return self.name.lower()


BLOCKED, DETECTED, LIMITATION = Outcome


@dataclass
class Place:
    """What an attack finds at the terminal."""

    slug: str          # begins the name of each file it makes
    folder: str        # where the approved stick is mounted
    people: bytes      # a CSV of people; what must not arrive
    payload: str       # path of what is to be copied
    disk: str          # the approved stick's disk, "sda"; "" if it is not one
    usb: str           # its USB device in sysfs
    unapproved: str    # the USB device in sysfs of a stick nobody approved
    work: str          # a folder of the attacker's own
    server: str        # "address:port" of the server

    def file(self, name: str = "list.csv") -> str:
        """A path on the medium that only this row uses."""
        return f"{self.folder}/{self.slug}-{name}"

    def own(self, name: str) -> str:
        return f"{self.work}/{self.slug}-{name}"

    @property
    def node(self) -> str:
        return f"/dev/{self.disk}"

    @property
    def number(self) -> tuple[int, int]:
        """Major and minor of the disk."""
        major, minor = Path(f"/sys/block/{self.disk}/dev").read_text(
            ).split(":")
        return int(major), int(minor)


class Refused(Exception):
    """The attack did not work. OSError and failed programs say it too."""


Attack = Callable[[Place], None]


@dataclass(frozen=True)
class Row:
    """One attack. `operator` and `root` are the worst it may end as."""

    slug: str
    name: str
    group: str
    attack: Attack
    refs: str = ""
    operator: Outcome = BLOCKED
    root: Outcome = BLOCKED
    reason: str = ""         # of a limitation
    payload: str = ""        # which of payloads.py's forms; "" is a CSV
    persons: int = 30
    may_pass: int = 0        # so many people policy lets through
    channel: bool = False    # what arrives is no bytes: done is arrived
    told: str = ""           # what the server must hear, for either actor
    told_root: str = ""      # for root alone: others are stopped by file rights
    after: str = ""          # root's command that undoes it
    short: bool = False      # belongs to the short form
    actors: tuple[str, ...] = ("operator", "root")

    def stated(self, actor: str) -> Outcome:
        return self.root if actor == "root" else self.operator

    def expected_word(self, actor: str) -> str:
        return self.told or (self.told_root if actor == "root" else "")


ROWS: list[Row] = []


def row(slug: str, name: str, group: str, **more: object,
        ) -> Callable[[Attack], Attack]:
    """Registers the function below it as a row's attack."""
    def register(attack: Attack) -> Attack:
        if any(r.slug == slug for r in ROWS):
            raise ValueError(f"two rows are called {slug}")
        ROWS.append(Row(slug, name, group, attack, **more))  # type: ignore
        return attack
    return register


def run(*words: str, stdin: bytes = b"", timeout_s: float = 60) -> str:
    """Runs a program; Refused with its last words when it fails."""
    try:
        done = subprocess.run(words, input=stdin, capture_output=True,
                              timeout=timeout_s, check=False)
    except FileNotFoundError as error:
        raise RuntimeError(f"{words[0]} is missing: nothing was tried"
                           ) from error
    if done.returncode != 0:
        raise Refused(f"{words[0]}: exit {done.returncode}: " +
                      done.stderr.decode(errors="replace").strip()[-200:])
    return done.stdout.decode(errors="replace")


def write_file(path: str, data: bytes | str, flags: int = os.O_CREAT |
               os.O_WRONLY | os.O_TRUNC) -> None:
    """Writes, syncs and closes; errors of any of these are raised."""
    data = data.encode() if isinstance(data, str) else data
    fd = os.open(path, flags, 0o644)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view):]
        os.fsync(fd)
    finally:
        os.close(fd)


def pids_of(program: str) -> list[int]:
    """Processes with that name; in enforce /proc/PID/exe tells nobody."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            comm = Path(f"/proc/{entry}/comm").read_text().strip()
        except OSError:
            continue
        if re.fullmatch(re.escape(program[:15]), comm):
            found.append(int(entry))
    return sorted(found)


def pid_of(program: str) -> int:
    pids = pids_of(program)
    if not pids:
        raise RuntimeError(f"no process of {program}: nothing was tried")
    return pids[0]
