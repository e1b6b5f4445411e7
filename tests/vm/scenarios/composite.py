"""A stick that is a keyboard too is let in as a stick, and types nothing."""

import story
from checks import check, equal, eventually, step
from guest import Guest

NEEDS = "agent"
SERIAL = "EVIL1"
DEVICE = f"0951:1666:{SERIAL}"
# "08 usb-storage": class and driver of each interface of the device.
INTERFACES = (f"d=$(dirname $(grep -lsx {SERIAL} /sys/bus/usb/devices/*/serial))"
              " && for i in $d/*:*; do echo $(cat $i/bInterfaceClass) "
              "$(basename $(readlink $i/driver)); done")


def run(vm: Guest) -> None:
    vm.server.cli("policy", "push", str(story.POLICY))
    story.wait_for_policy(vm, "enforce", 60)
    step("plug a stick that is also a keyboard")
    vm.ssh("truncate -s 16M /tmp/evil.img && mkfs.vfat -n EVIL /tmp/evil.img")
    vm.ssh("vm-gadget add evil vendor=0x0951 product=0x1666 "
           f"serial={SERIAL} storage:/tmp/evil.img keyboard", timeout_s=300)
    eventually("it is known", lambda: any(
        medium["device"] == DEVICE for medium in story.status(vm)["media"]), 60)
    equal(story.medium_at(vm, SERIAL), "", "and not usable")
    step("approve it for inspected copies")
    vm.server.cli("device", "approve", DEVICE, "--access", "inspect")
    eventually("it is mounted", lambda: story.medium_at(vm, SERIAL), 60)
    found = dict(line.split() + [""] * (2 - len(line.split())) for line in
                 vm.ssh(INTERFACES).stdout.splitlines() if line.strip())
    equal(found["08"], "usb-storage", "its storage has its driver")
    equal(found["03"], "", "its keyboard has none")
    check(not vm.ssh("grep -qs Phys=usb-dummy /proc/bus/input/devices",
                     check=False).ok, "and there is no such input device")
    row = eventually("the event says so", lambda: next(
        (r for r in story.events(vm, kind="device_decided")
         if "no driver: 03/" in r["public_part"].get("reason", "")), None), 30)
    check("opened: 08/06/50" in row["public_part"]["reason"],
          row["public_part"]["reason"])
    vm.ssh("vm-gadget remove evil")
