"""One refused copy is asked for, granted, goes once, and nothing else does."""

import json
import threading
import time
from typing import Any

import story
from checks import check, equal, eventually, step
from guest import Guest
from sticks import Stick, make_stick

NEEDS = "agent"
STICK = "46f4:0001:GRANT1"
ASK = 'sekisho request --copy --purpose "monthly handover" --for 2h'


def run(vm: Guest) -> None:
    story.sit_down(vm)
    vm.server.cli("policy", "push", str(story.POLICY))
    story.wait_for_policy(vm, "enforce", 60)
    vm.server.cli("device", "approve", STICK, "--access", "inspect",
                  "--purpose", "logs", "--owner", "tanaka")
    stick = make_stick(vm.scratch / "grant.img", "vfat", size_mib=64)
    vm.usb.plug_storage(stick.path, serial="GRANT1", port="2")
    folder = eventually("the stick is mounted",
                        lambda: story.medium_at(vm, "GRANT1"), 120)
    people = story.make_people(vm.scratch, 60, "cp932", seed=21)
    vm.write_file("/home/operator/handover.csv", people.csv, owner="operator")
    denied(vm, folder)
    request = asked(vm, folder)
    granted(vm, stick, folder, people, request)
    only_once(vm, folder)
    out_of_reach(vm, folder)


def copy(vm: Guest, name: str, folder: str) -> str:
    done = story.as_operator(vm, f"cp {name} {folder}/; echo exit=$?; sync; "
                             "sleep 1")
    return done.stdout + done.stderr


def open_request(vm: Guest) -> dict[str, Any]:
    return eventually("the request is at the server", lambda: next(
        iter(json.loads(vm.server.cli("request", "list", "--json"))), None), 30)


def grants(vm: Guest) -> list[dict[str, Any]]:
    return json.loads(vm.server.cli("grant", "list", "--state", "all",
                                    "--json"))


def denied(vm: Guest, folder: str) -> None:
    step("a refused copy, asked for and denied")
    text = copy(vm, "handover.csv", folder)
    check("exit=1" in text, "60 people are refused")
    check("sekisho request --copy" in text,
          "the operator reads how to ask for this copy:\n" + text[-700:])
    # He waits at his terminal for the answer.
    said: list[str] = []
    waiting = threading.Thread(target=lambda: said.append(
        story.as_operator(vm, f"{ASK}; sleep 25").stdout))
    waiting.start()
    request = open_request(vm)
    public = request["event"]["public_part"]
    equal(int(public["person_count"]), 60, "it says how many people")
    equal(request["event"]["personal_part"]["purpose"], "monthly handover",
          "and what for")
    vm.server.cli("request", "deny", str(request["alert_id"]), "--reason",
                  "the handover goes over the share")
    waiting.join(120)
    text = "".join(said)
    check("was denied" in text and "承認されませんでした" in text,
          "he is told at his terminal, in both languages:\n" + text[-500:])
    check("exit=1" in copy(vm, "handover.csv", folder), "and it stays refused")
    equal(grants(vm), [], "nothing is granted")


def asked(vm: Guest, folder: str) -> dict[str, Any]:
    step("asked for again")
    done = story.as_operator(vm, ASK)
    check(done.ok, f"the request is sent: {done.stdout}{done.stderr}")
    return open_request(vm)


def granted(vm: Guest, stick: Stick, folder: str, people: story.People,
            request: dict[str, Any]) -> None:
    step("granted: this content goes, a changed one does not")
    vm.server.cli("request", "approve", str(request["alert_id"]))
    grant = grants(vm)[0]
    equal((grant["state"], grant["person"], grant["device_id"]),
          ("running", "operator", STICK), "a grant for him and this stick")
    eventually("the terminal has it", lambda: any(
        "grants version" in row["public_part"].get("reason", "")
        and ": 1 of one transfer" in row["public_part"]["reason"]
        for row in story.events(vm, kind="policy_changed")), 30)
    vm.ssh("cd /home/operator && (cat handover.csv; echo) > changed.csv && "
           "chown operator: changed.csv")
    text = copy(vm, "changed.csv", folder)
    check("exit=1" in text, "a changed file is refused")
    check("another content" in text and "別の内容" in text,
          "and he reads why:\n" + text[-700:])
    equal(story.no_needles(stick.find_text, people), "",
          "nobody of the list is in the stick's raw bytes")
    text = copy(vm, "handover.csv", folder)
    check("exit=0" in text, f"the granted one goes: {text}")
    equal(stick.read("handover.csv"), people.csv, "and is whole on the stick")
    row = eventually("it is an event at the server", lambda: next(
        (r for r in story.transfers(vm, "handover.csv")
         if r["public_part"]["outcome"] == "alerted"), None), 30)
    equal(row["public_part"].get("grant_id"), grant["grant_id"],
          "which names the grant")
    eventually("the grant is used up", lambda: next(
        (g for g in grants(vm) if g["grant_id"] == grant["grant_id"]
         and g["state"] == "used"
         and g["used_event_row_id"] == row["row_id"]), None), 30)


def only_once(vm: Guest, folder: str) -> None:
    step("only once, also after a restart of the agent")
    check("exit=1" in copy(vm, "handover.csv", folder),
          "the second copy is refused")
    vm.ssh("systemctl restart sekishod", timeout_s=120)
    again = eventually("the stick is mounted again",
                       lambda: story.medium_at(vm, "GRANT1"), 120)
    time.sleep(1)
    check("exit=1" in copy(vm, "handover.csv", again), "and so is the third")


def out_of_reach(vm: Guest, folder: str) -> None:
    step("what a rule gives to no grant cannot be asked for")
    people = story.make_people(vm.scratch, 1200, "utf-8", seed=22)
    vm.write_file("/home/operator/all.csv", people.csv, owner="operator")
    text = copy(vm, "all.csv", folder)
    check("exit=1" in text, "1,200 people are refused")
    check("--copy" not in text, "and he is not told to ask")
    done = story.as_operator(vm, ASK.replace("--copy", "--copy all.csv"))
    check("cannot be granted" in done.stdout + done.stderr,
          f"asking says so: {done.stdout}{done.stderr}")
