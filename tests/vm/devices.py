"""USB devices that QEMU emulates: plugged and unplugged while the guest runs.

Vendor and product of these are QEMU's own (a stick is 46f4:0001 "QEMU USB
HARDDRIVE"); only the serial can be chosen. For other identities see
tools/vm-gadget, which makes devices from inside the guest.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qmp import Qmp, QmpError


@dataclass
class Device:
    """A plugged device and what has to go when it is unplugged."""

    id: str
    parts: list[str] = field(default_factory=list)
    node: str = ""
    netdev: str = ""


class Usb:
    """The guest's USB ports.

    A port is "1" to "8" on the controller, or "1.2" for port 2 of a hub on
    port 1; "" lets QEMU choose. Every plug_* returns the Device to unplug.
    """

    def __init__(self, qmp: Qmp) -> None:
        self._qmp = qmp
        self._plugged: list[Device] = []
        self._numbers = itertools.count(1)

    @property
    def plugged(self) -> list[Device]:
        """What is plugged, hubs before what hangs on them."""
        return list(self._plugged)

    def plug_storage(self, image: Path, serial: str = "", port: str = "",
                     read_only: bool = False, removable: bool = True) -> Device:
        """A stick (bulk-only transport) on a raw image file of the host."""
        device = self._new("stick")
        self._add_node(device, image, read_only)
        try:
            self._add(device, "usb-storage", port, drive=device.node,
                      serial=serial, removable=removable)
        except QmpError:
            self._qmp.command("blockdev-del", {"node-name": device.node})
            raise
        return device

    def plug_uas(self, image: Path, serial: str = "", port: str = "",
                 read_only: bool = False, removable: bool = True) -> Device:
        """A disk that speaks UAS; `serial` is the device's and the LUN's."""
        device = self._new("uas")
        self._add_node(device, image, read_only)
        self._add(device, "usb-uas", port, serial=serial)
        disk = {"driver": "scsi-hd", "id": device.id + "-disk",
                "bus": device.id + ".0", "drive": device.node,
                "removable": removable}
        if serial:
            disk["serial"] = serial
        self._qmp.command("device_add", disk)
        # QEMU plugs it in only when told that all its LUNs are there.
        self._qmp.command("qom-set", {
            "path": f"/machine/peripheral/{device.id}", "property": "attached",
            "value": True})
        return device

    def plug_hub(self, port: str = "", ports: int = 8) -> Device:
        """A full-speed hub; its ports are then "<port>.1", "<port>.2", ..."""
        return self._add(self._new("hub"), "usb-hub", port, ports=ports)

    def plug_keyboard(self, port: str = "", serial: str = "") -> Device:
        """A boot-protocol keyboard. Keys sent go to the last one plugged."""
        return self._add(self._new("kbd"), "usb-kbd", port, serial=serial)

    def plug_mouse(self, port: str = "", serial: str = "") -> Device:
        return self._add(self._new("mouse"), "usb-mouse", port, serial=serial)

    def plug_mtp(self, root: Path, port: str = "", read_only: bool = False,
                 serial: str = "") -> Device:
        """A phone in MTP mode that shows the host folder `root`."""
        return self._add(self._new("mtp"), "usb-mtp", port, serial=serial,
                         rootdir=str(root), readonly=read_only)

    def plug_net(self, port: str = "", serial: str = "") -> Device:
        """A network adapter (RNDIS and CDC Ethernet) with a NAT of its own."""
        device = self._new("net")
        device.netdev = device.id + "-net"
        self._qmp.command("netdev_add", {"type": "user", "id": device.netdev,
                                         "net": "10.0.9.0/24"})
        return self._add(device, "usb-net", port, netdev=device.netdev,
                         serial=serial)

    def plug_serial_adapter(self, log: Path, port: str = "") -> Device:
        """An FTDI serial adapter; what the guest sends goes to `log`."""
        device = self._new("serial")
        self._qmp.command("chardev-add", {
            "id": device.id + "-char", "backend": {
                "type": "file", "data": {"out": str(log)}}})
        return self._add(device, "usb-serial", port,
                         chardev=device.id + "-char")

    def unplug(self, device: Device) -> None:
        """Pulls the device out, as a hand would: the guest is not asked."""
        self._qmp.command("device_del", {"id": device.id})
        self._qmp.wait_event("DEVICE_DELETED", device=device.id)
        self._plugged.remove(device)
        if device.node:
            self._qmp.command("blockdev-del", {"node-name": device.node})
        if device.netdev:
            self._qmp.command("netdev_del", {"id": device.netdev})

    def unplug_all(self) -> None:
        for device in reversed(self.plugged):
            self.unplug(device)

    def _new(self, kind: str) -> Device:
        return Device(f"{kind}{next(self._numbers)}")

    def _add_node(self, device: Device, image: Path, read_only: bool) -> None:
        device.node = device.id + "-node"
        self._qmp.command("blockdev-add", {
            "driver": "raw", "node-name": device.node, "read-only": read_only,
            "file": {"driver": "file", "filename": str(image),
                     "discard": "unmap"}})

    def _add(self, device: Device, driver: str, port: str,
             **properties: Any) -> Device:
        arguments = {"driver": driver, "id": device.id, "bus": "xhci.0"}
        arguments |= {k: v for k, v in properties.items() if v != ""}
        if port:
            arguments["port"] = port
        self._qmp.command("device_add", arguments)
        self._plugged.append(device)
        return device
