"""Rows that go for the agent: its processes, units, files, sockets and maps.

After each the driver tries to copy the row's list and to open the stick, so that
"closed afterwards" is what the medium says. Those that break something come
last, and `after` mends it.
"""

from __future__ import annotations

import ctypes
import glob
import os
import select
import signal
import socket
import ssl
import time
from typing import Callable

from .rows import (BLOCKED, DETECTED, LIMITATION, Place, Refused, pid_of, row,
                   run, write_file)

SCAN_REQUEST = b"\x01\x03"  # ipc::ScanRequest::kType, little-endian
LIBEXEC = "/usr/libexec/sekisho"
PINS = "/sys/fs/bpf/sekisho"
UNITS = "/etc/systemd/system"
CGROUP = "/sys/fs/cgroup/system.slice"
KILL = r"refused: kill signal"
PTRACE = "refused: ptrace"
HOSTILE = "/usr/local/lib/bypass/hostile.so"
MEND = ("systemctl daemon-reload; systemctl reset-failed 'sekisho*'; "
        "systemctl restart sekishod; ")


def _kill(program: str, how: signal.Signals) -> None:
    pid = pid_of(program)
    os.kill(pid, how)
    time.sleep(0.3)


for _program in ("sekishod", "sekisho-gate", "sekisho-devices",
                 "sekisho-uplink", "sekisho-scan"):
    _short = _program.split("-")[-1]
    for _signal in (signal.SIGKILL, signal.SIGSTOP):
        _word = _signal.name[3:].lower()
        row(f"{_word}{_short}", f"SIG{_word.upper()} to {_program}", "agent",
            refs="A28", told_root=KILL,
            short=_program in ("sekishod", "sekisho-scan"))(
            lambda at, p=_program, s=_signal: _kill(p, s))


@row("ptrace", "ptrace of sekishod", "agent", refs="A28", told_root=PTRACE,
     short=True)
def trace(at: Place) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, pid_of("sekishod"), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PTRACE_ATTACH")


@row("ptracescan", "ptrace of sekisho-scan", "agent", refs="A28",
     told_root=PTRACE)
def trace_the_scan(at: Place) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, pid_of("sekisho-scan"), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PTRACE_ATTACH")


@row("mem", "/proc/PID/mem of the gate", "agent", refs="A28",
     told_root=PTRACE)
def memory_of_the_gate(at: Place) -> None:
    os.close(os.open(f"/proc/{pid_of('sekisho-gate')}/mem", os.O_RDWR))


@row("mapedit", "a map of the gate edited by id", "agent",
     told_root="refused: (gate_map|bpf)", short=True)
def map_by_id(at: Place) -> None:
    """BPF_MAP_GET_FD_BY_ID for each id there is: one that opens is edited."""
    libc = ctypes.CDLL(None, use_errno=True)
    refused = opened = 0
    for number in range(1, 400):
        attributes = ctypes.create_string_buffer(
            number.to_bytes(4, "little") + bytes(124))
        fd = libc.syscall(321, 14, attributes, 128)
        if fd >= 0:
            with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as info:
                opened += "map_type" in info.read()
            os.close(fd)
        elif ctypes.get_errno() == 1:
            refused += 1
    if refused or not opened:
        raise Refused(f"{refused} maps are refused")


@row("pins", "a pin of the gate removed", "agent", told_root="refused: pin",
     short=True)
def pins(at: Place) -> None:
    names = sorted(os.listdir(PINS))
    os.unlink(f"{PINS}/{names[0]}")


@row("bpffs", "the bpf filesystem unmounted", "agent",
     told_root="refused: pin")
def unmount_bpffs(at: Place) -> None:
    run("umount", "-l", "/sys/fs/bpf")


@row("ftrace", "tracing switched off under the hooks", "agent",
     told_root="refused: tracing")
def no_ftrace(at: Place) -> None:
    write_file("/proc/sys/kernel/ftrace_enabled", "0", os.O_WRONLY)


@row("unload", "modules unloaded", "agent")
def unload(at: Place) -> None:
    for module in ("fuse", "usb_storage", "vfat"):
        run("rmmod", module)


@row("module", "a kernel module loaded", "agent", refs="A34",
     root=LIMITATION, reason="without Secure Boot root owns the kernel")
def load_a_module(at: Place) -> None:
    """Any will do: nothing asks what it is."""
    run("modprobe", "-r", "dummy")
    run("modprobe", "dummy")
    run("modprobe", "-r", "dummy")


@row("overwrite-binary", "sekishod overwritten in place", "agent", refs="A28",
     short=True)
def overwrite_the_daemon(at: Place) -> None:
    fd = os.open("/usr/sbin/sekishod", os.O_WRONLY)
    os.close(fd)


@row("overwrite-scan", "sekisho-scan overwritten in place", "agent",
     refs="A28")
def overwrite_the_scan(at: Place) -> None:
    os.truncate(f"{LIBEXEC}/sekisho-scan", 0)


@row("control", "its control socket spoken to by others", "agent")
def control_socket(at: Place) -> None:
    _speak("/run/sekisho/control.sock")


@row("gatesock", "the gate's socket spoken to by others", "agent", short=True)
def gate_socket(at: Place) -> None:
    _speak("/run/sekisho/gate.sock")


@row("uplinksock", "the uplink's socket spoken to by others", "agent")
def uplink_socket(at: Place) -> None:
    _speak("/run/sekisho/uplink.sock")


@row("devicesock", "the device watcher's socket spoken to by others", "agent")
def devices_socket(at: Place) -> None:
    _speak("/run/sekisho/devices.sock")


def _speak(path: str) -> None:
    """Whatever is said, who is not the program it is for gets no answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as speaker:
        speaker.settimeout(5)
        speaker.connect(path)
        speaker.send(b"\1\4\0\0" + bytes(60))
        answer = speaker.recv(4096)
    if not answer:
        raise Refused("it hung up")


@row("impersonate", "another terminal's name at the server", "agent",
     refs="A36")
def impersonate(at: Place) -> None:
    """A certificate of one's own making, which names another agent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    context.load_cert_chain("/usr/local/lib/bypass/stranger.pem")
    host, port = at.server.rsplit(":", 1)
    with socket.create_connection((host, int(port)), 10) as plain, \
            context.wrap_socket(plain) as tls:
        tls.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))
        if not tls.recv(1):
            raise Refused("it hung up")


@row("cgroup", "a process moved into the agent's cgroup", "agent",
     told_root=r"refused: (open|device_cgroup) of b[0-9]")
def into_its_cgroup(at: Place) -> None:
    """Whose cgroup it is says nothing: the stick stays closed to it."""
    child = os.fork()
    if child == 0:
        try:
            write_file(f"{CGROUP}/sekishod.service/cgroup.procs",
                       str(os.getpid()), os.O_WRONLY)
            fd = os.open(at.node, os.O_WRONLY)
            os.pwrite(fd, at.people, 60 << 20)
            os._exit(0)
        except OSError:
            os._exit(1)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
        raise Refused("the node stays closed")


@row("freeze", "the agent frozen by its cgroup", "agent",
     root=DETECTED, told_root="alert core_silent", refs="A28 A33",
     after=f"echo 0 > {CGROUP}/sekishod.service/cgroup.freeze")
def freeze(at: Place) -> None:
    """sekishod can tell nothing of it: its uplink says that it does not answer."""
    path = f"{CGROUP}/sekishod.service/cgroup.freeze"
    write_file(path, "1", os.O_WRONLY)


@row("stop", "systemctl stop", "agent", refs="A28", root=DETECTED,
     told_root="(agent_stopped|alert core_silent)", short=True, after="systemctl start sekishod")
def stop(at: Place) -> None:
    run("systemctl", "stop", "sekishod")


@row("cgroupkill", "cgroup.kill of sekishod", "agent", refs="A28",
     root=DETECTED, told_root="agent_started",
     after="systemctl start sekishod")
def cgroup_kill(at: Place) -> None:
    write_file(f"{CGROUP}/sekishod.service/cgroup.kill", "1", os.O_WRONLY)
    time.sleep(2)


@row("memorymax", "memory.max=0", "agent", refs="A28", root=DETECTED,
     told_root="agent_started",
     after=f"echo 268435456 > {CGROUP}/sekishod.service/memory.max; "
           "systemctl restart sekishod")
def no_memory(at: Place) -> None:
    path = f"{CGROUP}/sekishod.service/memory.max"
    write_file(path, "0", os.O_WRONLY)
    time.sleep(3)
    write_file(path, "max", os.O_WRONLY)


@row("mask", "the unit masked", "agent", refs="A28", root=DETECTED,
     told_root="unit file", short=True,
     after=f"rm -f {UNITS}/sekishod.service; " + MEND)
def mask(at: Place) -> None:
    run("systemctl", "mask", "sekishod.service")


def _drop_in(unit: str, text: str, folder: str = UNITS) -> None:
    os.makedirs(f"{folder}/{unit}.d", exist_ok=True)
    write_file(f"{folder}/{unit}.d/bypass.conf", text)
    run("systemctl", "daemon-reload")


def _undo(unit: str, folder: str = UNITS) -> str:
    return (f"rm -rf {folder}/{unit}.d; " + MEND +
            "systemctl restart sekisho-scan.socket; ")


@row("dropin", "a drop-in of sekishod's unit", "agent", refs="A28",
     root=DETECTED, told_root="unit file", after=_undo("sekishod.service"))
def drop_in(at: Place) -> None:
    _drop_in("sekishod.service", "[Service]\nExecStart=\nExecStart=/bin/true\n")


def _new_worker() -> None:
    """The next scan is asked of a process started now."""
    run("systemctl", "stop", "sekisho-scan@*.service")


@row("preload", "LD_PRELOAD into sekisho-scan by a drop-in", "agent",
     refs="A28", root=DETECTED, told_root="unit file", short=True,
     after=_undo("sekisho-scan@.service"))
def preload(at: Place) -> None:
    _drop_in("sekisho-scan@.service",
             f"[Service]\nEnvironment=LD_PRELOAD={HOSTILE}\n")
    _new_worker()


@row("ldaudit", "LD_AUDIT into sekisho-scan by a drop-in of all services",
     "agent", refs="A28", root=DETECTED, told_root="unit file",
     after=_undo("service", "/run/systemd/system"))
def audit(at: Place) -> None:
    _drop_in("service", f"[Service]\nEnvironment=LD_AUDIT={HOSTILE}\n",
             "/run/systemd/system")
    _new_worker()


@row("otherscan", "another program in sekisho-scan's unit", "agent",
     refs="A28", root=DETECTED, told_root="unit file",
     after=_undo("sekisho-scan@.service"))
def another_scan(at: Place) -> None:
    _drop_in("sekisho-scan@.service",
             "[Service]\nExecStart=\nExecStart=/bin/cat\n")
    _new_worker()


@row("reloaded", "a drop-in that is loaded and taken away", "agent",
     refs="A28", root=DETECTED, told_root="unit file",
     after=_undo("sekisho-scan@.service"))
def loaded_and_gone(at: Place) -> None:
    _drop_in("sekisho-scan@.service",
             f"[Service]\nEnvironment=LD_PRELOAD={HOSTILE}\n")
    os.unlink(f"{UNITS}/sekisho-scan@.service.d/bypass.conf")
    _new_worker()


@row("managerenv", "LD_PRELOAD by systemd's own environment", "agent",
     refs="A28", after="systemctl unset-environment LD_PRELOAD; ")
def manager_environment(at: Place) -> None:
    """What the unit unsets does not arrive: the list is still refused."""
    run("systemctl", "set-environment", f"LD_PRELOAD={HOSTILE}")
    _new_worker()
    write_file(at.file("direct.csv"), at.people)


@row("ldsopreload", "/etc/ld.so.preload", "agent", refs="A28", root=DETECTED,
     told_root="ld.so.preload", short=True,
     after="rm -f /etc/ld.so.preload; " + MEND)
def system_preload(at: Place) -> None:
    write_file("/etc/ld.so.preload", HOSTILE + "\n")
    _new_worker()


@row("socket", "a socket of root's in the place of scan.sock", "agent",
     refs="A28", root=DETECTED, told_root="refused as a scan worker",
     after="rm -f /run/sekisho/scan.sock; "
           "systemctl restart sekisho-scan.socket")
def another_socket(at: Place) -> None:
    """Every question goes on to a real worker, with a clean content in the
    place of the one that was asked about."""
    path = "/run/sekisho/scan.sock"
    os.rename(path, path + ".real")
    _serve(path, lambda gate: _lie_between(gate, path + ".real"))
    _new_worker()


def _serve(path: str, answer: Callable[[socket.socket], None]) -> None:
    """Goes on while the driver looks whether the list passes."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(path)
    os.chmod(path, 0o666)
    listener.listen(8)
    if os.fork() != 0:
        return
    os.setsid()
    # The driver waits for the end of its pipe.
    os.closerange(3, listener.fileno())
    os.closerange(listener.fileno() + 1, 256)
    signal.alarm(40)
    try:
        while True:
            answer(listener.accept()[0])
    finally:
        os._exit(0)


@row("fakecore", "a process of root's in the place of sekishod", "agent",
     refs="A28", root=BLOCKED, told_root="refused: socket", short=True,
     after="rm -f /run/sekisho/gate.sock; systemctl restart sekishod")
def another_core(at: Place) -> None:
    """sekishod is stopped in good order, which root may. Whoever dials
    gate.sock then is told by root's process that everything may pass."""
    run("systemctl", "stop", "sekishod")
    try:
        path = "/run/sekisho/gate.sock"
        if os.path.exists(path):
            os.unlink(path)
        _serve(path, _say_yes)
        time.sleep(3)  # longer than gates wait between two tries
        write_file(at.file("said-yes.csv"), at.people)
    finally:
        run("systemctl", "start", "sekishod")


def _say_yes(gate: socket.socket) -> None:
    """As sekishod would, had nobody a policy (agent/ipc/messages.h)."""
    while True:
        asked = gate.recv(1 << 17)
        if not asked:
            return
        kind, number = asked[:2], asked[2:10]
        if kind == b"\x01\x04":  # GateHello: it is opened for anything
            gate.send(b"\x02\x04" + number + (5).to_bytes(4, "little") +
                      b"audit" + bytes(16) +
                      2 * (256 << 20).to_bytes(8, "little") + bytes(32 + 8))
        elif kind == b"\x03\x04":  # WhoQuestion
            gate.send(b"\x04\x04" + number + (1).to_bytes(8, "little"))
        elif kind in (b"\x05\x04", b"\x0a\x04"):  # may it pass?
            gate.send(b"\x06\x04" + number + (1).to_bytes(8, "little"))


def _lie_between(gate: socket.socket, real: str) -> None:
    worker = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    worker.connect(real)
    while True:
        ready = select.select([gate, worker], [], [])[0]
        source, sink = (gate, worker) if gate in ready else (worker, gate)
        data, fds, _, _ = socket.recv_fds(source, 1 << 17, 4)
        if not data:
            return
        if source is gate and fds and data[:2] == SCAN_REQUEST:
            clean = os.memfd_create("clean", os.MFD_ALLOW_SEALING)
            os.write(clean, b"a" * os.fstat(fds[0]).st_size)
            fds[0] = clean
        if fds:
            socket.send_fds(sink, [data], fds)
        else:
            sink.send(data)


@row("replaced", "sekisho-gate replaced by another file", "agent",
     refs="A28", root=DETECTED, told_root="refused as a program",
     after=f"mv {LIBEXEC}/sekisho-gate.kept {LIBEXEC}/sekisho-gate; ")
def replaced(at: Place) -> None:
    path = f"{LIBEXEC}/sekisho-gate"
    os.link(path, path + ".kept")
    run("cp", path, path + ".new")
    with open(path + ".new", "ab") as file:
        file.write(b"x")
    os.rename(path + ".new", path)
    time.sleep(1)


@row("clock", "the clock set 40 days ahead", "agent", refs="A29",
     after="", root=BLOCKED)
def clock(at: Place) -> None:
    """What is counted over 30 days is counted anew, the limit for one file is
    not; the driver sets the clock back."""
    now = time.time()
    boot = time.monotonic()
    time.clock_settime(time.CLOCK_REALTIME, now + 40 * 86400)
    try:
        write_file(at.file("later.csv"), at.people)
    finally:
        time.clock_settime(time.CLOCK_REALTIME, now + time.monotonic() - boot)


@row("diskfull", "the terminal's disk filled", "agent", refs="A31",
     after="rm -f /var/fill.*")
def disk_full(at: Place) -> None:
    status = os.statvfs("/var")
    free = status.f_bavail * status.f_frsize
    with open("/var/fill.1", "wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, free - (8 << 20)))
        try:
            while True:
                os.write(file.fileno(), bytes(1 << 20))
        except OSError:
            pass
    write_file(at.file("full.csv"), at.people)


@row("spool", "the spool removed", "agent", refs="A32", root=DETECTED,
     told_root="(gap|spool)",
     after="systemctl restart sekishod")
def spool_removed(at: Place) -> None:
    names = glob.glob("/var/lib/sekisho/spool/*")
    if not names:
        raise Refused("there is none to be seen")
    for name in names:
        os.unlink(name)
    run("systemctl", "kill", "-s", "KILL", "sekishod")
    time.sleep(2)
