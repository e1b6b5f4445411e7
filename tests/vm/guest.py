"""One QEMU guest: boot, ssh, files, network, snapshots.

A Guest owns its QEMU process and a directory with disk and logs. It never
changes the cached image: the disk is an overlay or a copy.
"""

from __future__ import annotations

import functools
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from devices import Usb
from image import Image
from keyboard import Screen
from qmp import Qmp, QmpError
from server import Server

TOOLS = Path(__file__).resolve().parent / "tools"
MEMORY_MIB = 1280
BOOT_TIMEOUT_S = 900


class GuestError(Exception):
    """The guest did not do what was asked: no boot, a command failed or hung."""


@dataclass(frozen=True)
class Result:
    """What a command in the guest gave back."""

    command: str
    code: int
    stdout: str
    stderr: str

    @property
    def ok(self) -> bool:
        return self.code == 0


@dataclass(frozen=True)
class Boot:
    """What to boot: files of the host and the kernel's command line."""

    disk: Path
    kernel: Path
    initrd: Path
    ssh_key: Path
    cmdline: str
    disk_format: str = "qcow2"
    # More QEMU arguments, for hardware that cannot be plugged over USB.
    devices: tuple[str, ...] = ()


# Without bochs text mode stays, so that the screen can be read; the other
# modules only cost time. A busy host is no stall.
_CMDLINE = ("rw net.ifnames=0 nowatchdog rcupdate.rcu_cpu_stall_suppress=1 "
            "sysrq_always_enabled=1 "
            "modprobe.blacklist=bochs,kvm_amd,powernow_k8,iTCO_wdt,cfg80211")
PLAIN_CMDLINE = f"root=LABEL=root quiet console=tty0 console=ttyS0 {_CMDLINE}"
LUKS_CMDLINE = ("root=/dev/mapper/cryptroot console=ttyS0 console=tty0 "
                + _CMDLINE)


def plain_boot(image: Image, disk: Path) -> Boot:
    """Boots straight to ssh; boot messages go to the serial line."""
    return Boot(disk, image.kernel, image.initrd(luks=False), image.ssh_key,
                PLAIN_CMDLINE)


def luks_boot(image: Image, disk: Path) -> Boot:
    """Stops in the initramfs at a passphrase prompt on the screen."""
    return Boot(disk, image.kernel, image.initrd(luks=True), image.ssh_key,
                LUKS_CMDLINE)


def make_overlay(base: Path, base_format: str, overlay: Path) -> Path:
    """A new disk that reads from `base` and keeps its own writes."""
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(base),
                    "-F", base_format, str(overlay)], check=True)
    return overlay


@functools.cache
def accelerator() -> str:
    """"kvm" where it works, else "tcg"; $SEKISHO_VM_ACCEL decides if set."""
    chosen = os.environ.get("SEKISHO_VM_ACCEL")
    if chosen:
        return chosen
    return "kvm" if _runs_under_kvm() else "tcg"


def _runs_under_kvm() -> bool:
    """A machine may offer /dev/kvm and emulate each instruction behind it."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    # Firmware that counts to 2^26, hundredths of a second for a processor, and
    # leaves through port 0xf4: QEMU exits with twice the byte and one.
    #   mov $0x4000000,%ecx; 1: dec %ecx; jnz 1b; mov $0x10,%al; out %al,$0xf4
    code = bytes.fromhex("66b900000004" "6649" "75fc" "b010" "e6f4")
    to_the_start = bytes.fromhex("e90d00")  # the reset vector is 16 bytes long
    with tempfile.NamedTemporaryFile() as rom:
        rom.write(code.ljust(0xfff0, b"\xf4") + to_the_start.ljust(16, b"\xf4"))
        rom.flush()
        probe = ["qemu-system-x86_64", "-machine", "q35", "-accel", "kvm",
                 "-cpu", "host", "-nodefaults", "-display", "none",
                 "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04",
                 "-bios", rom.name]
        try:
            done = subprocess.run(probe, stdin=subprocess.DEVNULL,
                                  capture_output=True, timeout=15, check=False)
        except subprocess.TimeoutExpired:
            return False
    return done.returncode == 2 * 0x10 + 1


def machine_arguments() -> list[str]:
    """The hardware; a snapshot fits only the one it was taken on."""
    accel = accelerator()
    return [
        "-name", "sekisho", "-nodefaults",
        "-machine", "q35,i8042=off,sata=off,smbus=off",
        "-m", str(MEMORY_MIB), "-smp", "2",
        "-accel", "tcg,thread=multi" if accel == "tcg" else accel,
        "-cpu", "max" if accel == "tcg" else "host",
        "-vga", "std", "-display", "none",
        "-device", "virtio-blk-pci,drive=root,serial=root",
        "-device", "virtio-rng-pci",
        "-device", "virtio-net-pci,id=harness0,netdev=harness,romfile=",
        "-device", "virtio-net-pci,id=lan0,netdev=lan,romfile=",
        "-device", "qemu-xhci,id=xhci,p2=8,p3=8",
        "-device", "virtio-serial-pci,id=ports",
        "-serial", "chardev:serial",
    ]


class Guest:
    """A running guest. Use as a context manager, or call start() and stop().

    Attributes for scenarios: `usb` plugs devices, `screen` reads the text
    console and types on a plugged keyboard, `qmp` is the monitor, `scratch` is
    a host folder for stick images, gone after the run.
    """

    usb: Usb
    screen: Screen

    def __init__(self, boot: Boot, directory: Path) -> None:
        """`directory` gets the logs; sockets live in a short-named folder."""
        self.boot = boot
        self._monitor: Qmp | None = None
        self._server: Server | None = None
        # The .deb files under test; empty for a guest without the agent.
        self.packages: list[Path] = []
        self.directory = directory
        self.scratch = directory / "scratch"
        self.scratch.mkdir(parents=True, exist_ok=True)
        self.ssh_port = 0
        self._sockets = Path(tempfile.mkdtemp(prefix="sekisho-vm-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._masters: set[str] = set()

    @property
    def server(self) -> Server:
        """The server this terminal is enrolled at."""
        if self._server is None:
            raise GuestError("this guest has no server")
        return self._server

    @server.setter
    def server(self, server: Server) -> None:
        self._server = server

    @property
    def qmp(self) -> Qmp:
        if self._monitor is None:
            raise GuestError("the guest is not running")
        return self._monitor

    def __enter__(self) -> Guest:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    # -- power ---------------------------------------------------------------

    def start(self, snapshot: str = "", initrd: Path | None = None,
              plug: Callable[[Usb], object] | None = None) -> None:
        """Powers on; returns when the monitor answers, long before ssh does.

        With `snapshot` the guest goes on from there, booted. With `initrd` the
        kernel gets that file, such as one from fetch_initrd(). `plug` is called
        before the first instruction, for devices that are there at power-on.
        """
        monitor = self._sockets / "qmp"
        monitor.unlink(missing_ok=True)
        self.ssh_port = _free_port()
        with open(self.directory / "qemu.log", "ab") as log:
            self._process = subprocess.Popen(
                self._argv(snapshot, initrd or self.boot.initrd),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        self._wait_until(monitor.exists, 60, "QEMU's monitor")
        self._monitor = Qmp(monitor, timeout_s=600)
        self.usb = Usb(self.qmp)
        self.screen = Screen(self.qmp, self._sockets)
        if plug is not None:
            plug(self.usb)
        self.qmp.command("cont")
        if snapshot:
            # A snapshot may have been taken with the cable out.
            self.restore_network()
            self.wait_ready(120)
            self._set_clock()

    def stop(self) -> None:
        """Pulls the power cord and removes sockets. Safe to call twice."""
        self._close_ssh()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._monitor is not None:
            self._monitor.close()
            self._monitor = None
        shutil.rmtree(self._sockets, ignore_errors=True)

    def reboot(self, initrd: Path | None = None,
               plug: Callable[[Usb], object] | None = None) -> None:
        """Orderly shutdown, then power on as start() does; no wait for ssh.

        What was plugged is not plugged any more.
        """
        self.shutdown()
        self._power_on_again(initrd, plug)

    def power_cut(self, initrd: Path | None = None,
                  plug: Callable[[Usb], object] | None = None) -> None:
        """As reboot(), but what the guest had not flushed is lost."""
        self._close_ssh()
        self._power_on_again(initrd, plug)

    def shutdown(self, timeout_s: float = 300) -> None:
        """Orderly shutdown; QEMU ends with it."""
        self.ssh("systemctl poweroff", check=False)
        self._close_ssh()
        assert self._process is not None
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            raise GuestError("the guest does not power off") from error

    def wait_ready(self, timeout_s: float = BOOT_TIMEOUT_S) -> float:
        """Waits until ssh answers and systemd has settled; returns seconds."""
        start = time.monotonic()
        while True:
            try:
                if self.ssh("true", timeout_s=30, check=False).ok:
                    break
            except GuestError:
                pass
            self._check_alive()
            if time.monotonic() - start > timeout_s:
                raise GuestError(f"no ssh within {timeout_s:.0f} s")
            time.sleep(0.5)
        self.ssh("systemctl is-system-running --wait", check=False,
                 timeout_s=timeout_s)
        return time.monotonic() - start

    # -- commands and files --------------------------------------------------

    def ssh(self, command: str, user: str = "root", timeout_s: float = 120,
            check: bool = True, stdin: bytes = b"", fresh: bool = False,
            tty: bool = False) -> Result:
        """Runs a shell command in the guest.

        GuestError when it fails (unless check is False) or takes too long.
        Calls of one user share a connection, so a login; `fresh` makes a new
        one.
        """
        argv = ["ssh", *self._ssh_options(user, fresh), f"{user}@127.0.0.1",
                *(["-tt"] if tty else []), "--", command]
        if not fresh:
            self._masters.add(user)
        try:
            done = subprocess.run(argv, input=stdin, capture_output=True,
                                  timeout=timeout_s, check=False)
        except subprocess.TimeoutExpired as error:
            raise GuestError(f"{command}: not done in {timeout_s} s") from error
        result = Result(command, done.returncode,
                        done.stdout.decode(errors="replace"),
                        done.stderr.decode(errors="replace"))
        if check and not result.ok:
            raise GuestError(f"{command}: exit {result.code}: "
                             f"{(result.stderr or result.stdout).strip()}")
        return result

    def put(self, source: Path, target: str, mode: int = 0o644) -> None:
        """Copies a host file to the path `target` of the guest, as root."""
        self.write_file(target, source.read_bytes(), mode)

    def write_file(self, target: str, data: bytes, mode: int = 0o644,
                   owner: str = "root") -> None:
        quoted = shlex.quote(target)
        self.ssh(f"mkdir -p $(dirname {quoted}) && cat > {quoted} && "
                 f"chmod {mode:o} {quoted} && chown {owner}: {quoted}",
                 stdin=data, timeout_s=600)

    def get(self, source: str, target: Path, timeout_s: float = 600) -> Path:
        """Copies a file of the guest to the host path `target`."""
        argv = ["ssh", *self._ssh_options("root", False), "root@127.0.0.1",
                "--", "cat " + shlex.quote(source)]
        with open(target, "wb") as out:
            subprocess.run(argv, stdout=out, stdin=subprocess.DEVNULL,
                           timeout=timeout_s, check=True)
        return target

    def read_file(self, source: str) -> bytes:
        target = self.scratch / "read-file"
        return self.get(source, target).read_bytes()

    def install_tools(self) -> None:
        """Puts the programs of tools/ into the guest's PATH."""
        for tool in sorted(TOOLS.iterdir()):
            self.put(tool, f"/usr/local/sbin/{tool.name}", 0o755)

    def block_device(self, serial: str) -> str:
        """The name ("sda") of the USB disk with that serial, "" if none."""
        # Few processes: each costs tens of milliseconds under emulation.
        script = (f"f=$(grep -lsxF -- {shlex.quote(serial)} "
                  "/sys/bus/usb/devices/*/serial) || exit 0; "
                  "for d in ${f%/serial}/*/host*/target*/*/block/*; do "
                  '[ -d "$d" ] && echo "${d##*/}"; done; true')
        return self.ssh(script).stdout.strip()

    def make_initrd(self) -> Path:
        """Lets the guest make its initramfs again: minutes when emulated."""
        self.ssh("update-initramfs -u", timeout_s=3600)
        return self.fetch_initrd()

    def fetch_initrd(self) -> Path:
        """The initramfs the guest now has in /boot, to hand to reboot()."""
        return self.get("/initrd.img", self.directory / "initrd-from-guest")

    def wait_for(self, command: str, timeout_s: float = 30,
                 user: str = "root") -> Result:
        """Repeats `command` in the guest until it exits 0."""
        deadline = time.monotonic() + timeout_s
        while True:
            result = self.ssh(command, user=user, check=False)
            if result.ok:
                return result
            if time.monotonic() > deadline:
                raise GuestError(f"{command}: still exit {result.code} after "
                                 f"{timeout_s} s: {result.stderr.strip()}")
            time.sleep(0.2)

    # -- network and snapshots -----------------------------------------------

    def cut_network(self) -> None:
        """Unplugs the cable to the server; ssh of the harness goes on."""
        self.qmp.command("set_link", {"name": "lan0", "up": False})

    def restore_network(self) -> None:
        self.qmp.command("set_link", {"name": "lan0", "up": True})

    def save(self, snapshot: str) -> None:
        """Keeps disk and memory under a name. Nothing may be plugged."""
        if self.usb.plugged:
            raise GuestError("unplug everything before a snapshot")
        self.ssh("sync", timeout_s=300)
        self._close_ssh()
        self._hmp(f"savevm {snapshot}")

    def load(self, snapshot: str) -> None:
        """Goes back to a snapshot; unplugs everything, mends the network."""
        self.usb.unplug_all()
        self._close_ssh()
        self._hmp(f"loadvm {snapshot}")
        self.restore_network()
        self.wait_ready(120)
        self._set_clock()

    # -- for reports and people ----------------------------------------------

    def ssh_command(self, user: str = "root") -> str:
        """What a person types on the host to get a shell in the guest."""
        return shlex.join(["ssh", *self._ssh_options(user, True),
                           f"{user}@127.0.0.1"])

    @property
    def pid(self) -> int:
        """QEMU's, for whoever ends a guest that was left running."""
        assert self._process is not None
        return self._process.pid

    def kill_command(self) -> str:
        """What ends a guest that was left running."""
        assert self._process is not None
        return (f"kill {self._process.pid}; rm -r {self.directory} "
                f"{self._sockets}")

    def diagnosis(self) -> str:
        """Tails of journal, dmesg and console, whatever can still be had."""
        parts = []
        for title, command in (("journal", "journalctl -b -n 60 --no-pager"),
                               ("dmesg", "dmesg | tail -n 40")):
            try:
                text = self.ssh(command, check=False, timeout_s=60).stdout
            except GuestError as error:
                text = str(error)
            parts.append(f"--- {title}\n{text}")
        if "not done in" in parts[0]:
            self._ask_kernel()
        console = self.directory / "console.log"
        if console.exists():
            tail = console.read_text(errors="replace").splitlines()[-300:]
            parts.append("--- console\n" + "\n".join(tail))
        try:
            parts.append("--- screen\n" + self.screen.text())
        except (QmpError, OSError, AttributeError) as error:
            parts.append(f"--- screen\n{error}")
        return "\n".join(parts)

    # -- inside --------------------------------------------------------------

    def _ask_kernel(self) -> None:
        """Of a guest that answers nothing: what waits, and what runs."""
        try:
            for _ in range(3):
                print("\n".join(
                    line for line in self.qmp.hmp("info registers -a")
                    .splitlines() if "RIP" in line or "CPU#" in line))
                time.sleep(0.5)
            for key in ("9", "w", "l", "m"):
                self.qmp.hmp(f"sendkey alt-sysrq-{key}")
                time.sleep(5)
        except (QmpError, OSError):
            pass  # the console tells what came until then

    def _argv(self, snapshot: str, initrd: Path) -> list[str]:
        boot = self.boot
        return [
            "qemu-system-x86_64", *machine_arguments(),
            "-kernel", str(boot.kernel), "-initrd", str(initrd),
            "-append", boot.cmdline,
            "-blockdev", f"driver={boot.disk_format},node-name=root,"
                         "discard=unmap,file.driver=file,"
                         f"file.filename={boot.disk}",
            "-netdev", "user,id=harness,net=10.0.3.0/24,restrict=on,"
                       f"hostfwd=tcp:127.0.0.1:{self.ssh_port}-:22",
            "-netdev", "user,id=lan,net=10.0.2.0/24",
            "-chardev", "socket,id=serial,server=on,wait=off,logappend=on,"
                        f"path={self._sockets}/serial,"
                        f"logfile={self.directory}/console.log",
            "-qmp", f"unix:{self._sockets}/qmp,server=on,wait=off", "-S",
            *boot.devices,
            *(["-loadvm", snapshot] if snapshot else []),
        ]

    def _power_on_again(self, initrd: Path | None,
                        plug: Callable[[Usb], object] | None) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self.qmp.close()
        self.start(initrd=initrd, plug=plug)

    def _ssh_options(self, user: str, fresh: bool) -> list[str]:
        options = ["-F", "none", "-i", str(self.boot.ssh_key),
                   "-p", str(self.ssh_port), "-o", "BatchMode=yes",
                   "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR",
                   "-o", "UserKnownHostsFile=/dev/null",
                   "-o", "ConnectTimeout=20"]
        if fresh:
            return options
        return options + ["-o", "ControlMaster=auto", "-o",
                          "ControlPersist=yes", "-o",
                          f"ControlPath={self._sockets}/ssh-{user}"]

    def _close_ssh(self) -> None:
        """Ends shared connections: they do not survive a snapshot or a boot."""
        for user in self._masters:
            subprocess.run(["ssh", *self._ssh_options(user, False), "-O",
                            "exit", f"{user}@127.0.0.1"], check=False,
                           stdin=subprocess.DEVNULL, capture_output=True)
        self._masters.clear()

    def _set_clock(self) -> None:
        """After a snapshot the guest's clock stands at when it was taken."""
        self.ssh(f"date -s @{time.time():.3f}")

    def _hmp(self, line: str) -> None:
        answer = self.qmp.hmp(line)
        if answer.strip():
            raise GuestError(f"{line}: {answer.strip()}")

    def _check_alive(self) -> None:
        if self._process is None or self._process.poll() is not None:
            log = (self.directory / "qemu.log").read_text(errors="replace")
            raise GuestError("QEMU ended: " + log[-2000:])

    def _wait_until(self, condition: Callable[[], bool], timeout_s: float,
                    what: str) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            self._check_alive()
            if time.monotonic() > deadline:
                raise GuestError(f"{what}: not there after {timeout_s} s")
            time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
