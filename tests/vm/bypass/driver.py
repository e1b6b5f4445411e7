#!/usr/bin/python3
"""Runs attacks in the guest: driver.py FACTS.json SLUG...

Each attack runs in a process of its own, so that whatever it breaks of itself
ends with it. One line of JSON for each says how it went, and whether the gate
was closed afterwards. As whom it attacks is whoever runs this.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bypass.rows import Place, Refused, Row, ROWS  # noqa: E402

for _name in ("content", "paths", "devices", "hands", "agent_attacks"):
    importlib.import_module("bypass." + _name)

ATTACK_S = 90
REFUSALS = (OSError, Refused, subprocess.CalledProcessError, EOFError)


def attack(row: Row, place: Place) -> dict[str, object]:
    """The child's word: "done", "refused" or "broken", and why."""
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(source)
        os.setsid()
        # By its name the events of one attack are told from another's.
        Path("/proc/self/comm").write_text(f"b-{row.slug}"[:15])
        signal.alarm(ATTACK_S)
        try:
            row.attack(place)
            said = {"result": "done", "why": ""}
        except REFUSALS as error:
            said = {"result": "refused", "why": f"{error}"[-300:]}
        except BaseException:  # noqa: BLE001 - a broken attack shows nothing
            said = {"result": "broken", "why": traceback.format_exc()[-1500:]}
        os.write(sink, json.dumps(said).encode())
        os._exit(0)
    os.close(sink)
    with os.fdopen(source, "rb") as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        pass
    return json.loads(text) if text else {
        "result": "broken", "why": f"no answer within {ATTACK_S} s"}


def still_closed(place: Place, copies: bool) -> str:
    """What was open after the attack; "" if nothing was."""
    for node, flags in ((place.node, os.O_WRONLY), (place.node, os.O_RDONLY),
                        (f"{place.unapproved}/authorized", os.O_WRONLY)):
        try:
            os.close(os.open(node, flags))
        except OSError:
            continue
        return f"{node} could be opened"
    host = f"{place.unapproved}:1.0/driver"
    if os.path.exists(host):
        return "the unapproved stick has a driver"
    if not copies:
        return ""
    # In a child, because a frozen agent may answer never.
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            with open(place.file("afterwards.csv"), "wb", 0) as file:
                file.write(place.people)
                os.fsync(file.fileno())
        except OSError:
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return "a copy went through afterwards" if code == 0 else ""


def pid_now() -> int:
    """The number of a process made now: those before are older."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return child


def main() -> int:
    facts = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    rows = {row.slug: row for row in ROWS}
    # Programs of administrators are anybody's to try.
    os.environ["PATH"] = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    folder = Path(facts["lists"])
    os.makedirs(facts["work"], exist_ok=True)
    for slug in sys.argv[2:]:
        place = Place(slug, facts["folder"],
                      (folder / f"{slug}.csv").read_bytes(),
                      str(folder / f"{slug}.bin"), facts["disk"], facts["usb"],
                      facts["unapproved"], facts["work"], facts["server"])
        start, first = time.time(), pid_now()
        said = attack(rows[slug], place)
        attacked = time.time()
        # An ordinary user who was refused has changed nothing: no copy then.
        copies = rows[slug].group == "agent" and (
            os.geteuid() == 0 or said["result"] != "refused")
        open_ = still_closed(place, copies)
        said |= {"slug": slug, "start": start, "pids": [first, pid_now()],
                 "open": open_, "seconds": round(attacked - start, 2),
                 "probe_seconds": round(time.time() - attacked, 2)}
        print(json.dumps(said), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
