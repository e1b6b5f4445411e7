"""A list that arrives on the terminal is told, and its copies name it."""

import random
import time
from typing import Any

import story
from checks import check, equal, eventually, step
from guest import Guest
from sticks import Stick, make_stick

NEEDS = "agent"
# Where the host's ssh connections come from, as the guest sees them.
HOST = "10.0.3.2"
LIST = "/home/operator/customers.csv"
# As sftp-server does, it stays after the file is closed.
RECEIVE = ("import sys, time; file = open(sys.argv[1], 'wb'); "
           "file.write(sys.stdin.buffer.read()); file.close(); time.sleep(3)")


def run(vm: Guest) -> None:
    people = story.make_people(vm.scratch, 300, "cp932", seed=11)
    landed = arrives(vm, people)
    stick = make_stick(vm.scratch / "landing.img", "vfat", size_mib=64)
    observed(vm, stick, landed)
    heavy_writer(vm)
    enforced(vm, stick, landed)


def hosts(row: dict[str, Any]) -> list[str]:
    return row["personal_part"].get("source_hosts", [])


def arrives(vm: Guest, people: story.People) -> dict[str, Any]:
    step("(1) observe: a list comes over ssh")
    vm.write_file("/home/operator/.keep", b"home is there", owner="operator")
    vm.ssh(f'python3 -c "{RECEIVE}" {LIST}', user="operator",
           stdin=people.csv)
    row = eventually("its landing is an event at the server", lambda: next(
        iter(story.events(vm, kind="landing")), None), 60)
    public, personal = row["public_part"], row["personal_part"]
    equal(personal["file_path"], LIST, "it says where")
    check(abs(int(public["person_count"]) - 300) <= 6,
          f"how many people ({public['person_count']})")
    equal(personal["person"], "operator", "who")
    check(any(host.startswith(HOST) for host in hosts(row)),
          f"and from which host ({', '.join(hosts(row))})")
    check(not public.get("outcome"),
          "nothing was decided")
    alert = eventually("an alert stands on the server", lambda: next(
        (a for a in story.alerts(vm) if a["kind"] == "data_landed"), None), 30)
    equal(alert["severity"], "medium", "a medium one")
    return row


def names(row: dict[str, Any], landed: dict[str, Any], by: str) -> None:
    public, personal = row["public_part"], row["personal_part"]
    equal(public.get("landing_event_id"), landed["public_part"]["event_id"],
          "the copy names the landing")
    equal(public.get("landing_match"), by, f"known by its {by}")
    equal(personal.get("landing_path"), LIST, "where the data landed")
    equal(hosts(row), hosts(landed), "and where it came from")


def observed(vm: Guest, stick: Stick, landed: dict[str, Any]) -> None:
    step("(2) observe: it is copied to a stick that nobody approved")
    plugged = vm.usb.plug_storage(stick.path, serial="LAND01", port="1")
    disk = eventually("the stick is a disk", lambda: vm.block_device("LAND01"),
                      60)
    vm.ssh(f"mkdir -p /mnt/land && mount -o uid=1000 /dev/{disk}1 /mnt/land")
    # A watcher sees the mount from mountinfo a moment later.
    time.sleep(2)
    check(story.as_operator(vm, "cp customers.csv /mnt/land/seen.csv").ok,
          "the copy works")
    row = eventually("it is an event at the server", lambda: next(
        iter(story.transfers(vm, "seen.csv")), None), 60)
    names(row, landed, "content")
    vm.ssh("umount /mnt/land")
    vm.usb.unplug(plugged)


def cpu_seconds(vm: Guest) -> float:
    text = vm.ssh("systemctl show -P CPUUsageNSec sekishod.service").stdout
    return int(text) / 1e9


def heavy_writer(vm: Guest) -> None:
    step("(3) somebody writes many files into a watched folder")
    # About as many and as large as in /usr/share/doc.
    make = random.Random(1)
    vm.ssh("mkdir -p /tmp/doc && cd /tmp/doc && for i in $(seq 1 400); do "
           f"head -c {make.randrange(3000, 9000)} /usr/bin/perl > $i; done && "
           "cp -r /usr/share/doc/. . && tar cf /var/tmp/doc.tar -C /tmp doc")

    def unpack(folder: str) -> float:
        out = vm.ssh(f"mkdir -p {folder} && cd {folder} && date +%s%N && "
                     "tar xf /var/tmp/doc.tar && date +%s%N").stdout.split()
        return (int(out[1]) - int(out[0])) / 1e9

    elsewhere = min(unpack(f"/opt/plain{i}") for i in range(3))
    before = cpu_seconds(vm)
    start = time.monotonic()
    watched = min(unpack(f"/tmp/plain{i}") for i in range(3))
    time.sleep(10)
    used = cpu_seconds(vm) - before
    took = time.monotonic() - start
    print(f"    tar x: {elsewhere:.2f} s elsewhere, {watched:.2f} s watched; "
          f"sekishod used {used:.2f} s of processor in {took:.1f} s",
          flush=True)
    check(watched <= elsewhere * 1.5 + 0.5, "the writer is not slowed")
    check(used <= took * 0.25, "sekishod stays within its bound")


def enforced(vm: Guest, stick: Stick, landed: dict[str, Any]) -> None:
    step("(4) enforce: split off and renamed, it is refused at an approved "
         "stick, and its landing is named")
    vm.server.cli("policy", "push", str(story.POLICY))
    story.wait_for_policy(vm, "enforce", 60)
    vm.server.cli("device", "approve", "46f4:0001:LAND01", "--access",
                  "inspect", "--purpose", "logs", "--owner", "tanaka")
    vm.usb.plug_storage(stick.path, serial="LAND01", port="1")
    folder = eventually("the stick is usable",
                        lambda: story.medium_at(vm, "LAND01"), 120)
    done = story.as_operator(
        vm, f"head -n 120 customers.csv > /var/tmp/part.txt; "
        f"cp /var/tmp/part.txt {folder}/notes.txt; echo exit=$?")
    check("exit=1" in done.stdout + done.stderr, "the copy is refused")
    row = eventually("it is an event at the server", lambda: next(
        iter(story.transfers(vm, "notes.txt")), None), 60)
    equal(row["public_part"]["outcome"], "blocked", "blocked")
    names(row, landed, "people")
