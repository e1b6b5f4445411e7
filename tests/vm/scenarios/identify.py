"""Two people at one account: each says who he is, and counts for himself."""

from __future__ import annotations

import itertools
import shlex
import subprocess
import threading
import time
from queue import Empty, Queue
from typing import Any

import story
from checks import check, equal, eventually, step
from guest import Guest, GuestError
from sticks import make_stick

NEEDS = "agent"
STICK = "46f4:0001:IDENT1"
POLICY = """policy: 2
name: shared-accounts
include: pack:appi
content:
  - id: twenty-a-day
    when:
      persons: { at_least: 1 }
      totals: [{ of: persons, by: person, over: 24h, at_least: 21 }]
    verdict: block
identify: { accounts: [operator, maint], proof: [pin], lasts: 2h }
jobs: [{ unit: nightly-export.service, owner: tanaka }]
"""
PEOPLE = """id,name,employer,contract_end,accounts
yamada,Yamada Taro,X Works,{yamada},operator
sato,Sato Ken,X Works,,operator;maint
kato,Kato Jun,Y Works,2020-03-31,*
"""
JOB = """[Service]
Type=oneshot
User=operator
ExecStart=/bin/cp /home/operator/few.csv {folder}/job.csv
"""


class Login:
    """A login over ssh that stays, as somebody at a terminal has it."""

    def __init__(self, vm: Guest) -> None:
        self._number = itertools.count()
        argv = shlex.split(vm.ssh_command("operator"))
        self._process = subprocess.Popen(
            [*argv, "-tt", "--", "bash --norc --noprofile"], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self._lines: Queue[str] = Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.types("stty -echo; PS1=")

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)

    def types(self, command: str, timeout_s: float = 60) -> str:
        """What stood on his screen until it was done; ends with exit=N."""
        mark = f"done-{next(self._number)}"
        assert self._process.stdin is not None
        # A message to his terminal comes a moment after the refusal.
        self._process.stdin.write(
            f"{command}; echo exit=$?; sleep 0.3; echo {mark[:4]}''{mark[4:]}\n")
        self._process.stdin.flush()
        text, end = "", time.monotonic() + timeout_s
        while mark not in text:
            try:
                text += self._lines.get(timeout=max(0, end - time.monotonic()))
            except Empty as error:
                raise GuestError(f"{command}: not done: {text}") from error
        return text

    def says(self, person: str, pin: str) -> str:
        return self.types(f"echo {pin} | sekisho iam {person} --stdin")

    def logs_out(self) -> None:
        assert self._process.stdin is not None
        # The end of our side is none of the terminal's.
        self._process.stdin.write("exit\n")
        self._process.stdin.close()
        self._process.wait(30)


def run(vm: Guest) -> None:
    story.sit_down(vm)
    pins = register(vm, "")
    folder = mounted(vm)
    first, second = Login(vm), Login(vm)
    refused_before(vm, first, folder)
    each_for_himself(vm, first, second, pins, folder)
    wrong_pins(vm, second, pins)
    contracts(vm, first, pins, folder)
    job(vm, folder)
    for login in (first, second):
        login.logs_out()


def register(vm: Guest, yamada: str) -> dict[str, str]:
    step("three people are registered, each with a PIN")
    path = vm.scratch / "people.csv"
    path.write_text(PEOPLE.format(yamada=yamada), "utf-8")
    out = vm.server.cli("people", "import", str(path), "--dry-run")
    check("3 added" in out and "nothing was changed" in out,
          f"a preview says what would change: {out.strip()}")
    vm.server.cli("people", "import", str(path))
    return {person: vm.server.cli("people", "pin", person).split()[0]
            for person in ("yamada", "sato", "kato")}


def mounted(vm: Guest) -> str:
    policy = vm.scratch / "shared.yaml"
    policy.write_text(POLICY, "utf-8")
    vm.server.cli("policy", "push", str(policy))
    story.wait_for_policy(vm, "enforce", 60)
    vm.server.cli("device", "approve", STICK, "--access", "inspect",
                  "--purpose", "logs", "--owner", "tanaka")
    stick = make_stick(vm.scratch / "identify.img", "vfat", size_mib=64)
    vm.usb.plug_storage(stick.path, serial="IDENT1", port="2")
    for name, count, seed in (("list", 15, 41), ("other", 15, 42),
                              ("few", 3, 43)):
        people = story.make_people(vm.scratch, count, "utf-8", seed=seed)
        vm.write_file(f"/home/operator/{name}.csv", people.csv,
                      owner="operator")
    vm.write_file("/home/operator/plain.txt", b"link up\n" * 100,
                  owner="operator")
    return eventually("the stick is mounted",
                      lambda: story.medium_at(vm, "IDENT1"), 120)


def copy(login: Login, source: str, folder: str, target: str) -> str:
    return login.types(f"cp {source} {folder}/{target}")


def transfer(vm: Guest, name: str) -> dict[str, Any]:
    return eventually(f"{name} is an event at the server", lambda: next(
        iter(story.transfers(vm, name)), None), 30)


def refused_before(vm: Guest, login: Login, folder: str) -> None:
    step("before he says who he is")
    text = copy(login, "list.csv", folder, "before.csv")
    check("exit=1" in text, "the list is refused")
    check("sekisho iam" in text and "複数の人が使用" in text,
          "he reads the command, in both languages:\n" + text[-700:])
    check("exit=0" in copy(login, "plain.txt", folder, "plain.txt"),
          "a file without people is not")
    row = transfer(vm, "before.csv")
    equal((row["public_part"]["rule"], row["personal_part"]["person"]),
          ("identify", "operator"), "the event says why")
    check("several people use" in login.types("LANG=C sekisho status"),
          "sekisho status asks him")


def each_for_himself(vm: Guest, first: Login, second: Login,
                     pins: dict[str, str], folder: str) -> None:
    step("each says who he is, and counts for himself")
    text = first.says("yamada", pins["yamada"])
    check("exit=0" in text, f"yamada is known: {text.strip()}")
    check("yamada" in first.types("sekisho status"), "sekisho status says so")
    check("exit=0" in copy(first, "list.csv", folder, "yamada.csv"),
          "his list goes")
    check("exit=1" in copy(second, "list.csv", folder, "nobody.csv"),
          "the other login is nobody yet")
    check("exit=0" in second.says("sato", pins["sato"]), "and then sato")
    check("exit=0" in copy(second, "other.csv", folder, "sato.csv"),
          "whose list goes too, on his own account")
    check("exit=1" in copy(first, "other.csv", folder, "more.csv"),
          "yamada's next is over his own limit")
    for name, person in (("yamada.csv", "yamada"), ("sato.csv", "sato")):
        personal = transfer(vm, name)["personal_part"]
        equal((personal["person"], personal["stated_person"],
               personal["proven_by"], personal["origin"]),
              ("operator", person, "pin", "ssh"), f"{name} is {person}'s")
    alert = eventually("the alert is about him, at that account", lambda: next(
        (a for a in story.alerts(vm) if a["person"] == "yamada"), None), 30)
    check(alert["kind"].startswith("transfer"), f"({alert['kind']})")


def wrong_pins(vm: Guest, login: Login, pins: dict[str, str]) -> None:
    step("he tries to be his colleague")
    wrong = "00000000" if pins["yamada"] != "00000000" else "11111111"
    for _ in range(5):
        check("exit=1" in login.says("yamada", wrong), "a wrong PIN")
    text = login.says("yamada", pins["yamada"])
    check("exit=1" in text and "wait" in text, "then he waits: " +
          text.strip()[-120:])
    check("sato" in login.types("sekisho status"), "and is still sato")
    eventually("the SOC is told", lambda: next(
        (a for a in story.alerts(vm) if a["kind"] == "identify_refused"),
        None), 30)


def contracts(vm: Guest, first: Login, pins: dict[str, str],
              folder: str) -> None:
    step("a contract that is over, and one that ends now")
    third = Login(vm)
    text = third.says("kato", pins["kato"])
    check("exit=1" in text and "contract is over" in text,
          "kato's PIN is right and helps nothing")
    third.logs_out()
    register_again(vm)
    eventually("yamada is nobody any more", lambda: "exit=1" in copy(
        first, "few.csv", folder, "late.csv"), 30)
    equal(transfer(vm, "late.csv")["public_part"]["rule"], "identify",
          "he is asked again")


def register_again(vm: Guest) -> None:
    path = vm.scratch / "people.csv"
    path.write_text(PEOPLE.format(yamada="2020-03-31"), "utf-8")
    out = vm.server.cli("people", "import", str(path))
    check("~ yamada: contract_end" in out, f"an earlier end: {out.strip()}")


def job(vm: Guest, folder: str) -> None:
    step("a job without a login has its owner")
    vm.write_file("/etc/systemd/system/nightly-export.service",
                  JOB.format(folder=folder).encode())
    vm.write_file("/etc/systemd/system/other.service",
                  JOB.format(folder=folder).replace("job.csv", "none.csv")
                  .encode())
    vm.ssh("systemctl daemon-reload; systemctl start nightly-export.service; "
           "systemctl start other.service", check=False)
    for name, person in (("job.csv", "tanaka"), ("none.csv", "unknown")):
        personal = transfer(vm, name)["personal_part"]
        equal((personal["person"], personal["origin"]), (person, "service"),
              f"{name} is {person}'s")
