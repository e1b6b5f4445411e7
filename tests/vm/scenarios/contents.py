"""What is on a stick now is what its image holds, whoever changed it."""

import json
import subprocess
from typing import Any

import story
from checks import check, equal, eventually, step
from guest import Guest
from sticks import Stick, add_file, make_stick

NEEDS = "agent"
STICK = "46f4:0001:CONT01"


def run(vm: Guest) -> None:
    story.sit_down(vm)
    vm.server.cli("policy", "push", str(story.POLICY))
    story.wait_for_policy(vm, "enforce", 60)
    vm.server.cli("device", "approve", STICK, "--access", "inspect",
                  "--purpose", "logs", "--owner", "tanaka")
    stick = make_stick(vm.scratch / "contents.img", "vfat", size_mib=64)
    add_file(stick, "foreign.txt", b"brought from elsewhere\n")
    plugged = vm.usb.plug_storage(stick.path, serial="CONT01", port="2")
    folder = eventually("the stick is mounted",
                        lambda: story.medium_at(vm, "CONT01"), 120)
    changed_here(vm, stick, folder)
    vm.usb.unplug(plugged)
    eventually("it is gone", lambda: not story.medium_at(vm, "CONT01"), 60)
    changed_elsewhere(vm, stick)
    lost(vm)


def medium(vm: Guest) -> dict[str, Any]:
    """Of the stick; empty as long as nothing is known."""
    told = json.loads(vm.server.cli("device", "contents", STICK, "--json"))
    media = told.get("media", [])
    return media[0] if media else {}


def names(vm: Guest, which: str = "files") -> list[str]:
    return sorted(row["path"] for row in medium(vm).get(which, []))


def file_at(vm: Guest, path: str) -> dict[str, Any]:
    return next(row for row in medium(vm)["files"] if row["path"] == path)


def in_image(stick: Stick) -> list[str]:
    """Every file of the image, as mtools lists it on the host."""
    listed = subprocess.run(
        ["mdir", "-/", "-b", "-i", f"{stick.path}@@{stick.offset}", "::"],
        capture_output=True, text=True, check=True).stdout
    return sorted(line.removeprefix("::/") for line in listed.splitlines()
                  if line and not line.endswith("/"))


def changed_here(vm: Guest, stick: Stick, folder: str) -> None:
    step("copied, renamed and removed through the gate")
    eventually("the listing says what came from elsewhere",
               lambda: names(vm) == ["foreign.txt"], 60)
    people = story.make_people(vm.scratch, 12, "utf-8", seed=5)
    vm.write_file("/home/operator/list.csv", people.csv, owner="operator")
    done = story.as_operator(
        vm, f"cd {folder} && cp ~/list.csv a.csv && mkdir d && "
        "cp ~/list.csv d/b.csv && cp ~/list.csv gone.csv && mv d e && "
        "mv a.csv Renamed.csv && rm gone.csv && sync")
    check(done.ok, f"the operator works: {done.stdout}{done.stderr}")
    expected = ["Renamed.csv", "e/b.csv", "foreign.txt"]
    eventually("the server knows what is on it",
               lambda: names(vm) == expected, 60)
    equal(in_image(stick), expected, "and the image holds just that")
    equal(names(vm, "gone"), ["gone.csv"], "what was removed is known as such")
    row = file_at(vm, "Renamed.csv")
    check(abs(int(row["person_count"]) - 12) <= 1, "with 12 people in it")
    equal((row["person"], row["terminal"]), ("operator", story.TERMINAL),
          "by whom and where")
    check(medium(vm).get("list_complete"), "the listing named everything")


def changed_elsewhere(vm: Guest, stick: Stick) -> None:
    step("changed outside, and plugged in again")
    image = f"{stick.path}@@{stick.offset}"
    subprocess.run(["mdel", "-i", image, "::e/b.csv"], check=True)
    add_file(stick, "Renamed.csv", b"something else\n")
    add_file(stick, "new.txt", b"new\n")
    vm.usb.plug_storage(stick.path, serial="CONT01", port="2")
    expected = ["Renamed.csv", "foreign.txt", "new.txt"]
    eventually("the listing finds what was changed",
               lambda: names(vm) == expected, 180)
    equal(in_image(stick), expected, "as the image has it")
    gone = {row["path"]: row["gone"] for row in medium(vm)["gone"]}
    equal(gone, {"gone.csv": "removed", "e/b.csv": "elsewhere"},
          "and what is missing went elsewhere")
    check(file_at(vm, "Renamed.csv").get("other_size"),
          "what was copied has another size")
    check(file_at(vm, "new.txt").get("from_elsewhere"),
          "what is new came from elsewhere")


def lost(vm: Guest) -> None:
    step("reported stolen")
    text = vm.server.cli("device", "lost", STICK, "--how", "stolen")
    check("Renamed.csv" in text and "new.txt" in text,
          "the list is printed:\n" + text)
    alert = next(a for a in story.alerts(vm) if a["kind"] == "device_lost")
    check("3 files" in alert["title"] and "people" in alert["title"],
          f"an alert sums it up: {alert['title']}")
    eventually("the stick is closed", lambda: not story.medium_at(vm, "CONT01"),
               60)
