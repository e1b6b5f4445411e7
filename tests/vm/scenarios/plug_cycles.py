"""Plug cycles with random descriptors and timing: nothing is let in wrongly.

`tests/vm/plug_cycles --cycles 10000` is the campaign; here it is 200. Not part
of --all: beside other load a device that was there for 0.1 to 0.3 s was once
gone before the agent looked, and no event.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from pathlib import Path
from typing import Any

import plug_cycler
import story
from checks import check, equal, eventually, step
from guest import Guest
from sticks import make_stick

NEEDS = "agent"
IN_ALL = False
POLICY = """policy: 1
name: plug-cycles
mode: %s
devices:
  - id: good
    match: { vendor_id: "1209" }
    access: full
device_default: block
content_default: allow
"""
CYCLER = "/usr/local/libexec/plug_cycler.py"
BATCH = 100
UNITS = ("sekishod", "sekisho-devices")
# A device that the kernel had for less may be gone before anybody looked.
SEEN_AFTER_S = 0.3
GROWTH_KIB_PER_CYCLE = 4
GROWTH_KIB = 4096


def run(vm: Guest) -> None:
    cycles = int(os.environ.get("SEKISHO_PLUG_CYCLES", "200"))
    seed = int(os.environ.get("SEKISHO_PLUG_SEED", "1"))
    limit_s = float(os.environ.get("SEKISHO_PLUG_SECONDS", "1e9"))
    step(f"{cycles} cycles of seed {seed}")
    vm.put(Path(plug_cycler.__file__), CYCLER, 0o755)
    # In observe the tables of descriptors can be counted.
    before = descriptors(vm)
    push(vm, "enforce")
    first = sample(vm)
    campaign = Campaign(vm, seed)
    began = time.monotonic()
    samples = [first]
    while campaign.next < cycles and time.monotonic() - began < limit_s:
        campaign.batch(min(BATCH, cycles - campaign.next))
        samples.append(sample(vm))
    campaign.report(time.monotonic() - began)
    for unit in UNITS:
        equal(samples[-1][unit][0], first[unit][0],
              f"{unit} is the process it was")
        check(*grown(unit, samples, campaign.next))
    push(vm, "observe")
    eventually("no descriptor is left of them", lambda: all(
        now <= before[unit] + 2 for unit, now in descriptors(vm).items()), 60)
    print(f"    descriptors before {before}, after {descriptors(vm)}",
          flush=True)
    answer = json.loads(vm.server.cli("event", "verify", "--json"))
    check(answer["ok"] and not answer["problems"], "the chain verifies")


def push(vm: Guest, mode: str) -> None:
    policy = vm.scratch / f"{mode}.yaml"
    policy.write_text(POLICY % mode)
    vm.server.cli("policy", "push", str(policy))
    story.wait_for_policy(vm, mode, 60)


def pid_of(vm: Guest, unit: str) -> int:
    return int(vm.ssh(f"systemctl show -P MainPID {unit}").stdout)


def descriptors(vm: Guest) -> dict[str, int]:
    return {unit: int(vm.ssh(f"ls /proc/{pid_of(vm, unit)}/fd | wc -l").stdout)
            for unit in UNITS}


def sample(vm: Guest) -> dict[str, tuple[int, int, int]]:
    """Process, KiB of memory and room for descriptors of each unit."""
    rows = {}
    for unit in UNITS:
        pid = pid_of(vm, unit)
        status = dict(line.split(":", 1) for line in vm.ssh(
            f"cat /proc/{pid}/status").stdout.splitlines() if ":" in line)
        rows[unit] = (pid, int(status["VmRSS"].split()[0]),
                      int(status["FDSize"]))
    return rows


def grown(unit: str, samples: list, cycles: int) -> tuple[bool, str]:
    start, end = samples[0][unit], samples[-1][unit]
    more = end[1] - start[1]
    return (more <= GROWTH_KIB + GROWTH_KIB_PER_CYCLE * cycles
            and end[2] <= max(256, start[2]),
            f"{unit} grew by {more} KiB (from {start[1]}) in {cycles} cycles, "
            f"its room for descriptors from {start[2]} to {end[2]}")


class Campaign:
    """Batches of cycles, each checked before the next begins."""

    def __init__(self, vm: Guest, seed: int) -> None:
        self.vm = vm
        self.seed = seed
        self.next = 0
        self.plugged = self.held = self.unseen = self.refused = self.from_outside = 0
        self.looks = self.good_open = 0
        self.guest_seconds = 0.0
        self._plugged: set[str] = set()
        self._stick = make_stick(vm.scratch / "cycles.img", "vfat", 8)

    def batch(self, count: int) -> None:
        ends = threading.Event()
        hand = threading.Thread(target=self._plug_from_outside, args=(ends,))
        hand.start()
        try:
            done = self.vm.ssh(f"python3 {CYCLER} {count} {self.seed} "
                               f"{self.next}", timeout_s=300)
        finally:
            ends.set()
            hand.join()
        told = json.loads(done.stdout.splitlines()[-1])
        self.next += count
        self.refused += told["refused"]
        self.looks += told["looks"]
        self.good_open += told["good_open"]
        self.guest_seconds += told["seconds"]
        if told["wrong_count"]:
            check(False, "nothing is let in that may not be: "
                  f"{told['wrong_count']} times, {told['wrong']}")
        equal(told["left"], [], "everything is gone again")
        self._events(told["seen"], count)
        print(f"    {self.next} cycles, {count / told['seconds']:.1f} a second, "
              f"{told['looks']} looks at {told['sightings']} devices",
              flush=True)

    def report(self, seconds: float) -> None:
        print(f"    {self.next} cycles in {seconds:.0f} s "
              f"({self.next / max(self.guest_seconds, 1):.2f} a second while "
              f"plugging), {self.from_outside} of QEMU's beside them; "
              f"{self.refused} configurations were refused by GadgetFS, "
              f"{self.unseen} of the {self.plugged} devices that the kernel "
              f"made were gone before anybody looked; {self.looks} looks, {self.good_open} of them "
              "saw a good device working", flush=True)
        check(self.good_open > 0 or self.next < BATCH,
              "what may be let in was let in")
        check(self.held * 20 > self.next,
              f"{self.held} of them were there for {SEEN_AFTER_S} s and more, "
              "each with its events")

    def _plug_from_outside(self, ends: threading.Event) -> None:
        dice = random.Random(f"{self.seed}/{self.next}/outside")
        while not ends.is_set():
            device = self.vm.usb.plug_storage(
                self._stick.path, serial=f"BADQ{dice.randrange(10**6)}",
                port="3")
            ends.wait(dice.choice([0.0, 0.02, 0.1, 0.5, 1.0]))
            self.vm.usb.unplug(device)
            self.from_outside += 1
            ends.wait(dice.uniform(0, 1))

    def _events(self, seen: dict[str, float], cycles: int) -> None:
        """Whoever was seen there for long enough is an event, and its end."""
        held = {product for product, seconds in seen.items()
                if seconds >= SEEN_AFTER_S}

        def told(kind: str) -> set[str]:
            return {row["device"].get("product_id")
                    for row in self._rows(cycles) if row["kind"] == kind}

        def missing() -> dict[str, list[str]]:
            plugged, removed = told("device_plugged"), told("device_removed")
            self._plugged = plugged & set(seen)
            return {"plugged": sorted(held - plugged),
                    "removed": sorted(self._plugged - removed)}

        try:
            eventually("each is an event, and its end",
                       lambda: not any(missing().values()), 120, 2)
        except AssertionError as error:
            raise AssertionError(f"{error}; missing: {missing()}")
        self.held += len(held)
        self.plugged += len(seen)
        self.unseen += len(set(seen) - self._plugged)

    def _rows(self, cycles: int) -> list[dict[str, Any]]:
        limit = str(cycles * 8 + 200)
        rows = json.loads(self.vm.server.cli(
            "event", "list", "--agent", story.TERMINAL, "--limit", limit,
            "--json"))
        return [row["public_part"] for row in rows
                if "device" in row["public_part"]]
