"""A file copied to a stick is byte-identical in its image on the host."""

import random

from checks import check, equal, eventually, step
from guest import Guest
from sticks import make_stick

NEEDS = "plain"
SIZE = 3_000_001


def run(vm: Guest) -> None:
    data = random.Random(1).randbytes(SIZE)
    vm.write_file("/tmp/document", data)
    for filesystem in ("vfat", "exfat", "ext4"):
        step(f"plug a {filesystem} stick, copy, unplug")
        serial = "SEKISHO-" + filesystem.upper()
        stick = make_stick(vm.scratch / "stick.img", filesystem)
        device = vm.usb.plug_storage(stick.path, serial=serial)
        disk = eventually("it appears as a disk",
                          lambda: vm.block_device(serial), 60)
        vm.wait_for(f"test -b /dev/{disk}1", 60)
        vm.ssh(f"mount /dev/{disk}1 /mnt && cp /tmp/document /mnt/document && "
               "umount /mnt")
        vm.usb.unplug(device)
        eventually("it is gone", lambda: not vm.block_device(serial), 60)
        equal(stick.read("document"), data, "the host reads the same bytes")
        check(stick.find([data[4096:4200]]), "its bytes are found in the image")
        check(not stick.find([b"not on this stick"]), "others are not")
