"""Rows that somebody plays with his hands: what is plugged in, and when.

plug() runs on the host before the attack, which then tries whatever came. Whose
hands they are makes no difference; root tries, because he can try more.
"""

from __future__ import annotations

import glob
import os
import time
from typing import Any, Callable

from .rows import Place, Refused, Row, ROWS, write_file

PLUGGED = "device_(plugged|decided)"
Plug = Callable[[Any], None]
PLUGS: dict[str, Plug] = {}
# What the guest has without anything plugged.
KNOWN_NETS = {"lo", "eth0", "eth1"}


def use_whatever_came(at: Place) -> None:
    """A disk, a medium that was mounted, a line, a network: any will do."""
    time.sleep(3)
    tried = []
    for path in sorted(glob.glob("/dev/sd?") + glob.glob("/dev/sr?")):
        if path == at.node:
            continue
        tried.append(path)
        try:
            write_file(path, at.people, os.O_WRONLY)
            return
        except OSError:
            continue
    for folder in glob.glob("/media/sekisho/*"):
        if folder == at.folder:
            continue
        tried.append(folder)
        try:
            write_file(f"{folder}/{at.slug}-list.csv", at.people)
            return
        except OSError:
            continue
    for path in glob.glob("/dev/ttyUSB*") + glob.glob("/dev/ttyACM*"):
        write_file(path, at.people, os.O_WRONLY)
        return
    if set(os.listdir("/sys/class/net")) - KNOWN_NETS:
        return
    raise Refused("tried " + (", ".join(tried) or "nothing: nothing came"))


def _row(slug: str, name: str, **more: Any) -> Callable[[Plug], Plug]:
    def register(plug: Plug) -> Plug:
        PLUGS[slug] = plug
        ROWS.append(Row(slug, name, "hands", use_whatever_came,
                        **({"told": PLUGGED, "actors": ("root",)} | more)))
        return plug
    return register


@_row("clone", "a second stick with the approved one's identity", refs="A1",
      told="")
def clone(play: Any) -> None:
    """Taken for the approved one, so inspected like it."""
    play.plug_extra("BYPASS1", "3")


@_row("uas", "an unapproved UAS disk", refs="A6", short=True)
def uas(play: Any) -> None:
    play.vm.usb.plug_uas(play.extra("uas").path, serial="UAS1", port="3")


@_row("fixed", "an unapproved disk that says it is not removable", refs="A6")
def not_removable(play: Any) -> None:
    play.vm.usb.plug_storage(play.extra("fixed").path, serial="FIXED1",
                             port="3", removable=False)


@_row("hub", "an unapproved stick behind a hub", refs="A4")
def behind_a_hub(play: Any) -> None:
    play.vm.usb.plug_hub(port="3")
    play.vm.usb.plug_storage(play.extra("hub").path, serial="HUB1",
                             port="3.1")


@_row("mtp", "a phone", refs="A14")
def phone(play: Any) -> None:
    folder = play.vm.scratch / "phone"
    folder.mkdir(exist_ok=True)
    play.vm.usb.plug_mtp(folder, serial="PHONE1", port="3")


@_row("net", "a USB network adapter", refs="A15")
def network(play: Any) -> None:
    play.vm.usb.plug_net(serial="NET1", port="3")


@_row("serial", "a USB serial adapter", refs="A16")
def serial_line(play: Any) -> None:
    play.vm.usb.plug_serial_adapter(play.vm.scratch / "serial.out", port="3")


@_row("composite", "a stick that is a keyboard too", refs="A2",
      after="vm-gadget remove both")
def composite(play: Any) -> None:
    play.vm.ssh("truncate -s 16M /root/g.img && mkfs.vfat /root/g.img "
                "> /dev/null && vm-gadget add both vendor=0x0951 "
                "product=0x1666 serial=BOTH1 storage:/root/g.img keyboard",
                timeout_s=120)


@_row("identity", "a device that comes back as another", refs="A3 A4",
      after="vm-gadget remove turn")
def another_identity(play: Any) -> None:
    """First as nobody, then, without a pause, as the approved stick's maker."""
    play.vm.ssh("truncate -s 16M /root/t.img && mkfs.vfat /root/t.img "
                "> /dev/null && vm-gadget add turn vendor=0x0951 "
                "product=0x1666 serial=ONE storage:/root/t.img && "
                "vm-gadget set turn product=0x1667 serial=TWO",
                timeout_s=120)


@_row("replug", "a fast replug onto a reused device number", refs="A3",
      short=True)
def replugged(play: Any) -> None:
    play.unplug_approved()
    play.vm.usb.plug_storage(play.extra("replug").path, serial="OTHER1",
                             port="1")
