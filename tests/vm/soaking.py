"""The soak: an operator who copies without pause while the world breaks.

What must hold is read from the raw images, the server and /proc at the end; the
operator's own journal only says what he was told.
"""

from __future__ import annotations

import json
import random
import subprocess
import tempfile
import threading
import time
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Callable

import story
from checks import CheckError, check, equal, eventually, step
from devices import Device
from guest import Guest, GuestError, Result
from sticks import Stick, make_stick

HERE = Path(__file__).resolve().parent
OPERATOR = "/usr/local/libexec/soak_operator.py"
MATERIAL = "/home/operator/material"
JOURNAL = "/home/operator/soak.jsonl"
# Of one thing the operator does, in an emulated guest whose server is killed
# under it; the product's own limit is 10 s for an open.
HANG_S = 90.0
# A process may grow by this while nothing is killed: caches fill at first, and
# nothing is known of one that was there for less.
GROWTH_KIB, GROWTH_KIB_PER_MINUTE = 2048, 64
GROWTH_FROM_S = 180
MAX_DESCRIPTORS = 256
MOST_GATE_LOSSES = 3  # for one plug, each within ten minutes of the last
UNITS = ("sekishod", "sekisho-uplink", "sekisho-devices")
KILLED = ("sekishod", "sekisho-uplink", "sekisho-devices", "sekisho-gate@*",
          "sekisho-scan@*", "sekisho-probe@*")
# What is refused so close to a kill of sekishod may be nobody's event: the one
# who writes events was not there.
AROUND_KILL_S = 10.0


@dataclass
class Medium:
    """One approved stick, plugged or not."""

    serial: str
    port: str
    stick: Stick
    device: Device | None = None


@dataclass
class Sample:
    """One process of the agent at one moment."""

    at: float
    unit: str
    pid: int
    rss_kib: int
    descriptors: int


@dataclass
class Lists:
    """What must never reach a medium, as raw bytes to look for."""

    needles: set[bytes] = field(default_factory=set)
    packed: list[bytes] = field(default_factory=list)


class Soak:
    def __init__(self, vm: Guest, seed: int) -> None:
        self.vm = vm
        self.seed = seed
        self.random = random.Random(seed)
        self.media = [
            Medium("SOAK1", "1", make_stick(vm.scratch / "s1.img", "vfat", 64)),
            Medium("SOAK2", "2", make_stick(vm.scratch / "s2.img", "exfat",
                                            64))]
        self.stranger = make_stick(vm.scratch / "s3.img", "vfat", 16)
        self.lists = Lists()
        self.samples: list[Sample] = []
        self.kills: list[tuple[float, str]] = []
        self.done: Counter[str] = Counter()
        self.operator: Result | None = None
        self.failure: Exception | None = None
        self.wrong: list[str] = []
        self.pulled = self.media

    def run(self, seconds: float) -> None:
        self._prepare()
        step(f"{seconds / 60:.0f} minutes of copies, plugs, kills and cuts "
             f"(seed {self.seed})")
        worker = threading.Thread(target=self._operate, args=(seconds,))
        worker.start()
        try:
            self._break_things(seconds * 2 / 3, kills=True)
            self._settle()
            quiet_from = time.monotonic()
            self._break_things(seconds / 3, kills=False)
        finally:
            worker.join(seconds + 600)
        print("    " + ", ".join(f"{what} {count}" for what, count in
                                 sorted(self.done.items())), flush=True)
        self._settle()
        self._judge(quiet_from)

    # -- before --------------------------------------------------------------

    def _prepare(self) -> None:
        vm = self.vm
        story.sit_down(vm)
        vm.put(HERE / "soak_operator.py", OPERATOR, 0o755)
        with tempfile.TemporaryDirectory() as folder:
            self._make_material(Path(folder))
            for path in sorted(Path(folder).iterdir()):
                vm.write_file(f"{MATERIAL}/{path.name}", path.read_bytes(),
                              owner="operator")
        vm.server.cli("policy", "push", str(story.POLICY))
        story.wait_for_policy(vm, "enforce", 60)
        for medium in self.media:
            vm.server.cli("device", "approve", f"46f4:0001:{medium.serial}",
                          "--access", "inspect")
            self._plug(medium)
            eventually(f"{medium.serial} is mounted", lambda medium=medium:
                       story.medium_at(vm, medium.serial), 60)

    def _make_material(self, folder: Path) -> None:
        with tempfile.TemporaryDirectory() as work:
            for number, encoding in enumerate(("utf-8", "cp932", "euc-jp",
                                               "utf-16-le", "utf-8")):
                people = story.make_people(Path(work), 300, encoding,
                                           1000 * self.seed + number)
                name = f"list-{number}"
                (folder / f"{name}.csv").write_bytes(people.csv)
                self._never(people, encoding)
                if number < 2:
                    packed = folder / f"{name}.zip"
                    with zipfile.ZipFile(packed, "w",
                                         zipfile.ZIP_DEFLATED) as archive:
                        archive.writestr("customers.csv", people.csv)
                    data = packed.read_bytes()
                    self.lists.packed.append(data[len(data) // 2:][:48])
            behind = story.make_people(Path(work), 300, "utf-8",
                                       1000 * self.seed + 50)
            (folder / "list-behind.log").write_bytes(
                story.make_document(3) + behind.csv)
            # The first people of a large file may be there until the verdict.
            self._never(behind, "utf-8", first=40)
            few = story.make_people(Path(work), 5, "utf-8", 1000 * self.seed +
                                    60)
            (folder / "few.csv").write_bytes(few.csv)
            self.lists.needles -= {n.encode() for n in few.needles}
        for number, size in enumerate((1, 4)):
            (folder / f"text-{number}.log").write_bytes(
                story.make_document(size))
        (folder / "text-short.txt").write_bytes(b"link up, queue empty\n" * 40)

    def _never(self, people: story.People, encoding: str,
               first: int = 0) -> None:
        """Kanji names are too few to tell lists apart: addresses and phones."""
        text = people.csv.decode(encoding, errors="ignore")
        rows = text.splitlines()[1 + first:]
        for needle in people.needles:
            if len(needle) >= 10 and any(needle in row for row in rows):
                self.lists.needles.add(needle.encode(encoding))

    # -- the world -----------------------------------------------------------

    def _operate(self, seconds: float) -> None:
        try:
            self.operator = self.vm.ssh(
                f"{OPERATOR} {seconds:.0f} {self.seed} {MATERIAL} {JOURNAL}",
                user="operator", fresh=True, tty=True, check=False,
                timeout_s=seconds + HANG_S + 60)
        except GuestError as error:
            self.failure = error

    def _break_things(self, seconds: float, kills: bool) -> None:
        acts = [self._pull, self._pull, self._plug_stranger, self._cut_network,
                self._restart_server]
        # Without kills one medium stays: its gate must not grow either.
        self.pulled = self.media if kills else self.media[1:]
        if kills:
            acts += [self._kill] * 4
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(self.random.uniform(0.5, 5))
            self.random.choice(acts)()
            self._sample()
        for medium in self.media:
            if medium.device is None:
                self._plug(medium)

    def _pull(self) -> None:
        medium = self.random.choice(self.pulled)
        if medium.device is None:
            self._plug(medium)
            return
        self.done["pulls"] += 1
        self.vm.usb.unplug(medium.device)
        medium.device = None
        if self.random.random() < 0.7:
            time.sleep(self.random.uniform(0, 2))
            self._plug(medium)

    def _plug(self, medium: Medium) -> None:
        self.done["plugs"] += 1
        medium.device = self.vm.usb.plug_storage(
            medium.stick.path, serial=medium.serial, port=medium.port)

    def _plug_stranger(self) -> None:
        self.done["strangers"] += 1
        device = self.vm.usb.plug_storage(self.stranger.path, serial="STRANGE",
                                          port="3")
        time.sleep(self.random.uniform(0.1, 2))
        if self.vm.block_device("STRANGE"):
            raise GuestError("a stick that nobody approved is a disk")
        self.vm.usb.unplug(device)

    def _kill(self) -> None:
        unit = self.random.choice(KILLED)
        self.done["kills of " + unit.removesuffix("@*")] += 1
        self.kills.append((time.time(), unit))
        self.vm.ssh(f"systemctl kill -s KILL '{unit}'", check=False)

    def _cut_network(self) -> None:
        self.done["cuts"] += 1
        self.vm.cut_network()
        time.sleep(self.random.uniform(0.2, 8))
        self.vm.restore_network()

    def _restart_server(self) -> None:
        self.done["server restarts"] += 1
        self.vm.server.stop()
        time.sleep(self.random.uniform(0, 3))
        self.vm.server.start()

    def _sample(self) -> None:
        """/proc/PID/fd is closed to everybody while a policy enforces; FDSize,
        what the kernel keeps room for, is open and never shrinks."""
        pids = ("for u in " + " ".join(UNITS) + " $(systemctl list-units "
                "--plain --no-legend 'sekisho-gate@*' | cut -d' ' -f1); do "
                "p=$(systemctl show -P MainPID $u); [ $p != 0 ] && "
                "awk -v u=$u -v p=$p '/^(VmRSS|FDSize):/{v[$1]=$2} END "
                "{print u, p, v[\"VmRSS:\"], v[\"FDSize:\"]}' /proc/$p/status; "
                "done")
        for line in self.vm.ssh(pids, check=False).stdout.splitlines():
            fields = line.split()
            if len(fields) == 4:
                unit, pid, rss, descriptors = fields
                self.samples.append(Sample(time.monotonic(), unit, int(pid),
                                           int(rss), int(descriptors)))

    def _settle(self) -> None:
        """The cable is in, the server there, both sticks can be used."""
        # The last kill may have been sekishod's.
        eventually("sekishod answers", lambda: self.vm.ssh(
            "sekisho status --json", check=False).ok, 60)
        for medium in self.media:
            if self._given_up(medium):
                self.done["plugged again after three lost gates"] += 1
                self.vm.usb.unplug(medium.device)
                self._plug(medium)
            eventually(f"{medium.serial} is mounted again",
                       lambda medium=medium: story.medium_at(
                           self.vm, medium.serial), 90)

    def _given_up(self, medium: Medium) -> bool:
        """Its gate was killed as often as the agent starts one for one plug."""
        if story.medium_at(self.vm, medium.serial):
            return False
        plug = max((int(row["row_id"]) for row in story.events(
            self.vm, kind="device_plugged")
            if row["public_part"]["device"].get("serial") == medium.serial),
            default=0)
        lost = [row for row in story.events(self.vm, kind="health")
                if int(row["row_id"]) > plug
                and row["public_part"].get("device", {}).get("serial")
                == medium.serial
                and "did not come back" in row["public_part"].get("reason", "")]
        return len(lost) >= MOST_GATE_LOSSES

    # -- what must hold ------------------------------------------------------

    def _judge(self, quiet_from: float) -> None:
        step("what the operator was told")
        journal = [json.loads(line) for line in
                   self.vm.read_file(JOURNAL).decode().splitlines()]
        # What is wrong is told at the end, so that one run shows all of it.
        self._look(lambda: check(
            self.failure is None and self.operator is not None
            and self.operator.ok,
            "he came to his end: " + self._last_thing()))
        self._look(lambda: self._judge_journal(journal))
        step("what the server knows")
        events = self._judge_server()
        self._look(lambda: self._judge_refusals(journal, events))
        self._look(lambda: self._judge_files(events))
        step("what is on the sticks, byte by byte")
        self.vm.ssh("sync")
        for medium in self.media:
            assert medium.device is not None
            self.vm.usb.unplug(medium.device)
            self._look(lambda medium=medium: self._judge_image(medium.stick))
        step("what the terminal looks like")
        self._look(lambda: self._judge_terminal(quiet_from))
        equal(self.wrong, [], "nothing was wrong")

    def _look(self, judge: Callable[[], None]) -> None:
        try:
            judge()
        except CheckError as error:
            print(f"    WRONG: {error}", flush=True)
            self.wrong.append(str(error)[:200])

    def _last_thing(self) -> str:
        if self.failure is None and self.operator is not None:
            said = self.operator.stdout + self.operator.stderr
            own = said[said.rfind("Traceback"):] if "Traceback" in said else ""
            return f"exit {self.operator.code}; {own[-1500:]}{said[-100:]}"
        now = self.vm.ssh(f"cat {JOURNAL}.now", check=False).stdout
        return f"{self.failure}; he was at {now}"

    def _judge_journal(self, journal: list[dict]) -> None:
        copies = [entry for entry in journal if entry["name"]]
        answers = Counter(entry["error"] or "done" for entry in copies)
        print("    " + ", ".join(f"{answer} {count}" for answer, count in
                                 answers.most_common()), flush=True)
        check(answers["done"] > 5, f"{answers['done']} copies were done")
        check(answers["EACCES"] > 5, f"{answers['EACCES']} were refused")
        equal([e["name"] for e in copies
               if e["ok"] and e["name"].startswith("list-")], [],
              "no list was let through")
        slowest = max(journal, key=lambda entry: entry["seconds"])
        check(slowest["seconds"] < HANG_S, "nothing hung: the slowest took "
              f"{slowest['seconds']} s ({slowest['do']} {slowest['name']})")
        equal([e["error"] for e in copies if "reads back" in e["error"]], [],
              "what was written reads back")

    def _judge_server(self) -> list[dict]:
        eventually("every event arrived", lambda: (
            lambda now: now["connected"] and now["spooled_count"] == 0)(
                story.status(self.vm)), 120)
        answer = json.loads(self.vm.server.cli("event", "verify", "--json"))
        check(answer["ok"] and not answer["problems"], "the chain verifies")
        rows = json.loads(self.vm.server.cli(
            "event", "list", "--agent", story.TERMINAL, "--limit", "1000000",
            "--json"))
        numbers = sorted(int(row["public_part"]["sequence"]) for row in rows)
        equal(numbers, list(range(1, len(numbers) + 1)),
              f"each of {len(numbers)} events is there once")
        gaps = [row["public_part"].get("reason", "") for row in rows
                if row["public_part"].get("kind") == "gap"]
        equal(gaps, [], "without a gap")
        return rows

    def _judge_refusals(self, journal: list[dict], events: list[dict]) -> None:
        refused = [entry for entry in journal
                   if entry["error"] == "EACCES"
                   and entry["name"].startswith("list-")
                   and not self._near_kill(entry)]
        told = _names(events, "blocked")
        untold = [entry for entry in refused
                  if not _told(entry["name"], told)]
        for entry in untold:
            self._tell_around(entry, journal, events)
        equal(untold, [],
              f"each of {len(refused)} refusals is an event (not counting "
              f"{AROUND_KILL_S:.0f} s around a kill of sekishod)")

    def _tell_around(self, entry: dict, journal: list[dict],
                     events: list[dict]) -> None:
        """What was done, killed and told about the time of one refusal."""
        def near(at: float) -> bool:
            return abs(at - entry["at"]) < 4 + entry["seconds"]
        for other in journal:
            if near(other["at"]):
                print(f"    did  {other}", flush=True)
        for at, unit in self.kills:
            if abs(at - entry["at"]) < 30:
                print(f"    kill {unit} at {at:.3f}", flush=True)
        for row in events:
            public = row["public_part"]
            at = datetime.fromisoformat(public["occur_time"]).timestamp()
            if near(at):
                print(f"    told {at:.3f} {public.get('kind')} "
                      f"{public.get('outcome')} {public.get('rule')} "
                      f"{row['personal_part'].get('file_path')} "
                      f"{public.get('reason')}", flush=True)

    def _near_kill(self, entry: dict) -> bool:
        # The guest's clock was set from the host's.
        begin = entry["at"] - entry["seconds"] - AROUND_KILL_S
        return any(begin <= at <= entry["at"] + AROUND_KILL_S
                   for at, unit in self.kills
                   if unit in ("sekishod", "sekisho-gate@*"))

    def _judge_files(self, events: list[dict]) -> None:
        told = _names(events, "allowed")
        there = self.vm.ssh("find /media/sekisho -type f -size +0").stdout
        names = [line.rsplit("/", 1)[1] for line in there.splitlines()]
        equal([name for name in names if not _told(name, told)], [],
              f"each of {len(names)} files on the sticks was told as allowed")

    def _judge_image(self, stick: Stick) -> None:
        with tempfile.NamedTemporaryFile() as patterns:
            patterns.write(b"\n".join(sorted(self.lists.needles)) + b"\n")
            patterns.flush()
            found = subprocess.run(
                ["grep", "-aoF", "-f", patterns.name, str(stick.path)],
                env={"LC_ALL": "C"}, capture_output=True, check=False)
        equal(found.stdout[:200], b"", f"none of {len(self.lists.needles)} "
              f"addresses and phones of the lists is in {stick.path.name}")
        data = stick.path.read_bytes()
        check(not any(part in data for part in self.lists.packed),
              "nor is a packed list")

    def _judge_terminal(self, quiet_from: float) -> None:
        failed = self.vm.ssh("systemctl list-units --failed --no-legend "
                             "'sekisho*'").stdout.strip()
        equal(failed, "", "no unit of ours has failed")
        stuck = self.vm.ssh("ps -eo stat,pid,wchan:30,args | grep '^D' | "
                            "grep -v '\\[.*\\]$'; dmesg | grep 'blocked for "
                            "more'", check=False).stdout.strip()
        equal(stuck, "", "no process waits in the kernel")
        most = max(self.samples, key=lambda sample: sample.descriptors)
        check(most.descriptors <= MAX_DESCRIPTORS, "no table of descriptors "
              f"grew: at most {most.descriptors} ({most.unit})")
        for line, good in growth(self.samples, quiet_from):
            check(good, line)


def growth(samples: list[Sample], since: float) -> list[tuple[str, bool]]:
    """A line for each process that was there all the time, and if it may be so."""
    lines = []
    for pid in sorted({sample.pid for sample in samples}):
        own = [s for s in samples if s.pid == pid and s.at >= since]
        if len(own) < 8 or own[-1].at - own[0].at < min(
                GROWTH_FROM_S, 0.8 * (samples[-1].at - since)):
            continue
        third = len(own) // 3
        first = min(s.rss_kib for s in own[:third])
        last = min(s.rss_kib for s in own[-third:])
        minutes = (own[-1].at - own[0].at) / 60
        limit = GROWTH_KIB + GROWTH_KIB_PER_MINUTE * minutes
        lines.append((f"{own[0].unit} grew by {last - first} KiB in "
                      f"{minutes:.1f} minutes (from {first})",
                      last - first <= limit))
    return lines


def _names(events: list[dict], outcome: str) -> set[str]:
    return {row["personal_part"].get("file_path", "").rsplit("/", 1)[-1]
            for row in events if row["public_part"].get("kind") == "transfer"
            and row["public_part"].get("outcome") == outcome}


def _told(name: str, told: set[str]) -> bool:
    """A copy that is renamed at its end is told by either name."""
    return name in told or name + ".part" in told
