"""Puts the agent under test onto a guest, the way an admin would."""

from __future__ import annotations

from pathlib import Path

from guest import Guest
from server import Server, enrol_guest_command


def install(guest: Guest, debs: list[Path], make_initramfs: bool) -> None:
    """Installs all but the server's, as an admin would with apt.

    Making the initramfs takes minutes under emulation, and a guest whose kernel
    is booted directly gets another one: False leaves it to guest.make_initrd().
    """
    wanted = [d for d in debs if not d.name.startswith("sekisho-server")]
    for deb in wanted:
        guest.put(deb, f"/root/{deb.name}")
    names = " ".join(f"/root/{deb.name}" for deb in wanted)
    setting = "/etc/initramfs-tools/update-initramfs.conf"
    if not make_initramfs:
        guest.ssh(f"cp -a {setting} /root/kept && "
                  f"echo update_initramfs=no >> {setting}")
    guest.ssh("DEBIAN_FRONTEND=noninteractive apt-get install -qy "
              f"{names} && rm {names}", timeout_s=3600)
    if not make_initramfs:
        guest.ssh(f"mv /root/kept {setting}")


def enrol(guest: Guest, server: Server) -> None:
    """Enrols the terminal with a fresh one-time token."""
    guest.ssh(enrol_guest_command(server.ports, server.token()), timeout_s=300)
