"""The policy server that a guest's agent talks to, run on the host.

It is started from the packages under test, unpacked beside its state, so that
what is tested is what is shipped. The guest reaches it at 10.0.2.2.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

GUEST_VIEW = "10.0.2.2"


class ServerError(Exception):
    """The server did not start, or the command line refused."""


@dataclass(frozen=True)
class Ports:
    """Where the server listens. Defaults are the product's own."""

    agents: int = 7443
    enrolment: int = 7444
    console: int = 8443
    metrics: int = 9464


def server_command(binaries: Path, state: Path, ports: Ports) -> list[str]:
    """The one place that knows how sekisho-server is started for a test."""
    raise NotImplementedError(
        "sekisho-server cannot be started yet: complete server_command() in "
        "tests/vm/server.py")


def token_command(binaries: Path, state: Path, terminal: str) -> list[str]:
    """Prints a one-time enrolment token, and nothing else, on stdout."""
    raise NotImplementedError(
        "no enrolment yet: complete token_command() in tests/vm/server.py")


def enrol_guest_command(ports: Ports, token: str) -> str:
    """What an admin types at the terminal to enrol it."""
    return (f"sekisho enroll --server {GUEST_VIEW}:{ports.enrolment} "
            f"--token {token}")


class Server:
    """One sekisho-server and its state directory."""

    def __init__(self, binaries: Path, state: Path, ports: Ports,
                 log: Path) -> None:
        """`binaries` is the root of the unpacked packages (has usr/bin)."""
        self.binaries = binaries
        self.state = state
        self.ports = ports
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, timeout_s: float = 60) -> None:
        """Returns when the agents' port accepts connections."""
        self.state.mkdir(parents=True, exist_ok=True)
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                server_command(self.binaries, self.state, self.ports),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, env=self._environment())
        deadline = time.monotonic() + timeout_s
        while not _listens(self.ports.agents):
            if self._process.poll() is not None:
                raise ServerError("sekisho-server ended at once; its log:\n" +
                                  self._log.read_text(errors="replace")[-2000:])
            if time.monotonic() > deadline:
                raise ServerError(f"port {self.ports.agents} is not open after "
                                  f"{timeout_s} s")
            time.sleep(0.1)

    def stop(self) -> None:
        """Ends the server and whatever it started. Safe to call twice."""
        if self._process is None:
            return
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None

    def token(self, terminal: str = "terminal-1") -> str:
        return self.run(token_command(self.binaries, self.state, terminal))

    def run(self, argv: list[str], timeout_s: float = 60) -> str:
        """Runs a host command with the packages' programs in PATH."""
        done = subprocess.run(argv, capture_output=True, text=True, check=False,
                              timeout=timeout_s, env=self._environment())
        if done.returncode != 0:
            raise ServerError(f"{' '.join(argv)}: exit {done.returncode}: "
                              f"{done.stderr.strip()}")
        return done.stdout.strip()

    def keep_state(self, copy: Path) -> None:
        """Copies the state away; the server must be stopped."""
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.state, copy, symlinks=True)

    def restore_state(self, copy: Path) -> None:
        shutil.rmtree(self.state, ignore_errors=True)
        shutil.copytree(copy, self.state, symlinks=True)

    def _environment(self) -> dict[str, str]:
        usr = self.binaries / "usr"
        return os.environ | {"PATH": f"{usr}/bin:{usr}/sbin:"
                                     + os.environ.get("PATH", "")}


def free_ports() -> Ports:
    """The product's ports if all are free, else others that are."""
    usual = Ports()
    if not any(map(_listens, (usual.agents, usual.enrolment, usual.console,
                              usual.metrics))):
        return usual
    with socket.socket() as a, socket.socket() as b, socket.socket() as c, \
            socket.socket() as d:
        for probe in (a, b, c, d):
            probe.bind(("127.0.0.1", 0))
        return Ports(*(s.getsockname()[1] for s in (a, b, c, d)))


def unpack(packages: list[Path], target: Path) -> Path:
    """Unpacks .deb files without installing them."""
    target.mkdir(parents=True, exist_ok=True)
    for package in packages:
        subprocess.run(["dpkg-deb", "-x", str(package), str(target)],
                       check=True)
    return target


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
