"""A full disk stops no event, and a full spool no terminal, but its copies.

The spool is made small first: deleted segments are not made again while the
disk is full, as on a terminal that was full when the agent was installed.
"""

import json
import time

import story
from checks import check, equal, eventually, step
from guest import Guest
from sticks import Stick, make_stick

NEEDS = "agent"
SPOOL = "/var/lib/sekisho/spool"
MIB = 1 << 20
SPOOL_MIB = 12
# Copies harmless files until one is refused. A long path makes a large event;
# where that fits no more, one with a short path still may.
COPY_UNTIL_REFUSED = """
import os, sys

def copies():
    for count in range(6000):
        try:
            with open(f"{count}", "w") as file:
                file.write("link up\\n")
        except PermissionError:
            return count
        os.unlink(f"{count}")
    sys.exit("nothing was refused")

os.chdir(sys.argv[1])
for depth in range(15):
    name = f"{depth:02d}" + "x" * 238
    os.mkdir(name)
    os.chdir(name)
count = copies()
os.chdir(sys.argv[1])
print(count + copies())
"""


def run(vm: Guest) -> None:
    small_spool(vm)
    vm.server.cli("policy", "push", str(story.POLICY))
    story.wait_for_policy(vm, "enforce", 60)
    stick = make_stick(vm.scratch / "full.img", "vfat", size_mib=64)
    vm.server.cli("device", "approve", "46f4:0001:FULL1", "--access",
                  "inspect")
    vm.usb.plug_storage(stick.path, serial="FULL1", port="1")
    folder = eventually("an approved stick is mounted",
                        lambda: story.medium_at(vm, "FULL1"), 60)
    full_disk(vm, stick, folder)
    full_spool(vm, folder)
    answer = json.loads(vm.server.cli("event", "verify", "--json"))
    check(answer["ok"] and not answer["problems"], "the chain verifies")


def fill_disk(vm: Guest, leave_bytes: int = 0) -> None:
    if leave_bytes:
        vm.ssh(f"fallocate -l {leave_bytes} /var/fill.room")
    vm.ssh("i=0; while [ $i -lt 50 ]; do i=$((i+1)); "
           "left=$(df --output=avail -B1 /var/lib | tail -n1); "
           "[ $left -gt 0 ] || break; fallocate -l $left /var/fill.$i || "
           "fallocate -l $((left / 2)) /var/fill.$i || break; done; "
           "cat /dev/zero > /var/fill.last; sync", check=False,
           timeout_s=300)
    check(not vm.ssh("head -c 65536 /dev/zero > /var/lib/one-more",
                     check=False).ok, "nothing more can be written")
    vm.ssh("rm -f /var/fill.room")


def empty_disk(vm: Guest) -> None:
    vm.ssh("rm -f /var/fill.* /var/lib/one-more")


def small_spool(vm: Guest) -> None:
    step("(a) a terminal whose disk has room for a small spool only")
    vm.ssh(f"systemctl stop sekishod; cd {SPOOL}; for f in segment-*; do "
           "head -c 8 $f | grep -q SEKISEG1 || rm $f; done")
    # Room for two segments more, and for what is written beside them.
    fill_disk(vm, 9 * MIB)
    vm.ssh("systemctl start sekishod")
    empty_disk(vm)
    equal(story.status(vm)["spool_size_bytes"], SPOOL_MIB * MIB,
          f"the spool has {SPOOL_MIB} MiB")
    eventually("that is an event", lambda: [
        row for row in story.events(vm, kind="health")
        if "No space left" in row["public_part"].get("reason", "")], 60)


def full_disk(vm: Guest, stick: Stick, folder: str) -> None:
    step("(b) the disk is full")
    people = story.make_people(vm.scratch, 100, "utf-8", seed=11)
    # In memory: the disk will take nothing.
    vm.write_file("/run/people.csv", people.csv)
    fill_disk(vm)
    done = vm.ssh(f"cp /run/people.csv {folder}/", check=False)
    check(not done.ok, f"a list is refused: {done.stderr.strip()}")
    row = eventually("and the refusal is an event at the server",
                     lambda: story.transfers(vm, "people.csv"), 60)[0]
    equal(row["public_part"]["outcome"], "blocked", "which says blocked")
    check(row["public_part"]["reason"],
          f"and why: {row['public_part']['reason']}")
    answers(vm, "with the disk full")
    empty_disk(vm)
    check(vm.ssh(f"cp /etc/hosts {folder}/ && sync", check=False).ok,
          "with room again a harmless file goes through")
    check(stick.read("hosts").startswith(b"127.0.0.1"), "to the stick")


def full_spool(vm: Guest, folder: str) -> None:
    step("(c) the server is away until the spool is full, too")
    vm.cut_network()
    start = time.monotonic()
    count = int(vm.ssh(f"python3 - {folder}", timeout_s=900,
                       stdin=COPY_UNTIL_REFUSED.encode()).stdout)
    check(count > 100, f"after {count} copies one is refused "
          f"({time.monotonic() - start:.0f} s)")
    done = vm.ssh(f"cp /etc/hostname {folder}/", check=False)
    check(not done.ok, f"so is the next: {done.stderr.strip()}")
    answers(vm, "with the spool full")
    vm.restore_network()
    eventually("the server gets it all", lambda: story.status(vm)["connected"]
               and story.status(vm)["spooled_count"] == 0, 300)
    gaps = [row["public_part"] for row in story.events(vm, kind="gap")]
    check(gaps, "and is told of what could not be kept: "
          + "; ".join(gap.get("reason", "") for gap in gaps))
    check(sum(int(gap["lost_count"]) for gap in gaps) >= 2,
          "with how many there were")
    check(vm.ssh(f"cp /etc/hostname {folder}/", check=False).ok,
          "copies go through again")


def answers(vm: Guest, when: str) -> None:
    check(vm.ssh("timeout 10 sekisho status", check=False).ok,
          f"sekisho status answers {when}")
