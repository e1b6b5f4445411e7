"""While a policy enforces, a keyboard opens the disk, and no stick gets in first.

All that luks_keyboard does, with the agent: the first boot, without it, shows
what happens to a stick that is there at power-on; the second what does not.
"""

import re
from pathlib import Path

import agent
import luks
import story
from checks import check, equal, eventually, never, step
from devices import Usb
from guest import Guest
from sticks import Stick, make_stick

NEEDS = "luks_agent"
UNIT = "sekisho-initramfs.service"
# What their drivers say when they bind.
BOUND = re.compile(r"usb-storage \d+-([\d.]+):\S+ USB Mass Storage device")
KEYBOARD = "input: QEMU QEMU USB Keyboard"


def run(vm: Guest) -> None:
    sticks = {serial: make_stick(vm.scratch / f"{serial}.img", "vfat", 16)
              for serial in ("EARLY1", "GOOD1", "LATE1")}
    without_agent(vm, sticks)
    initrd = enforce(vm)
    step("boot with it: two sticks and the keyboard are there at power-on")
    vm.reboot(initrd=initrd, plug=lambda usb: plug(usb, sticks, "GOOD1"))
    at_the_prompt(vm, sticks["LATE1"])
    after_the_boot(vm)
    keyboard_types(vm)


def plug(usb: Usb, sticks: dict[str, Stick], *more: str) -> None:
    """The only keyboard, behind a hub, and sticks on ports 2, 3..."""
    luks.plug_keyboard_behind_hub(usb)
    for port, serial in enumerate(("EARLY1", *more), start=2):
        usb.plug_storage(sticks[serial].path, serial=serial, port=str(port))


def without_agent(vm: Guest, sticks: dict[str, Stick]) -> None:
    step("boot without the agent; unlock by the keyboard behind the hub")
    vm.start(plug=lambda usb: plug(usb, sticks))
    luks.type_passphrase(vm)
    root_is_unlocked(vm)
    check(not vm.ssh("ls /dev/input/by-path | grep -q i8042", check=False).ok,
          "there is no other keyboard")
    equal(bound_ports(vm), {"2"}, "a stick that was there became a disk")
    # Nothing is known of it when the agent comes.
    vm.usb.unplug(vm.usb.plugged[-1])


def root_is_unlocked(vm: Guest) -> None:
    equal(vm.ssh("findmnt -no SOURCE /").stdout.strip(),
          "/dev/mapper/cryptroot", "the root is the unlocked disk")


def bound_ports(vm: Guest) -> set[str]:
    """Ports at which usb-storage has bound to anything since power-on."""
    return set(BOUND.findall(vm.ssh("journalctl -kb -o cat").stdout))


def enforce(vm: Guest) -> Path:
    step("install the agent, enrol, approve one stick, enforce")
    agent.install(vm, vm.packages, make_initramfs=False)
    agent.enrol(vm, vm.server)
    vm.server.cli("device", "approve", "46f4:0001:GOOD1", "--access",
                  "inspect")
    vm.server.cli("policy", "push", str(story.POLICY))
    story.wait_for_policy(vm, "enforce", 120)
    eventually("the agent has the initramfs made again", lambda: vm.ssh(
        "test -e /var/lib/sekisho/boot/initramfs && "
        f"systemctl show -P ActiveState {UNIT} | grep -qx inactive",
        check=False).ok, 1800, every_s=2)
    equal(vm.ssh(f"systemctl show -P Result {UNIT}").stdout.strip(),
          "success", "without an error")
    return vm.fetch_initrd()


def at_the_prompt(vm: Guest, late: Stick) -> None:
    vm.screen.wait_text(luks.PROMPT, 900)
    check(vm.screen.shows(KEYBOARD),
          "at the prompt the keyboard behind the hub is there")
    vm.usb.unplug(vm.usb.plugged[1])
    vm.usb.plug_storage(late.path, serial="LATE1", port="1.3")
    vm.usb.plug_keyboard(port="1.2")
    luks.retype_passphrase(vm)
    root_is_unlocked(vm)
    check(True, "another one that is plugged there now unlocks the disk")


def after_the_boot(vm: Guest) -> None:
    step("the booted terminal")
    standing = eventually("the agent answers", lambda: story.status(vm), 60)
    equal((standing["mode"], standing["gate_state"]), ("enforce", "full"),
          "it enforces, the kernel gate is whole")
    eventually("the approved stick is served",
               lambda: story.medium_at(vm, "GOOD1"), 120)
    for serial in ("EARLY1", "LATE1"):
        row = eventually(f"{serial} is an event", lambda: next(
            (row["public_part"] for row in story.events(vm)
             if row["public_part"].get("device", {}).get("serial") == serial
             and row["public_part"]["kind"].startswith("device_")), None), 60)
        equal(row["outcome"], "blocked", "it is blocked")
    never("neither is a disk", lambda: vm.block_device("EARLY1")
          or vm.block_device("LATE1"), 2)
    equal(bound_ports(vm), {"3"},
          "nor was one since power-on: only the approved stick")


def keyboard_types(vm: Guest) -> None:
    step("the same keyboard, after the boot")
    vm.screen.wait_text("terminal-1 login:", 120)
    vm.screen.type("operator\n")
    vm.screen.wait_text("Password:", 120)
    vm.screen.type("operator\n")
    vm.wait_for("loginctl list-sessions --no-legend | "
                "grep -q 'operator seat0 tty1'", 120)
    check(True, "operator logs in with it")
