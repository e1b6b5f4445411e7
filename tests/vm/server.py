"""The policy server that a guest's agent talks to, run on the host.

It is started from the packages under test, unpacked beside its state, so that
what is tested is what is shipped. The guest reaches it at 10.0.2.2.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import astuple, dataclass
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

    def free(self) -> bool:
        """Whether nobody listens on any of them."""
        return not any(map(_listens, astuple(self)))


def configuration(binaries: Path, state: Path, runtime: Path, ports: Ports,
                  address: str) -> str:
    """server.yaml for a test; a guest comes in over the host's loopback."""
    return (f"state: {state}\n"
            f"runtime: {runtime}\n"
            f"agents_listen: {address}:{ports.agents}\n"
            f"enrol_listen: {address}:{ports.enrolment}\n"
            f"console_address: {address}\n"
            f"console_port: {ports.console}\n"
            "metrics_listen: 127.0.0.1:0\n"
            f"console_dir: {binaries}/usr/share/sekisho/console\n")


def init_command(config: Path) -> list[str]:
    """Makes keys and certificates; run once for a new state directory."""
    return ["sekisho-server", "init", "--config", str(config),
            "--name", GUEST_VIEW, "--name", "localhost", "--name", own_name()]


def own_name() -> str:
    """The name other machines know this one by."""
    return socket.gethostname()


def server_commands(config: Path) -> list[list[str]]:
    """The processes that make up a server, in the order they are started."""
    return [["sekisho-server", "--config", str(config)],
            ["sekisho-enrol", "--config", str(config)]]


def enrol_guest_command(ports: Ports, token: str) -> str:
    """What an admin types at the terminal to enrol it."""
    return (f"sekisho enroll --server {GUEST_VIEW}:{ports.enrolment} "
            f"--agent-server {GUEST_VIEW}:{ports.agents} --token {token}")


class Server:
    """One policy server and its state directory."""

    def __init__(self, binaries: Path, state: Path, ports: Ports,
                 log: Path, public: bool = False) -> None:
        """`binaries` is the root of the unpacked packages (has usr/bin).

        `public`: reachable from other machines, not only from this one.
        """
        self._address = "0.0.0.0" if public else "127.0.0.1"
        self.binaries = binaries
        self.state = state
        self.ports = ports
        self._log = log
        # Socket paths have to be short.
        self._runtime = Path(tempfile.mkdtemp(prefix="sekisho-server-"))
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, timeout_s: float = 60) -> None:
        """Returns when agents and enrolment can connect."""
        self._runtime.mkdir(exist_ok=True)
        config = self._runtime / "server.yaml"
        config.write_text(configuration(self.binaries, self.state,
                                        self._runtime, self.ports,
                                        self._address))
        if not self.state.exists():
            self.state.mkdir(parents=True)
            self.run(init_command(config))
        with open(self._log, "ab") as log:
            for command in server_commands(config):
                self._processes.append(subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    start_new_session=True, env=self._environment()))
        deadline = time.monotonic() + timeout_s
        while not (_listens(self.ports.agents)
                   and _listens(self.ports.enrolment)):
            if any(p.poll() is not None for p in self._processes):
                raise ServerError("the server ended at once; its log:\n" +
                                  self._log.read_text(errors="replace")[-2000:])
            if time.monotonic() > deadline:
                raise ServerError(f"the server does not listen after "
                                  f"{timeout_s} s")
            time.sleep(0.1)

    def stop(self) -> None:
        """Ends the server's processes. Safe to call twice."""
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()
        shutil.rmtree(self._runtime, ignore_errors=True)

    def pids(self) -> list[int]:
        """Its processes, for whoever ends them later."""
        return [process.pid for process in self._processes]

    def token(self, terminal: str = "terminal-1") -> str:
        """A one-time enrolment token."""
        return self.cli("agent", "token", "--terminal", terminal)

    def cli(self, *words: str) -> str:
        """`sekisho WORDS...` on the server's machine; returns its stdout."""
        return self.run(["sekisho", *words])

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
        path = [usr / "bin", usr / "sbin", usr / "libexec/sekisho"]
        return os.environ | {
            "PATH": ":".join([*map(str, path), os.environ.get("PATH", "")]),
            "SEKISHO_ADMIN_SOCKET": str(self._runtime / "admin.sock"),
        }


def free_ports() -> Ports:
    """The product's ports if all are free, else others that are."""
    usual = Ports()
    if usual.free():
        return usual
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in astuple(usual)]
    ports = Ports(*(probe.getsockname()[1] for probe in probes))
    for probe in probes:
        probe.close()
    return ports


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
