"""The kernel gate denies every path to a stick that policy did not open."""

import os
import shlex
import subprocess
from pathlib import Path

from checks import check, equal, eventually, step
from guest import Guest
from sticks import Stick, make_stick

NEEDS = "plain"
ROOT = Path(__file__).resolve().parents[3]
GATE = "/usr/local/libexec/gate_selftest"
STRANGER = "/usr/local/libexec/stranger"  # the same program, another inode
PINS = "/sys/fs/bpf/sekisho"
SERIAL = "SEKISHO-GATE"
# umount(8) says the last for EPERM.
REFUSALS = ("not permitted", "denied", "must be superuser")
SECRET = b"not to be read past the gate"


def run(vm: Guest) -> None:
    program = find_program(vm.scratch)
    vm.put(program, GATE, 0o755)
    vm.put(program, STRANGER, 0o755)
    stick = make_stick(vm.scratch / "gate.img", "vfat")
    device = vm.usb.plug_storage(stick.path, serial=SERIAL, port="1")
    disk = wait_for_disk(vm)
    try:
        observe_refuses_nothing(vm, disk)
        gate(vm, "mode enforce")
        every_path_is_denied(vm, disk)
        the_rest_goes_on(vm)
        self_protection_holds(vm)
        what_is_opened_is_open(vm, disk, stick)
        a_replug_closes_it_again(vm, device, stick)
        the_gate_outlives_the_agent(vm)
        events_say_who(vm)
    finally:
        vm.ssh(f"{GATE} teardown", check=False)
        vm.usb.unplug_all()


def find_program(scratch: Path) -> Path:
    """The newest build of the test tool, stripped; a sanitizer's maps what the
    gate refuses."""
    named = os.environ.get("SEKISHO_GATE_SELFTEST")
    found = ([Path(named)] if named else
             sorted((path for build in ("dev", "release") for path in
                     ROOT.glob(f"build/{build}/agent/enforce/gate_selftest")),
                    key=lambda path: path.stat().st_mtime))
    if not found:
        raise FileNotFoundError("build the target gate_selftest first")
    stripped = scratch / "gate_selftest"
    subprocess.run(["strip", "-o", stripped, found[-1]], check=True)
    return stripped


def gate(vm: Guest, command: str) -> str:
    return vm.ssh(f"{GATE} {command}", timeout_s=300).stdout


def wait_for_disk(vm: Guest) -> str:
    disk = eventually("the stick appears as a disk",
                      lambda: vm.block_device(SERIAL), 60)
    vm.wait_for(f"test -b /dev/{disk}1", 60)
    return str(disk)


def number(vm: Guest, node: str) -> str:
    """ "b8:16" for /dev/sdb. """
    kind, numbers = vm.ssh(
        f"stat -L -c '%F %t:%T' {node}").stdout.strip().rsplit(" ", 1)
    major, minor = (int(part, 16) for part in numbers.split(":"))
    return f"{'b' if kind.startswith('block') else 'c'}{major}:{minor}"


def usbfs_node(vm: Guest) -> str:
    return vm.ssh(
        "for d in /sys/bus/usb/devices/*; do if [ \"$(cat $d/serial "
        f"2>/dev/null)\" = {SERIAL} ]; then printf '/dev/bus/usb/%03d/%03d' "
        "$(cat $d/busnum) $(cat $d/devnum); fi; done").stdout.strip()


def denied(vm: Guest, command: str, what: str) -> None:
    result = vm.ssh(command, check=False)
    said = result.stdout + result.stderr
    check(not result.ok and any(word in said for word in REFUSALS),
          f"denied: {what}")


def allowed(vm: Guest, command: str, what: str) -> None:
    result = vm.ssh(command, check=False)
    check(result.ok, f"allowed: {what} {result.stderr.strip()}")


def read_node(node: str) -> str:
    return f"dd if={node} of=/dev/null bs=4096 count=1 iflag=direct"


def observe_refuses_nothing(vm: Guest, disk: str) -> None:
    step("load the gate in observe")
    state = gate(vm, "load observe")
    check(state.startswith("state full mode observe"), state.strip())
    allowed(vm, read_node(f"/dev/{disk}"), "raw read")
    allowed(vm, f"mount /dev/{disk}1 /mnt && umount /mnt", "mount")
    allowed(vm, f"{STRANGER} try-open {usbfs_node(vm)} w", "usbfs")
    check("refused=0" in gate(vm, "events"), "what enforce would do is told")


def every_path_is_denied(vm: Guest, disk: str) -> None:
    step("enforce: as root, by every path")
    node = f"/dev/{disk}"
    block = number(vm, node)
    major, minor = block[1:].split(":")
    denied(vm, read_node(node), "dd from the disk")
    denied(vm, f"dd if=/dev/zero of={node} bs=512 count=1 conv=notrunc",
           "dd to the disk")
    denied(vm, read_node(node + "1"), "dd from the partition")
    denied(vm, f"rm -f /root/alias; mknod /root/alias b {major} {minor} && "
           + read_node("/root/alias"), "an alias made with mknod")
    vm.ssh("modprobe sg")
    vm.wait_for("ls /dev/sg*", 30)
    for kind in ("scsi_generic", "bsg"):
        name = vm.ssh(f"ls /sys/block/{disk}/device/{kind}").stdout.strip()
        path = f"/dev/{'bsg/' if kind == 'bsg' else ''}{name}"
        denied(vm, f"{STRANGER} try-scsi {path}", f"SG_IO through {path}")
    denied(vm, f"{STRANGER} try-open {usbfs_node(vm)} w", "usbfs")
    denied(vm, f"mount {node}1 /mnt", "mount")
    denied(vm, f"unshare -m mount {node}1 /mnt", "mount in a new namespace")
    denied(vm, "systemd-run --wait --pipe -p PrivateMounts=yes "
           f"mount {node}1 /mnt", "mount from a unit")
    denied(vm, f"losetup /dev/loop7 {node}", "a loop device over it")
    vm.ssh("modprobe dm-mod")
    result = vm.ssh(f"dmsetup create over --table '0 8 linear {major}:{minor} 0'",
                    check=False)
    check(not result.ok and not vm.ssh("test -e /dev/mapper/over",
                                       check=False).ok,
          "denied: device-mapper over it, by number")
    denied(vm, "runuser -u nobody -- " + read_node(node), "an ordinary user")


def the_rest_goes_on(vm: Guest) -> None:
    step("what the machine needs is untouched")
    root = vm.ssh("findmnt -no SOURCE /").stdout.strip()
    allowed(vm, read_node(root), "the system disk")
    allowed(vm, "sync && touch /root/written && udevadm settle -t 60",
            "the system goes on")
    before = vm.ssh("ls /sys/class/input").stdout
    keyboard = vm.usb.plug_keyboard(port="3")
    eventually("a USB keyboard works", lambda: vm.ssh(
        "ls /sys/class/input").stdout != before, 60)
    allowed(vm, "for e in /dev/input/event*; do exec 5<$e; done", "its events")
    vm.usb.unplug(keyboard)


def self_protection_holds(vm: Guest) -> None:
    step("root against the gate and its agent")
    vm.ssh(f"systemd-run --unit=gate-test {GATE} stay")
    pid = eventually("the agent runs", lambda: vm.ssh(
        "journalctl -u gate-test -o cat | sed -n 's/^staying //p'",
        check=False).stdout.strip(), 60)
    for signal in ("KILL", "STOP", "TERM", "SEGV"):
        denied(vm, f"/bin/kill -{signal} {pid}", f"kill -{signal}")
    denied(vm, f"{STRANGER} try-ptrace {pid}", "ptrace")
    denied(vm, f"cat /proc/{pid}/fd/0", "its descriptors")
    denied(vm, f"nsenter -t {pid} -m true", "its namespaces")
    denied(vm, f"{STRANGER} try-traceme {GATE}", "a tracer before exec")
    denied(vm, f"{STRANGER} try-exe-file {GATE}", "its inode by prctl")
    equal(vm.ssh(f"{STRANGER} try-maps").stdout.split()[2], "0",
          "no map of the gate opens by id")
    denied(vm, f"bpftool map update pinned {PINS}/v1_gate_config key 0 0 0 0 "
           "value " + " ".join(["0"] * 32), "bpftool map update")
    denied(vm, f"rm {PINS}/v1_link_gate_file_open", "rm of a pin")
    denied(vm, f"mv {PINS} /sys/fs/bpf/x", "rename of the pins")
    denied(vm, "umount -l /sys/fs/bpf", "umount of the bpffs")
    # Another module's program may hang there; ours must not go.
    vm.ssh(f"{STRANGER} try-detach-cgroup /sys/fs/cgroup", check=False)
    denied(vm, "echo 0 > /proc/sys/kernel/ftrace_enabled", "ftrace off")
    denied(vm, "mount -t debugfs none /sys/kernel/debug 2>/dev/null; "
           "echo full > /sys/kernel/debug/sched/preempt", "preempt=full")
    denied(vm, "for f in /sys/bus/usb/devices/usb*/authorized_default; do "
           "echo 1 > $f || exit 1; done", "authorized_default")
    vm.ssh("systemctl kill -s KILL gate-test", check=False)
    vm.wait_for("! systemctl is-active gate-test", 30)
    denied(vm, f"cp /bin/true {GATE}.new && cat {GATE}.new > {GATE}",
           "writing the agent's program")
    denied(vm, f"truncate -s 0 {GATE}", "truncating it")


def what_is_opened_is_open(vm: Guest, disk: str, stick: Stick) -> None:
    step("open for the daemon, then for everybody")
    node = f"/dev/{disk}1"
    part = number(vm, node)
    gate(vm, f"open {part} gate")
    denied(vm, read_node(node), "others, while it is open for the gate")
    said = gate(vm, f"medium {node} {part} vfat")
    check("medium kakunin" in said and "visible 0" in said,
          "a detached mount works and is in no mount list")
    denied(vm, f"mount {node} /mnt", "a second mount")
    gate(vm, f"open {part} full")
    allowed(vm, f"mount {node} /mnt && printf %s {shlex.quote(SECRET.decode())}"
            " > /mnt/f && umount /mnt", "mount and write")
    denied(vm, read_node(f"/dev/{disk}"), "the whole disk, still closed")
    gate(vm, f"close {part}")
    denied(vm, f"mount {node} /mnt", "mount after closing")


def a_replug_closes_it_again(vm: Guest, device: object, stick: Stick) -> None:
    step("a device number's next owner starts closed")
    disk = vm.block_device(SERIAL)
    whole = number(vm, f"/dev/{disk}")
    part = number(vm, f"/dev/{disk}1")
    for node in (whole, part):
        gate(vm, f"open {node} full")
    allowed(vm, read_node(f"/dev/{disk}1"), "the open partition")
    vm.usb.unplug(device)  # type: ignore[arg-type]
    eventually("it is gone", lambda: not vm.block_device(SERIAL), 60)
    vm.usb.plug_storage(stick.path, serial=SERIAL, port="1")
    again = wait_for_disk(vm)
    equal(number(vm, f"/dev/{again}"), whole, "it has the same number")
    denied(vm, read_node(f"/dev/{again}"), "the disk")
    denied(vm, read_node(f"/dev/{again}1"), "the partition")
    check(SECRET in stick.read("f"), "what was allowed is on the medium")


def the_gate_outlives_the_agent(vm: Guest) -> None:
    step("the agent is killed by pid 1; the gate stands; a new one takes over")
    vm.ssh(f"systemd-run --unit=gate-test2 {GATE} stay")
    vm.wait_for("journalctl -u gate-test2 -o cat | grep -q staying", 60)
    vm.ssh("systemctl kill -s KILL gate-test2")
    vm.wait_for("! systemctl is-active gate-test2", 30)
    disk = vm.block_device(SERIAL)
    denied(vm, read_node(f"/dev/{disk}"), "the disk, with no agent")
    denied(vm, f"rm {PINS}/v1_link_gate_file_open", "rm of a pin, no agent")
    denied(vm, f"{STRANGER} load observe", "a stranger that would take over")
    check(gate(vm, "state").startswith("state full mode enforce"),
          "the next start finds the gate as it was")


def events_say_who(vm: Guest) -> None:
    events = gate(vm, "events")
    for hook in ("device_cgroup", "kill", "ptrace", "gate_map", "pin",
                 "authorize", "exe_file", "tracing", "program_write"):
        check(f"event {hook} " in events, f"an event tells of {hook}")
    check("missed 0" in events, "the kernel left no hook call out")
    check("comm=dd" in events, "events name the program")
    udev = [line for line in events.splitlines() if "udev" in line]
    check(all("expected=1" in line for line in udev),
          f"udev's own looks ({len(udev)}) are no alarm")
