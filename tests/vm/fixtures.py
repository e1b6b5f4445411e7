"""The kinds of guest a scenario may need, and how they are kept.

plain: booted, tools installed. Its disk and snapshot are in the image cache.
agent: plain with the packages installed and enrolled at a server on the host.
desktop: as agent, of an image that has a desktop.
luks:  not started yet; stops at a passphrase prompt when it is.
luks_agent: as luks; a server runs and the packages are at hand, not installed.

The first three are made once and gone back to by loadvm before each scenario.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path

import agent
import image
import server as servers
from guest import (PLAIN_CMDLINE, TOOLS, Guest, GuestError, luks_boot,
                   machine_arguments, make_overlay, plain_boot)

HERE = Path(__file__).resolve().parent
BOOTED = "booted"
ENROLLED = "enrolled"


class Fixtures:
    """Hands out one guest at a time; close() ends everything it started."""

    def __init__(self, run_directory: Path, deb_directory: Path | None) -> None:
        """`deb_directory` is needed for "agent" only."""
        self._directory = run_directory
        self._debs = deb_directory
        self._image = image.ensure()
        self._kind = ""
        self.guest: Guest | None = None
        self._server: servers.Server | None = None

    def take(self, kind: str) -> Guest:
        """A guest of that kind in its first state."""
        if kind == self._kind and kind in ("plain", "agent", "desktop"):
            return self._back_to_snapshot()
        self.close()
        self._image = image.ensure(
            more_packages=image.DESKTOP if kind == "desktop" else None)
        self.guest = {"plain": self._plain, "agent": self._agent,
                      "desktop": self._agent,
                      "luks": self._luks,
                      "luks_agent": self._luks_agent}[kind]()
        self._kind = kind
        return self.guest

    def close(self) -> None:
        if self.guest is not None:
            self.guest.stop()
        if self._server is not None:
            self._server.stop()
        self._kind, self.guest, self._server = "", None, None

    # -- plain ---------------------------------------------------------------

    def _plain(self) -> Guest:
        folder = self._image.directory / ("booted-" + _machine_key())
        if not (folder / "disk.qcow2").exists():
            with image.locked(folder.with_suffix(".lock")):
                if not folder.exists():
                    self._make_booted(folder)
        os.utime(folder)
        disk = self._directory / "disk.qcow2"
        shutil.copyfile(folder / "disk.qcow2", disk)
        guest = self._resume(disk, BOOTED)
        if self._debs is not None:
            guest.packages = self._packages()
        return guest

    def _make_booted(self, folder: Path) -> None:
        image.remove_unused(folder.parent.glob("booted-*/"))
        print("booting the guest once; later runs go on from there",
              flush=True)
        work = _fresh(folder.with_suffix(".new"))
        disk = make_overlay(self._image.disk(luks=False), "qcow2",
                            work / "disk.qcow2")
        with Guest(plain_boot(self._image, disk), work) as guest:
            guest.start()
            guest.wait_ready()
            guest.install_tools()
            guest.save(BOOTED)
        work.rename(folder)

    # -- agent ---------------------------------------------------------------

    def _agent(self) -> Guest:
        debs = self._packages()
        key = _machine_key(*debs, HERE / "server.py", HERE / "fixtures.py")
        kept = HERE.parents[1] / "build" / "vm-fixtures"
        kept.mkdir(parents=True, exist_ok=True)
        folder = kept / f"agent-{key}-{self._image.directory.name[:8]}"
        held = self._directory / "fixture"
        shutil.rmtree(held, ignore_errors=True)
        with image.locked(folder.with_suffix(".lock")):
            # The agent knows its server by the ports it enrolled at.
            if not folder.exists() or not _ports(folder).free():
                image.remove_unused(kept.glob("agent-*/"))
                self._make_enrolled(debs, folder)
            os.utime(folder)
            # All of it: another run may replace what is kept at any time.
            shutil.copytree(folder, held, symlinks=True)
        self._server = self._new_server(held / "packages", _ports(held))
        self._server.restore_state(held / "state")
        self._server.start()
        guest = self._resume(held / "disk.qcow2", ENROLLED)
        guest.server = self._server
        guest.packages = debs
        return guest

    def _make_enrolled(self, debs: list[Path], folder: Path) -> None:
        work = _fresh(folder.with_suffix(".new"))
        ports = servers.free_ports()
        (work / "ports").write_text(json.dumps(asdict(ports)))
        servers.unpack(debs, work / "packages")
        shutil.rmtree(self._state(), ignore_errors=True)
        # Members from here on, so that a failure can be told with their logs.
        self._server = self._new_server(work / "packages", ports)
        self._server.start()
        self.guest = self._plain()
        agent.install(self.guest, debs, make_initramfs=False)
        agent.enrol(self.guest, self._server)
        # Cut first: nothing may reach the server after its state is kept.
        self.guest.cut_network()
        self._server.stop()
        self._server.keep_state(work / "state")
        self.guest.save(ENROLLED)
        disk = self.guest.boot.disk
        self.close()
        shutil.copyfile(disk, work / "disk.qcow2")
        shutil.rmtree(folder, ignore_errors=True)
        work.rename(folder)

    def _new_server(self, binaries: Path, ports: servers.Ports,
                    ) -> servers.Server:
        return servers.Server(binaries, self._state(), ports,
                              self._directory / "server.log")

    def _packages(self) -> list[Path]:
        if self._debs is None:
            raise GuestError("this scenario needs --deb-dir")
        debs = sorted(self._debs.glob("*.deb"))
        if not debs:
            raise GuestError(f"no .deb in {self._debs}")
        return debs

    def _state(self) -> Path:
        return self._directory / "server-state"

    # -- luks ----------------------------------------------------------------

    def _luks(self) -> Guest:
        disk = self._directory / "luks.qcow2"
        disk.unlink(missing_ok=True)
        make_overlay(self._image.disk(luks=True), "raw", disk)
        return Guest(luks_boot(self._image, disk), self._directory)

    def _luks_agent(self) -> Guest:
        debs = self._packages()
        binaries = servers.unpack(debs, _fresh(self._directory / "packages"))
        shutil.rmtree(self._state(), ignore_errors=True)
        self._server = self._new_server(binaries, servers.free_ports())
        self._server.start()
        guest = self._luks()
        guest.server = self._server
        guest.packages = debs
        return guest

    # -- both ----------------------------------------------------------------

    def _resume(self, disk: Path, snapshot: str) -> Guest:
        """Goes on from a snapshot on `disk`, which is this run's own."""
        guest = Guest(plain_boot(self._image, disk), self._directory)
        guest.start(snapshot)
        return guest

    def _back_to_snapshot(self) -> Guest:
        assert self.guest is not None
        if self._server is None:
            self.guest.load(BOOTED)
            return self.guest
        self._server.stop()
        self._server.restore_state(
            self._server.binaries.parent / "state")
        self._server.start()
        self.guest.load(ENROLLED)
        return self.guest


def _ports(folder: Path) -> servers.Ports:
    return servers.Ports(**json.loads((folder / "ports").read_text()))


def _machine_key(*more: Path) -> str:
    """Names a kept snapshot by all it depends on besides the image."""
    version = subprocess.run(["qemu-system-x86_64", "--version"], check=True,
                             capture_output=True).stdout
    digest = hashlib.sha256(version)
    digest.update("\0".join([*machine_arguments(), PLAIN_CMDLINE]).encode())
    for path in (*sorted(TOOLS.iterdir()), *more):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
