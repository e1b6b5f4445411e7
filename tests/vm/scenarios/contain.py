"""Contain: a stick in the middle of a copy is closed within five seconds."""

import hashlib
import json
import shlex
import subprocess
import threading
import time

import story
from checks import check, equal, eventually, never, step
from guest import Guest
from server import ServerError
from sticks import Stick, make_stick

NEEDS = "agent"
STICK = "46f4:0001:ABC123"
CLOSED_S = 5.0

# Writes numbered lines in order, as a program that exports a log would.
WRITER = """
import sys, time
number = 0
with open(sys.argv[1], "wb", buffering=0) as out:
    while True:
        out.write(b"".join(b"%012d link up, queue depth 4, line card 2 ok\\n"
                           % (number + i) for i in range(2000)))
        number += 2000
        print(number, flush=True)
        time.sleep(0.1)
"""


def run(vm: Guest) -> None:
    story.sit_down(vm)
    vm.server.cli("policy", "push", str(story.POLICY))
    story.wait_for_policy(vm, "enforce", 60)
    vm.server.cli("device", "approve", STICK, "--access", "inspect",
                  "--purpose", "logs", "--owner", "tanaka")
    stick = make_stick(vm.scratch / "stick.img", "vfat", size_mib=256)
    plugged = vm.usb.plug_storage(stick.path, serial="ABC123", port="2")
    folder = eventually("the stick is mounted",
                        lambda: story.medium_at(vm, "ABC123"), 120)
    closed_in_the_middle(vm, stick, folder)
    again(vm, stick, plugged)
    ends_by_itself(vm)
    of_one_device(vm)
    written_down(vm)


def contain(vm: Guest, *words: str) -> dict:
    return json.loads(vm.server.cli("contain", *words, "--json"))


def digest(stick: Stick) -> str:
    return hashlib.sha256(stick.path.read_bytes()).hexdigest()


def closed_in_the_middle(vm: Guest, stick: Stick, folder: str) -> None:
    step("a terminal is contained while an operator copies")
    vm.write_file("/home/operator/writer.py", WRITER.encode(),
                  owner="operator")
    said: list[str] = []
    with subprocess.Popen(
            [*shlex.split(vm.ssh_command("operator")), "-tt", "--",
             f"LANG=C python3 writer.py {folder}/log.txt; echo ended=$?; "
             "sleep 3"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True) as writer:
        reader = threading.Thread(
            target=lambda: said.extend(writer.stdout), daemon=True)
        reader.start()
        eventually("rows of it are on the medium already",
                   lambda: stick.find([b"000000002000 link"]), 120)
        before = time.monotonic()
        answer = contain(vm, "terminal", story.TERMINAL, "--reason",
                         "copies at night", "--for", "2m")
        taken = time.monotonic() - before
        print(f"    answered after {taken:.1f} s", flush=True)
        equal([t["answer"] for t in answer["terminals"]], ["closed"],
              "the answer says: closed")
        check(taken <= CLOSED_S, f"within {CLOSED_S} s ({taken:.1f} s)")
        equal(story.medium_at(vm, "ABC123"), "", "nothing is mounted")
        check(not vm.block_device("ABC123"), "and the disk is gone")
        after = digest(stick)
        reader.join(60)
    text = "".join(said)
    check("ended=" in text and "ended=0" not in text,
          "the copy ended with an error:\n" + text[-600:])
    number = str(answer["containment_id"])
    if f"containment {number}" not in text:  # who was taken for the writer?
        print(vm.server.cli("event", "list", "--limit", "5", "--json"))
    check(f"containment {number}" in text and f"封じ込め {number}" in text,
          "and the operator read why, in both languages:\n" + text[-900:])
    never("not a byte of the image changes", lambda: digest(stick) != after,
          for_s=6, every_s=1)
    try:
        stick.read("log.txt")
        check(False, "the half-written file is gone")
    except FileNotFoundError:
        print("    ok: the half-written file is gone", flush=True)


def again(vm: Guest, stick: Stick, plugged) -> None:
    step("plugged again, and after a restart of the agent")
    vm.usb.unplug(plugged)
    vm.usb.plug_storage(stick.path, serial="ABC123", port="3")
    eventually("it is refused for the containment", lambda: any(
        row["public_part"].get("rule", "").startswith("contain:")
        for row in story.events(vm, kind="device_plugged")), 60)
    never("no block device appears", lambda: vm.block_device("ABC123"), 4)
    vm.ssh("systemctl restart sekishod", timeout_s=120)
    eventually("the agent is back", lambda: vm.ssh(
        "sekisho status --json", check=False).ok, 60)
    never("and keeps it closed", lambda: vm.block_device("ABC123"), 4)


def ends_by_itself(vm: Guest) -> None:
    step("it ends by itself")
    eventually("the stick can be used again, without replugging",
               lambda: story.medium_at(vm, "ABC123"), 240, every_s=1)
    rows = json.loads(vm.server.cli("contain", "list", "--state", "all",
                                    "--json"))
    eventually("the server says it is over", lambda: not json.loads(
        vm.server.cli("contain", "list", "--json")), 30)
    equal(len(rows), 1, "there was one")


def of_one_device(vm: Guest) -> None:
    step("a device is contained; who is not known cannot lift it")
    answer = contain(vm, "device", STICK, "--reason", "whose is it",
                     "--for", "1m")
    equal([t["answer"] for t in answer["terminals"]], ["closed"], "closed")
    equal(story.medium_at(vm, "ABC123"), "", "nothing is mounted")
    try:
        vm.server.cli("contain", "lift", str(answer["containment_id"]),
                      "--reason", "a mistake")
        check(False, "a root of whom nobody knows who he is lifts nothing")
    except ServerError:
        print("    ok: a root of whom nobody knows who he is lifts nothing",
              flush=True)
    eventually("the stick is back at its end",
               lambda: story.medium_at(vm, "ABC123"), 120)


def written_down(vm: Guest) -> None:
    step("each step is on record")
    alerts = [a for a in story.alerts(vm) if a["kind"] == "containment"]
    equal(len(alerts), 2, "two alerts")
    reasons = [row["public_part"].get("reason", "")
               for row in story.events(vm, kind="policy_changed")]
    # Its own clock, or the server's list without it, whichever is first.
    check(any("is over" in reason or ": 0 run" in reason
              for reason in reasons), "the terminal tells the end")
    gone = [row for row in story.events(vm, kind="medium_unmounted")
            if row["public_part"].get("rule", "").startswith("contain:")]
    equal(len(gone), 2, "and both closings")
