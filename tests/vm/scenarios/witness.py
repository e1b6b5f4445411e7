"""The kernel's counters tell a write past the gate, and no honest copy.

First what people do all day, on vfat and exfat, and what it costs in bytes
beyond the content: the figures behind docs/adr/0502. Then, with the kernel gate
gone, a raw write and SCSI commands to a medium that the gate serves.
"""

from __future__ import annotations

import dataclasses
import json
import time
from typing import Any

import story
from checks import check, equal, eventually, step
from guest import Guest
from sticks import make_stick

NEEDS = "agent"
# Longer than the witness takes between two looks.
TWO_LOOKS_S = 12
TOLD_WITHIN_S = 30
MIB = 1 << 20
# The LSM without bpf: what a kernel without this layer looks like.
WITHOUT_LSM = " lsm=lockdown,capability,landlock,yama,apparmor"

# One kind of work each: usage FOLDER KIND. Ends with everything on the medium.
WORK = """
import os, sys
folder, kind = sys.argv[1:]
os.chdir(folder)

def put(name, size, mode="wb"):
    block = (b"%08d link up\\n" % 0) * 4096
    with open(name, mode) as file:
        while size > 0:
            size -= file.write(block[:size])

if kind == "sizes":
    for size in (0, 1, 511, 512, 513, 4095, 4097, 65537, 1 << 20, (8 << 20) + 7,
                 40 << 20):
        put(f"size-{size}", size)
elif kind == "small":
    os.mkdir("small")
    for i in range(250):
        put(f"small/{i:05d}-" + "n" * (i % 60), i % 3000)
elif kind == "folders":
    for i in range(30):
        os.makedirs(f"tree/{i}/a/b")
        put(f"tree/{i}/a/b/file", 700)
elif kind == "rename":
    for i in range(0, 250, 3):
        name = [n for n in NAMES if n.startswith(f"{i:05d}-")][0]
        os.rename(f"small/{name}", f"small/renamed-{i}")
elif kind == "overwrite":
    for i in range(20):
        put("again", 300000 + i)
    for i in range(50):
        put("grows", 200, "ab")
elif kind == "sync":
    for i in range(50):
        with open(f"synced-{i}", "wb") as file:
            file.write(b"x" * 3000)
            os.fsync(file.fileno())
elif kind == "sparse":
    with open("sparse", "wb") as file:
        file.seek(6 << 20)
        file.write(b"end")
elif kind == "times":
    for i in range(0, 250, 3):
        os.utime(f"small/renamed-{i}", (1700000000, 1700000000 + i))
elif kind == "read":
    for root, _, files in os.walk("."):
        for name in files:
            with open(os.path.join(root, name), "rb") as file:
                while file.read(1 << 20):
                    pass
elif kind == "delete":
    import shutil
    shutil.rmtree("small")
    shutil.rmtree("tree")
    for name in os.listdir("."):
        os.unlink(name)
os.sync()
""".replace("for n in NAMES", "for n in os.listdir('small')")
KINDS = ("sizes", "small", "folders", "rename", "overwrite", "sync", "sparse",
         "times", "read", "delete")

# Takes the device programs off the root cgroup, as root can where no LSM
# program of ours stands in the way.
DETACH = """
import ctypes, os, struct
libc = ctypes.CDLL(None, use_errno=True)
def bpf(command, attr):
    buffer = ctypes.create_string_buffer(attr, 128)
    result = libc.syscall(321, command, buffer, 128)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result, buffer.raw
DEVICE = 6
cgroup = os.open("/sys/fs/cgroup", os.O_RDONLY)
ids = (ctypes.c_uint32 * 64)()
_, answer = bpf(16, struct.pack("<IIIIQI", cgroup, DEVICE, 0, 0,
                                ctypes.addressof(ids), 64))
count = struct.unpack_from("<I", answer, 24)[0]
for number in ids[:count]:
    program, _ = bpf(13, struct.pack("<III", number, 0, 0))
    bpf(9, struct.pack("<IIII", cgroup, program, DEVICE, 0))
print(count)
"""

# WRITE(10) of one sector to the last of the disk, again and again.
SG_WRITES = """
import ctypes, fcntl, os, struct, sys
node, last, times = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
fd = os.open(node, os.O_RDWR)
data = ctypes.create_string_buffer(b"past the gate" * 30, 512)
sense = ctypes.create_string_buffer(32)
command = ctypes.create_string_buffer(
    struct.pack(">BBIBHB", 0x2a, 0, last, 0, 1, 0), 10)
for i in range(times):
    header = bytearray(88)
    struct.pack_into("<iiBBHIQQQII", header, 0, ord("S"), -2, 10, 32, 0, 512,
                     ctypes.addressof(data), ctypes.addressof(command),
                     ctypes.addressof(sense), 20000, 0)
    fcntl.ioctl(fd, 0x2285, header)
"""


def run(vm: Guest) -> None:
    vm.server.cli("policy", "push", str(story.POLICY))
    story.wait_for_policy(vm, "enforce", 60)
    vm.write_file("/root/work.py", WORK.encode())
    try:
        for number, filesystem in enumerate(("vfat", "exfat"), 1):
            honest_work(vm, filesystem, f"WIT{number}")
        read_only_is_quiet(vm)
        equal(bypasses(vm), [], "nobody was accused")
        past_the_gate(vm)
    finally:
        vm.usb.unplug_all()


def bypasses(vm: Guest) -> list[dict[str, Any]]:
    return story.events(vm, kind="tamper", rule="witness")


def mounted(vm: Guest, serial: str, filesystem: str, access: str = "inspect",
            port: str = "1") -> str:
    stick = make_stick(vm.scratch / f"{serial}.img", filesystem, size_mib=256)
    vm.server.cli("device", "approve", f"46f4:0001:{serial}", "--access",
                  access)
    vm.usb.plug_storage(stick.path, serial=serial, port=port)
    return str(eventually(f"a {filesystem} stick is mounted",
                          lambda: story.medium_at(vm, serial), 120))


def counters(vm: Guest, disk: str) -> dict[str, int]:
    stat = vm.ssh(f"cat /sys/block/{disk}/stat").stdout.split()
    commands = vm.ssh(f"cat /sys/block/{disk}/device/iorequest_cnt").stdout
    urbs = vm.ssh(f"cd /sys/block/{disk}; d=$(readlink -f .); "
                  "while [ ! -e $d/urbnum ]; do d=${d%/*}; done; "
                  "cat $d/urbnum").stdout
    return {"written": int(stat[6]) * 512, "commands": int(commands, 16),
            "requests": sum(int(stat[i]) for i in (0, 4, 11, 15)),
            "urbs": int(urbs)}


def end_of(vm: Guest, serial: str) -> dict[str, Any]:
    """The public part of the unmount that tells what was written."""
    rows = eventually("its end is an event", lambda: [
        row for row in story.events(vm, kind="medium_unmounted")
        if row["public_part"]["device"]["serial"] == serial], 60)
    return dict(rows[-1]["public_part"])


def honest_work(vm: Guest, filesystem: str, serial: str) -> None:
    step(f"a day's work on {filesystem}")
    folder = mounted(vm, serial, filesystem)
    disk = str(vm.block_device(serial))
    start = counters(vm, disk)
    for kind in KINDS:
        before = counters(vm, disk)
        vm.ssh(f"python3 /root/work.py '{folder}' {kind}", timeout_s=900)
        after = counters(vm, disk)
        did = {key: after[key] - before[key] for key in after}
        print(f"  {filesystem} {kind}: written {did['written']}, commands "
              f"{did['commands']} for {did['requests']} requests, "
              f"{did['urbs']} urbs", flush=True)
    time.sleep(TWO_LOOKS_S)
    equal(bypasses(vm), [], "the witness has nothing to say")
    everything = counters(vm, disk)["written"] - start["written"]
    vm.server.cli("device", "revoke", f"46f4:0001:{serial}")
    told = end_of(vm, serial)
    kernel = int(told["kernel_written_bytes"])
    gate = int(told["gate_written_bytes"])
    check(kernel >= everything, f"the event says what the kernel wrote: {kernel}")
    check(60 * MIB < gate < 120 * MIB, f"and what the gate did: {gate}")
    print(f"  {filesystem}: {kernel / gate:.3f} bytes a byte", flush=True)
    check(not bypasses(vm), "and taking it away accuses nobody")
    vm.usb.unplug_all()


def read_only_is_quiet(vm: Guest) -> None:
    step("a medium that may only be read")
    folder = mounted(vm, "WITRO", "vfat", access="read_only")
    vm.ssh(f"ls -lR '{folder}'; cat '{folder}'/* >/dev/null; sync", check=False)
    check(not vm.ssh(f"touch '{folder}/x'", check=False).ok, "is read-only")
    time.sleep(TWO_LOOKS_S)
    vm.usb.unplug_all()
    told = end_of(vm, "WITRO")
    equal(int(told.get("kernel_written_bytes", 0)), 0, "nothing was written")


def past_the_gate(vm: Guest) -> None:
    step("the kernel gate is taken away")
    boot = vm.boot
    vm.boot = dataclasses.replace(boot, cmdline=boot.cmdline + WITHOUT_LSM)
    try:
        vm.reboot()
        vm.wait_ready()
    finally:
        vm.boot = boot
    story.wait_for_policy(vm, "enforce", 120)
    folder = mounted(vm, "WITBAD", "vfat")
    disk = str(vm.block_device("WITBAD"))
    raw = f"dd if=/dev/urandom of=/dev/{disk} bs=1M count=8 seek=200 conv=notrunc,fsync"
    check(not vm.ssh(raw, check=False).ok, "a raw write is refused before")
    removed = vm.ssh("python3 -", stdin=DETACH.encode()).stdout.strip()
    check(removed != "0", f"{removed} device programs are taken off")
    put_at = time.monotonic()
    check(vm.ssh(raw, check=False).ok, "now a raw write reaches the medium")
    row = eventually("the server is told", lambda: bypasses(vm),
                     TOLD_WITHIN_S)[0]
    print(f"  after {time.monotonic() - put_at:.1f} s", flush=True)
    part = row["public_part"]
    check(int(part["kernel_written_bytes"]) >= 8 * MIB, "with what was written")
    check(int(part.get("gate_written_bytes", 0)) < MIB, "and what the gate did")
    equal(part["device"]["serial"], "WITBAD", "on which medium")
    alert = eventually("a critical alert", lambda: [
        a for a in story.alerts(vm) if a["kind"] == "medium_bypassed"], 30)[0]
    equal(alert["severity"], "critical", "of the highest severity")
    check("the kernel wrote" in alert["title"], alert["title"])

    step("SCSI commands, which no block statistics count")
    vm.ssh("modprobe sg")
    generic = vm.ssh(f"ls /sys/block/{disk}/device/scsi_generic").stdout.strip()
    sectors = int(vm.ssh(f"cat /sys/block/{disk}/size").stdout)
    before = len(bypasses(vm))
    vm.write_file("/root/sg.py", SG_WRITES.encode())
    vm.ssh(f"python3 /root/sg.py /dev/{generic} {sectors - 1} 2000",
           timeout_s=600)
    row = eventually("are told, too", lambda: bypasses(vm)[before:],
                     TOLD_WITHIN_S)[0]
    check("SCSI commands" in row["public_part"]["reason"],
          row["public_part"]["reason"])
    check(vm.ssh(f"cp /etc/hosts '{folder}/'", check=False).ok,
          "the gate goes on")
    answer = json.loads(vm.server.cli("event", "verify", "--json"))
    check(answer["ok"], "the chain verifies")
