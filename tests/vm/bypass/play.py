"""Plays rows in a guest and judges them, for the scenarios bypass and
bypass_full."""

from __future__ import annotations

import io
import json
import os
import shlex
import tarfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import story
from devices import Device
from checks import CheckError, check, eventually, step
from guest import Guest
from sticks import Stick, make_stick

from . import (agent_attacks, content, devices, hands, judge,  # noqa: F401
               paths)
from .judge import Secret, Verdict
from .rows import Outcome, Row, ROWS

HERE = Path(__file__).resolve().parent
IN_GUEST = "/usr/local/lib/bypass"
ACTORS = ("operator", "root")
# One line a row and actor, the newest last. The table is made of these, so that
# the matrix may be played in parts.
RESULTS = HERE.parents[2] / "build" / "bypass-results.jsonl"
APPROVED, UNAPPROVED = "BYPASS1", "BYPASS2"
USB_OF = "dirname $(grep -lsx {} /sys/bus/usb/devices/*/serial)"


class Play:
    """One guest with an approved and an unapproved stick, and its rows."""

    def __init__(self, vm: Guest, rows: list[Row]) -> None:
        self.vm = vm
        self.rows = rows
        self.secrets = judge.make_secrets(rows)
        self.verdicts: list[Verdict] = []
        self.extras: list[Stick] = []
        self.plugged: Device
        self.stick: Stick
        self.spare: Stick

    def prepare(self) -> None:
        vm = self.vm
        step("an approved stick, and one that nobody approved")
        story.sit_down(vm)
        vm.server.cli("policy", "push", str(story.POLICY))
        story.wait_for_policy(vm, "enforce", 60)
        self.stick = make_stick(vm.scratch / "approved.img", "vfat", 64)
        self.spare = make_stick(vm.scratch / "unapproved.img", "vfat", 64)
        vm.server.cli("device", "approve", f"46f4:0001:{APPROVED}",
                      "--access", "inspect")
        self.plugged = vm.usb.plug_storage(self.stick.path, serial=APPROVED,
                                           port="1")
        vm.usb.plug_storage(self.spare.path, serial=UNAPPROVED, port="2")
        self._wait_for_medium()
        # Where nothing goes at all everything is blocked.
        honest = f"{story.medium_at(vm, APPROVED)}/honest.txt"
        story.as_operator(vm, f"echo plain words > {honest}")
        check(vm.ssh(f"cat {honest}").stdout == "plain words\n",
              "an honest copy goes")
        self._put_everything()

    def play(self) -> list[Verdict]:
        for actor in reversed(ACTORS):
            for group in ("agent", "hands", "devices", "content", "paths"):
                rows = [r for r in self.rows
                        if r.group == group and actor in r.actors]
                step(f"{group}, as {actor}: {len(rows)} rows")
                if rows:
                    self._play_group(rows, actor)
        return self.verdicts

    # -- for hands.py --------------------------------------------------------

    def extra(self, name: str) -> Stick:
        """One more stick, which is searched like the others."""
        self.extras.append(make_stick(
            self.vm.scratch / f"extra-{name}.img", "vfat", 16))
        return self.extras[-1]

    def plug_extra(self, serial: str, port: str) -> None:
        self.vm.usb.plug_storage(self.extra(serial).path, serial=serial,
                                 port=port)
        end = time.time() + 20
        # Whether it is mounted as well is the row's to say.
        while (time.time() < end and
               len(story.status(self.vm)["media"]) < 2):
            time.sleep(1)

    def unplug_approved(self) -> None:
        self.vm.usb.unplug(self.plugged)

    # -- inside --------------------------------------------------------------

    def _wait_for_medium(self) -> None:
        eventually("the approved stick is mounted",
                   lambda: story.medium_at(self.vm, APPROVED), 60)

    def _put_everything(self) -> None:
        """Programs and lists, in one archive."""
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz") as archive:
            def add(name: str, data: bytes, mode: int = 0o755) -> None:
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(data), mode
                archive.addfile(entry, io.BytesIO(data))

            for source in HERE.glob("*.py"):
                add(f"{IN_GUEST}/{source.name}", source.read_bytes())
            add(f"{IN_GUEST}/io_uring_write", judge.compile_program(
                HERE / "io_uring_write.c", "-static"))
            add(f"{IN_GUEST}/hostile.so", judge.compile_program(
                HERE / "hostile.c", "-shared", "-fPIC"))
            add(f"{IN_GUEST}/stranger.pem", judge.make_certificate("terminal-2"),
                0o644)
            for secret in self.secrets:
                start = f"{IN_GUEST}/lists-{secret.actor}/{secret.row.slug}"
                add(start + ".csv", secret.csv, 0o644)
                add(start + ".bin", secret.payload, 0o644)
            for actor in ACTORS:
                add(f"{IN_GUEST}/facts-{actor}.json",
                    json.dumps(self._facts(actor)).encode(), 0o644)
        self.vm.ssh("tar -xz -C / && chmod 755 " + IN_GUEST,
                    stdin=out.getvalue())

    def _facts(self, actor: str) -> dict[str, str]:
        def usb(serial: str) -> str:
            return self.vm.ssh(USB_OF.format(serial)).stdout.strip()

        home = "/root" if actor == "root" else f"/home/{actor}"
        return {"folder": story.medium_at(self.vm, APPROVED),
                "lists": f"{IN_GUEST}/lists-{actor}", "work": f"{home}/bypass",
                "disk": self.vm.block_device(APPROVED),
                "usb": usb(APPROVED), "unapproved": usb(UNAPPROVED),
                "server": f"10.0.2.2:{self.vm.server.ports.agents}"}

    def _play_group(self, rows: list[Row], actor: str) -> None:
        # What changes nothing for others goes in one run.
        def alone(row: Row) -> bool:
            # What an ordinary user is refused has changed nothing to mend.
            return row.group == "hands" or bool(row.after and actor == "root")

        runs = [[r for r in rows if not alone(r)]]
        runs += [[r] for r in rows if alone(r)]
        said: dict[str, dict[str, Any]] = {}
        for batch in filter(None, runs):
            before = self.vm.usb.plugged
            plugged = time.time()
            if batch[0].group == "hands":
                hands.PLUGS[batch[0].slug](self)
            said |= self._drive(batch, actor)
            if alone(batch[0]):
                if batch[0].group == "hands":
                    said[batch[0].slug]["start"] = plugged
                self._wait_until_told(batch[0], actor, said)
                self._mend(batch[0], before)
        for row in rows:
            if not alone(row) and row.after and (
                    said[row.slug]["result"] != "refused"):
                self._mend(row, self.vm.usb.plugged)
        self.vm.ssh("sync")
        secrets = [s for s in self.secrets
                   if s.actor == actor and s.row in rows]
        self._judge(secrets, said, actor)

    def _drive(self, rows: list[Row], actor: str) -> dict[str, dict[str, Any]]:
        command = shlex.join([
            "python3", "-B", f"{IN_GUEST}/driver.py",
            f"{IN_GUEST}/facts-{actor}.json", *(r.slug for r in rows)])
        root = actor == "root"
        done = self.vm.ssh(("sudo -n " if root else "") + command,
                           user="admin2" if root else "operator", fresh=True,
                           timeout_s=60 + 120 * len(rows), check=False)
        lines = [json.loads(line) for line in done.stdout.splitlines()
                 if line.startswith("{")]
        if len(lines) != len(rows):
            raise CheckError(f"{len(lines)} of {len(rows)} rows answered: "
                             f"{done.stderr[-2000:]}")
        return {line["slug"]: line for line in lines}

    def _mend(self, row: Row, before: list[Device]) -> None:
        for device in reversed(self.vm.usb.plugged):
            if device not in before:
                self.vm.usb.unplug(device)
        if self.plugged not in self.vm.usb.plugged:
            self.plugged = self.vm.usb.plug_storage(
                self.stick.path, serial=APPROVED, port="1")
        self.vm.ssh(row.after or "true", check=False, timeout_s=300)
        eventually(f"{row.slug}: the terminal is as before", self._is_well,
                   90, 0.5)

    def _is_well(self) -> bool:
        done = self.vm.ssh("sekisho status --json", check=False)
        if not done.ok:
            return False
        status = json.loads(done.stdout)
        return (status.get("connected") and status["gate_state"] == "full" and
                any(m["device"].endswith(APPROVED) for m in status["media"]))

    def _server(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        events = story.events(self.vm)
        for event in events:
            event["receive_seconds"] = _seconds(event["receive_time"])
        alerts = story.alerts(self.vm)
        for alert in alerts:
            alert["create_seconds"] = _seconds(alert["create_time"])
        return events, alerts

    def _wait_until_told(self, row: Row, actor: str,
                         said: dict[str, dict[str, Any]]) -> None:
        """Before it is mended: afterwards is no proof."""
        if not row.expected_word(actor):
            return
        end = time.time() + judge.WITHIN_S + judge.row_patience(row)
        while time.time() < end and judge.told(
                row, actor, said[row.slug], *self._server()) is None:
            time.sleep(1)

    def _judge(self, secrets: list[Secret], said: dict[str, dict[str, Any]],
               actor: str) -> None:
        end = time.time() + judge.WITHIN_S
        while True:
            events, alerts = self._server()
            heard = {s.row.slug: judge.told(s.row, actor, said[s.row.slug],
                                            events, alerts)
                     for s in secrets if s.row.expected_word(actor)}
            if None not in heard.values() or time.time() > end:
                break
            time.sleep(1)
        persons = judge.arrived(self.stick, secrets)
        for stick in (self.spare, *self.extras):
            for key, count in judge.arrived(stick, secrets).items():
                persons[key] += count
        for secret in secrets:
            row = secret.row
            verdict = judge.judge(row, actor, said[row.slug],
                                  persons[row.slug, actor],
                                  heard.get(row.slug))
            self.verdicts.append(verdict)
            with open(RESULTS, "a", encoding="utf-8") as file:
                file.write(json.dumps([row.slug, actor, verdict.outcome,
                                       verdict.detail, verdict.wrong]) + "\n")
            mark = "NOT SO" if verdict.wrong else "ok"
            print(f"    {mark}: {row.name}, {actor}: {verdict.outcome} "
                  f"[{said[row.slug]['seconds']} s] {verdict.detail}"
                  .replace("\n", " / "), flush=True)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def chosen(short: bool) -> list[Row]:
    """In the order they are played. $SEKISHO_BYPASS_ROWS names some alone."""
    only = os.environ.get("SEKISHO_BYPASS_ROWS", "").split()
    if only:
        return [row for row in ROWS if row.slug in only]
    return [row for row in ROWS if row.short or not short]


def known() -> list[Verdict]:
    """The newest outcome of every row, in the rows' order."""
    newest = {}
    for line in RESULTS.read_text("utf-8").splitlines():
        slug, actor, outcome, detail, wrong = json.loads(line)
        newest[slug, actor] = (Outcome(outcome), detail, wrong)
    return [Verdict(row, actor, *newest[row.slug, actor])
            for row in ROWS for actor in row.actors
            if (row.slug, actor) in newest]


def finish(verdicts: list[Verdict]) -> None:
    print(f"    {judge.counts(verdicts)}", flush=True)
    wrong = [v for v in verdicts if v.wrong]
    check(not wrong, f"no row of {len(verdicts)} ended worse than stated" +
          "".join(f"\n      {v.row.slug} ({v.actor}): {v.detail}"
                  for v in wrong))
