"""How long until a medium can be used, by the guest's own clock."""

from __future__ import annotations

import json
import os
import queue
import shlex
import socket
import struct
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from guest import Guest, GuestError
from server import GUEST_VIEW

HELPER = Path(__file__).resolve().parents[1] / "bench" / "usable_guest.py"
PROGRAM = "/usr/local/libexec/usable_guest.py"
FOLDER = "/media/sekisho"


@dataclass(frozen=True)
class Usable:
    """Seconds from the start of what the admin did; both clocks were compared."""

    told: float    # the admin's command was done
    usable: float  # its files were listed at the terminal
    wrote: float   # a first small file was accepted
    clock_error: float
    path: str


def share(vm: Guest, seconds: float = 1.0) -> float:
    """How much of two processors the guest gets of the host now, 0 to 1.

    Both are kept busy inside; what QEMU was given meanwhile is the answer.
    """
    burn = ("import time; end = time.monotonic() + float(__import__('sys').argv"
            "[1])\nwhile time.monotonic() < end: pass")
    spin = f"python3 -c {shlex.quote(burn)} {seconds + 1}"
    with subprocess.Popen([*shlex.split(vm.ssh_command()), "--",
                           f"{spin} & {spin}; wait"],
                          stdin=subprocess.DEVNULL) as running:
        time.sleep(1.0)
        before, start = _cpu_seconds(vm.pid), time.monotonic()
        time.sleep(seconds)
        used = _cpu_seconds(vm.pid) - before
        taken = time.monotonic() - start
        running.wait(60)
    return min(1.0, used / taken / 2)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1]
    ticks = sum(map(int, fields.split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def install(vm: Guest) -> None:
    vm.put(HELPER, PROGRAM, 0o755)


def time_until_usable(vm: Guest, act: Callable[[], object],
                      timeout_s: float = 60) -> Usable:
    """Watches for a new mount in the guest, then runs `act` on the host."""
    with socket.create_server(("127.0.0.1", 0)) as clock:
        threading.Thread(target=_tell_time, args=(clock,), daemon=True).start()
        command = (f"{PROGRAM} {FOLDER} {GUEST_VIEW} "
                   f"{clock.getsockname()[1]} {timeout_s}")
        with subprocess.Popen([*shlex.split(vm.ssh_command()), "--", command],
                              stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE) as watch:
            lines = _lines(watch)
            if lines.get(timeout=60) != "ready":
                raise GuestError("the watch did not start")
            start = time.time()
            act()
            told = time.time() - start
            seen = json.loads(lines.get(timeout=timeout_s + 60))
    if not seen["path"]:
        raise GuestError(f"no medium was usable after {timeout_s} s")
    start += seen["ahead"]
    return Usable(told, seen["usable"] - start, seen["wrote"] - start,
                  seen["within"], seen["path"])


def _tell_time(clock: socket.socket) -> None:
    peer, _ = clock.accept()
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with peer:
        while peer.recv(1):
            peer.sendall(struct.pack("d", time.time()))


def _lines(process: subprocess.Popen[str]) -> queue.Queue[str]:
    """Its output line by line, with waits that can end."""
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line.strip())
        lines.put("{}")

    threading.Thread(target=read, daemon=True).start()
    return lines
