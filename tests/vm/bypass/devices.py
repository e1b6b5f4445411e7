"""Rows that go for the stick itself, past its mount: nodes, aliases, SCSI, USB.

For an ordinary user the rights of the nodes already say no, so that only root's
tries reach the kernel gate, and only these are told.
"""

from __future__ import annotations

import array
import ctypes
import fcntl
import os
import socket
import stat
import struct
import time
from pathlib import Path

from .rows import Place, Refused, pid_of, pids_of, row, run, write_file

SECTOR = 512
FAR = 60 << 20  # free space of the stick, where a write would go unnoticed
OF_BLOCK = r"refused: (open|device_cgroup) of b[0-9]"
OF_CHAR = r"refused: (open|device_cgroup) of c[0-9]"
MOUNT = r"refused: (mount|open|device_cgroup) of b[0-9]"


def _write_node(at: Place, node: str) -> None:
    fd = os.open(node, os.O_WRONLY)
    try:
        os.pwrite(fd, at.people, FAR)
        os.fsync(fd)
    finally:
        os.close(fd)


@row("ddnode", "dd to the node", "devices", refs="A7", told_root=OF_BLOCK,
     short=True)
def dd_to_the_node(at: Place) -> None:
    run("dd", f"of={at.node}", "seek=60", "bs=1M", "conv=notrunc,fsync",
        stdin=at.people)


@row("ddpart", "dd to the partition", "devices", refs="A7", told_root=OF_BLOCK)
def dd_to_the_partition(at: Place) -> None:
    _write_node(at, at.node + "1")


@row("alias", "dd to an alias node", "devices", refs="A8", told_root=OF_BLOCK,
     short=True)
def dd_to_an_alias(at: Place) -> None:
    alias = at.own("alias")
    os.mknod(alias, stat.S_IFBLK | 0o600, os.makedev(*at.number))
    _write_node(at, alias)


@row("devalias", "a devtmpfs of a container's own", "devices", refs="A8",
     told_root=OF_BLOCK)
def own_devtmpfs(at: Place) -> None:
    folder = at.own("dev")
    os.makedirs(folder, exist_ok=True)
    run("unshare", "-m", "sh", "-c",
        f"mount -t devtmpfs none '{folder}' && "
        f"dd of='{folder}/{at.disk}' seek=60 bs=1M conv=notrunc,fsync",
        stdin=at.people)


@row("readnode", "reading the node", "devices", told_root=OF_BLOCK)
def read_the_node(at: Place) -> None:
    fd = os.open(at.node, os.O_RDONLY)
    os.read(fd, SECTOR)
    os.close(fd)


def _scsi_write(at: Place, node: str) -> None:
    source = at.own("sectors")
    data = at.people + bytes(-len(at.people) % SECTOR)
    write_file(source, data)
    run("sg_dd", f"if={source}", f"of={node}", f"bs={SECTOR}",
        f"seek={FAR // SECTOR}", f"count={len(data) // SECTOR}")


def _scsi_node(at: Place, kind: str) -> str:
    names = os.listdir(f"/sys/block/{at.disk}/device/{kind}")
    return f"/dev/{'bsg/' if kind == 'bsg' else ''}{names[0]}"


@row("sg", "SG_IO through /dev/sg", "devices", refs="A9", told_root=OF_CHAR,
     short=True)
def scsi_generic(at: Place) -> None:
    if os.geteuid() == 0:
        run("modprobe", "sg")
        time.sleep(0.5)
    _scsi_write(at, _scsi_node(at, "scsi_generic"))


@row("sgdisk", "SG_IO through the disk", "devices", refs="A9",
     told_root=OF_BLOCK)
def scsi_through_the_disk(at: Place) -> None:
    _scsi_write(at, at.node)


@row("bsg", "SG_IO through bsg", "devices", refs="A9", told_root=OF_CHAR)
def scsi_by_bsg(at: Place) -> None:
    fd = os.open(_scsi_node(at, "bsg"), os.O_RDWR)
    os.close(fd)


def _usbfs(device: str) -> str:
    def number(name: str) -> int:
        return int(Path(f"{device}/{name}").read_text())
    return f"/dev/bus/usb/{number('busnum'):03}/{number('devnum'):03}"


def _bulk(at: Place, device: str) -> None:
    """usbfs's ioctls as libusb sends them: detach the driver, write a sector
    by the bulk-only transport."""
    claim, bulk, control = 0x8004550F, 0xC0185502, 0xC0105512
    fd = os.open(_usbfs(device), os.O_RDWR)
    try:
        detach = struct.pack("iiP", 0, 0x5516, 0)
        try:
            fcntl.ioctl(fd, control, detach)
        except OSError:
            pass  # no driver was bound
        fcntl.ioctl(fd, claim, struct.pack("I", 0))
        data = at.people[:SECTOR].ljust(SECTOR, b"\n")
        command = struct.pack(">BBIBHB", 0x2A, 0, FAR // SECTOR, 0, 1, 0)
        block = struct.pack("<4sIIBBB", b"USBC", 1, SECTOR, 0, 0,
                            len(command)) + command.ljust(16, b"\0")
        for part in (block, data):
            memory = ctypes.create_string_buffer(part, len(part))
            fcntl.ioctl(fd, bulk, struct.pack(
                "IIIxxxxP", 2, len(part), 5000, ctypes.addressof(memory)))
    finally:
        os.close(fd)


@row("usbfs", "usbfs raw bulk", "devices", refs="A13", told_root=OF_CHAR,
     short=True)
def usbfs_raw_bulk(at: Place) -> None:
    _bulk(at, at.usb)


@row("usbfs2", "usbfs raw bulk to the unapproved stick", "devices",
     refs="A13", told_root=OF_CHAR)
def usbfs_unapproved(at: Place) -> None:
    _bulk(at, at.unapproved)


@row("authorize", "authorized written by hand", "devices", refs="A3",
     told_root="refused: authorize", short=True)
def authorise_by_hand(at: Place) -> None:
    write_file(f"{at.unapproved}/authorized", "1", os.O_WRONLY)


@row("defaults", "authorized_default written by hand", "devices", refs="A3",
     told_root="refused: authorize")
def authorise_the_bus(at: Place) -> None:
    bus = Path(f"{at.unapproved}/busnum").read_text().strip()
    write_file(f"/sys/bus/usb/devices/usb{bus}/authorized_default", "1",
               os.O_WRONLY)


@row("mount2", "second mount", "devices", refs="A11", told_root=MOUNT,
     short=True)
def second_mount(at: Place) -> None:
    run("mount", "-t", "vfat", at.node + "1", "/mnt")


@row("unshare", "mount in unshare -m", "devices", refs="A11", told_root=MOUNT)
def mount_in_another_namespace(at: Place) -> None:
    run("unshare", "-m", "mount", "-t", "vfat", at.node + "1", "/mnt")


@row("unitmount", "mount from a unit with PrivateMounts", "devices",
     refs="A11", told_root=MOUNT)
def mount_from_a_unit(at: Place) -> None:
    run("systemd-run", "--wait", "--quiet", "--collect", "-p",
        "PrivateMounts=yes", "mount", "-t", "vfat", at.node + "1", "/mnt")


@row("loop", "losetup over the stick", "devices", refs="A10",
     told_root=OF_BLOCK)
def loop_over_it(at: Place) -> None:
    run("losetup", "--find", at.node)


@row("dm", "device-mapper over the stick", "devices", refs="A10",
     told_root=OF_BLOCK, short=True)
def device_mapper_over_it(at: Place) -> None:
    major, minor = at.number
    run("modprobe", "dm-mod")
    run("dmsetup", "create", "bypass", "--table",
        f"0 1024 linear {major}:{minor} {FAR // SECTOR}")
    run("dmsetup", "mknodes")
    _write_node(at, "/dev/mapper/bypass")


@row("md", "md over the stick", "devices", refs="A10", told_root=OF_BLOCK)
def md_over_it(at: Place) -> None:
    """SET_ARRAY_INFO and ADD_NEW_DISK of linux/raid/md_u.h: it opens the disk
    by number."""
    run("modprobe", "md-mod")
    node = at.own("md")
    os.mknod(node, stat.S_IFBLK | 0o600, os.makedev(9, 127))
    fd = os.open(node, os.O_RDWR)
    try:
        fcntl.ioctl(fd, 0x40480923, array.array("i", [0] * 18))
        fcntl.ioctl(fd, 0x40140921, array.array(
            "i", [0, *at.number, 0, 6]))
    finally:
        os.close(fd)


@row("swap", "swap on the stick", "devices", told_root=OF_BLOCK)
def swap_on_it(at: Place) -> None:
    run("swapon", at.node + "1")


@row("label", "data in the volume label", "devices", told_root=OF_BLOCK,
     short=True)
def volume_label(at: Place) -> None:
    run("fatlabel", at.node + "1", "0901234567")


@row("mkfs", "another filesystem on the stick", "devices", told_root=OF_BLOCK)
def another_filesystem(at: Place) -> None:
    run("mkfs.vfat", "-I", at.node)


@row("luksmedium", "a LUKS container over the stick", "devices",
     told_root=OF_BLOCK)
def luks_over_it(at: Place) -> None:
    run("cryptsetup", "-q", "luksFormat", "--pbkdf", "pbkdf2",
        "--pbkdf-force-iterations", "1000", at.node, stdin=b"secret")


@row("udisks", "udisks unlocks, formats and mounts", "devices")
def by_udisks(at: Place) -> None:
    run("udisksctl", "mount", "--no-user-interaction", "-b", at.node + "1",
        timeout_s=30)


@row("nsgate", "nsenter into the gate", "devices", short=True)
def nsenter_into_the_gate(at: Place) -> None:
    run("nsenter", "-t", str(pid_of("sekisho-gate")), "-m", "-U", "true")


@row("gatefd", "the gate's descriptor of the real filesystem", "devices")
def descriptor_of_the_gate(at: Place) -> None:
    for pid in pids_of("sekisho-gate"):
        for name in os.listdir(f"/proc/{pid}/fd"):
            folder = f"/proc/{pid}/fd/{name}"
            if os.path.isdir(folder):
                write_file(f"{folder}/{at.slug}.csv", at.people)
                return
    raise Refused("no folder among them")


@row("fusectl", "the mount's control files", "devices", told_root="")
def fuse_control(at: Place) -> None:
    """Aborting takes the medium away; it opens nothing."""
    for name in os.listdir("/sys/fs/fuse/connections"):
        write_file(f"/sys/fs/fuse/connections/{name}/max_background", "1",
                   os.O_WRONLY)
    write_file(at.file(), at.people)


@row("passed", "an open node passed over a socket", "devices",
     told_root=OF_BLOCK)
def passed_descriptor(at: Place) -> None:
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        try:
            fd = os.open(at.node, os.O_WRONLY)
            socket.send_fds(theirs, [b"x"], [fd])
        finally:
            os._exit(0)
    theirs.close()
    _, fds, _, _ = socket.recv_fds(ours, 1, 1)
    os.waitpid(child, 0)
    if not fds:
        raise Refused("nobody could open it")
    os.pwrite(fds[0], at.people, FAR)


@row("usbip", "exported by usbip", "devices", refs="A12", told_root="",
     after="echo 1-1 > /sys/bus/usb/drivers/usbip-host/unbind")
def exported_by_usbip(at: Place) -> None:
    """The unapproved stick handed to usbip-host, which is a driver like others:
    it is bound only to what is authorised."""
    busid = os.path.basename(at.unapproved)
    run("modprobe", "usbip-host")
    host = "/sys/bus/usb/drivers/usbip-host"
    write_file(f"{host}/match_busid", f"add {busid}", os.O_WRONLY)
    write_file(f"{host}/bind", busid, os.O_WRONLY)


@row("unbind", "its driver unbound and bound again", "devices",
     refs="A4", told_root="")
def driver_of_the_unapproved(at: Place) -> None:
    name = os.path.basename(at.unapproved) + ":1.0"
    write_file("/sys/bus/usb/drivers/usb-storage/bind", name, os.O_WRONLY)


@row("scsidebug", "a disk that no policy knows", "devices", refs="A6",
     told_root=OF_BLOCK, after="modprobe -r scsi_debug")
def a_disk_from_nowhere(at: Place) -> None:
    """scsi_debug stands for eSATA, NVMe enclosures and iSCSI: a disk that comes
    after the boot and is no USB device."""
    before = set(os.listdir("/sys/block"))
    run("modprobe", "scsi_debug", "dev_size_mb=8")
    time.sleep(1)
    for name in set(os.listdir("/sys/block")) - before:
        _write_small(f"/dev/{name}")
        return
    raise RuntimeError("no disk came: nothing was tried")


@row("burner", "an optical burner that no policy knows", "devices",
     refs="A17", told_root=OF_BLOCK, after="modprobe -r scsi_debug")
def a_burner_from_nowhere(at: Place) -> None:
    before = set(os.listdir("/sys/block"))
    run("modprobe", "scsi_debug", "ptype=5")
    time.sleep(1)
    for name in set(os.listdir("/sys/block")) - before:
        fd = os.open(f"/dev/{name}", os.O_RDONLY | os.O_NONBLOCK)
        os.close(fd)
        return
    raise RuntimeError("no drive came: nothing was tried")


def _write_small(node: str) -> None:
    fd = os.open(node, os.O_WRONLY)
    os.close(fd)
