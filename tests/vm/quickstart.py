#!/usr/bin/env python3
"""What ./quickstart runs once everything is built: play, server or stop."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import server as servers  # noqa: E402
from fixtures import Fixtures  # noqa: E402

FOLDER = HERE.parents[1] / "build" / "quickstart"
RUNNING = FOLDER / "running.json"


def remember(pids: list[int]) -> None:
    RUNNING.write_text(json.dumps({"pids": pids}))


def stop() -> None:
    """Ends what an earlier quickstart left running."""
    if not RUNNING.exists():
        print("nothing is running")
        return
    for pid in json.loads(RUNNING.read_text())["pids"]:
        # A pid that was reused since belongs to somebody else.
        if not _is_ours(pid):
            continue
        os.kill(pid, signal.SIGTERM)
        for _ in range(100):
            if not _is_ours(pid):
                break
            time.sleep(0.1)
        else:
            os.kill(pid, signal.SIGKILL)
    RUNNING.unlink()
    print("server and terminal are stopped")


def _is_ours(pid: int) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
    except OSError:
        return False
    return any(name in command for name in (b"qemu-system", b"sekisho"))


def play(debs: Path) -> int:
    """Plays the story and leaves its server and terminal running."""
    directory = FOLDER / "run"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    fixtures = Fixtures(directory, debs)
    vm = None
    try:
        vm = fixtures.take("agent")
        _story().run(vm)
    except Exception as error:  # the story may fail in any way
        print(f"\nthe story does not hold: {error}", file=sys.stderr)
        if vm is not None:
            (directory / "report.txt").write_text(vm.diagnosis())
            print(f"logs are in {directory}", file=sys.stderr)
        fixtures.close()
        return 1
    remember([*vm.server.pids(), vm.pid])
    print("\nEvery step held. Server and terminal are left running.\n")
    _say_login(vm.server)
    print(f"  the terminal      {vm.ssh_command('operator')}\n"
          f"  end it all        ./quickstart --stop")
    return 0


def serve(debs: Path) -> int:
    """Starts a server that keeps its state, reachable from other machines."""
    packages = FOLDER / "packages"
    shutil.rmtree(packages, ignore_errors=True)
    servers.unpack(sorted(debs.glob("*.deb")), packages)
    server = servers.Server(packages, FOLDER / "server-state", servers.Ports(),
                            FOLDER / "server.log", public=True)
    server.start()
    remember(server.pids())
    print("\nThe server runs.\n")
    _say_login(server)
    print("  enrol a terminal  install sekisho-cli and sekisho-agent there, "
          "then as root:\n"
          f"                    sekisho enroll --server {servers.own_name()}:"
          f"{server.ports.enrolment} --token {server.cli('agent', 'token')}\n"
          f"  packages          {debs.resolve()}\n"
          f"  end it            ./quickstart --stop")
    return 0


def _say_login(server: servers.Server) -> None:
    print(f"  the console       https://localhost:{server.ports.console}/\n"
          f"  one-time login    {server.cli('login', 'admin')}")


def _story():
    spec = importlib.util.spec_from_file_location(
        "story_scenario", HERE / "scenarios" / "story.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("play", "server", "stop"))
    parser.add_argument("--deb-dir", type=Path)
    args = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    if args.what == "stop":
        stop()
        return 0
    if RUNNING.exists():
        stop()
    return (play if args.what == "play" else serve)(args.deb_dir)


if __name__ == "__main__":
    sys.exit(main())
