"""The steps that make the guest's disks; image.py caches what they give.

Any change to this file or to image/ gives a new image.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from pathlib import Path

RECIPE = Path(__file__).resolve().parent / "image"
SOURCES = (
    "deb http://deb.debian.org/debian bookworm main",
    "deb http://deb.debian.org/debian bookworm-updates main",
    "deb http://deb.debian.org/debian-security bookworm-security main",
)
ROOT_SIZE = "3G"
LUKS_PASSPHRASE = "sekisho"


class Builder:
    """Fills one directory; what the tools say goes to build.log in it."""

    def __init__(self, out: Path, more_packages: Path | None = None) -> None:
        """With `more_packages`, a list like packages.txt: no disk on LUKS."""
        self._out = out
        self._more_packages = more_packages
        self._tree = out / "tree"
        self._log = out / "build.log"

    def build(self) -> None:
        if os.geteuid() != 0:
            raise PermissionError("building the guest image needs root")
        out, tree = self._out, self._tree
        self._step("bootstrap Debian 12")
        self._run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C",
                  "sekisho-vm", "-f", str(out / "id_ed25519"))
        self._bootstrap(out / "id_ed25519.pub")
        shutil.copy(_only(tree / "boot", "vmlinuz-*"), out / "vmlinuz")
        shutil.copy(_only(tree / "boot", "initrd.img-*"), out / "initrd")

        self._step("plain disk")
        self._make_disk(out / "root.raw")
        self._run("qemu-img", "convert", "-O", "qcow2", str(out / "root.raw"),
                  str(out / "root.qcow2"))
        if self._more_packages is not None:
            (out / "root.raw").unlink()
            shutil.rmtree(tree)
            return

        self._step("LUKS disk")
        luks_uuid = str(uuid.uuid4())
        self._put_root_on_luks(luks_uuid)
        shutil.copy(_only(tree / "boot", "initrd.img-*"), out / "initrd-luks")
        self._make_disk(out / "root.raw")
        self._encrypt(out / "root.raw", out / "luks.img", luks_uuid)
        (out / "root.raw").unlink()
        shutil.rmtree(tree)

    def _bootstrap(self, public_key: Path) -> None:
        packages = _listed(RECIPE / "packages.txt")
        if self._more_packages is not None:
            packages += _listed(self._more_packages)
        self._run(
            "mmdebstrap", "--quiet", "--mode=root", "--variant=minbase",
            "--format=directory", "--include=" + ",".join(packages),
            '--aptopt=Acquire::Languages "none"',
            "--dpkgopt=path-exclude=/usr/share/doc/*",
            "--dpkgopt=path-exclude=/usr/share/man/*",
            f'--customize-hook=upload "{public_key}" /root/authorized_keys',
            f'--customize-hook=upload "{RECIPE / "customize"}" /root/customize',
            '--customize-hook=chroot "$1" sh /root/customize',
            '--customize-hook=rm "$1/root/customize"',
            "bookworm", str(self._tree), *SOURCES)
        # mmdebstrap empties it last; systemd would take that for a first boot
        # and reset which units are enabled.
        (self._tree / "etc/machine-id").write_text(uuid.uuid4().hex + "\n")

    def _put_root_on_luks(self, luks_uuid: str) -> None:
        """The hook complains that it sees no such device: true, not yet."""
        (self._tree / "etc/crypttab").write_text(
            f"cryptroot UUID={luks_uuid} none luks,initramfs\n")
        (self._tree / "etc/fstab").write_text(
            "/dev/mapper/cryptroot / ext4 defaults 0 1\n")
        self._run("chroot", str(self._tree), "update-initramfs", "-u", "-k",
                  "all")

    def _make_disk(self, disk: Path) -> None:
        disk.unlink(missing_ok=True)
        self._run("mke2fs", "-q", "-t", "ext4", "-L", "root", "-d",
                  str(self._tree), str(disk), ROOT_SIZE)

    def _encrypt(self, plain: Path, luks: Path, luks_uuid: str) -> None:
        """Writes `plain` inside a LUKS1 container; needs no dm-crypt here."""
        # qemu-img times itself to choose the iterations; on a busy machine the
        # clock it uses may not have moved, and it gives up.
        self._run("qemu-img", "convert", "-O", "luks",
                  "--object", f"secret,id=key,data={LUKS_PASSPHRASE}",
                  "-o", "key-secret=key,iter-time=100", str(plain), str(luks),
                  tries=10)
        # The initramfs was made before the container, so the container takes
        # its UUID: 40 bytes at offset 168 of a LUKS1 header, which has no
        # checksum.
        with open(luks, "r+b") as header:
            header.seek(168)
            header.write(luks_uuid.encode().ljust(40, b"\0"))

    def _step(self, text: str) -> None:
        print(f"build-image: {text}", flush=True)

    def _run(self, *argv: str, tries: int = 1) -> None:
        for _ in range(tries):
            with open(self._log, "ab") as log:
                done = subprocess.run(argv, check=False, stdout=log, stderr=log,
                                      stdin=subprocess.DEVNULL)
            if done.returncode == 0:
                return
        tail = self._log.read_text(errors="replace")[-3000:]
        raise RuntimeError(f"{argv[0]} failed: {tail}")


def _listed(packages: Path) -> list[str]:
    return [line.strip() for line in packages.read_text().splitlines()
            if line.strip() and not line.startswith("#")]


def _only(folder: Path, pattern: str) -> Path:
    found = [p for p in folder.glob(pattern) if not p.is_symlink()]
    if len(found) != 1:
        raise FileNotFoundError(f"{folder}/{pattern}: {len(found)} files")
    return found[0]
