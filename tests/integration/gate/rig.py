"""Plays sekishod and the scan worker around one gate on a real FUSE mount.

The content is "personal" when it holds the word SECRET; the fake core refuses
it, unless told otherwise. Everything that was asked is kept for the test.
"""

import array
import contextlib
import ctypes
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

GATE_HELLO, GATE_START, WHO_QUESTION, WHO_ANSWER = 0x401, 0x402, 0x403, 0x404
TRANSFER_QUESTION, TRANSFER_ANSWER, TRANSFER_FAILED = 0x405, 0x406, 0x407
GATE_STOP, GATE_ACCESS = 0x408, 0x409
RELEASE_QUESTION, STREAM_ENDED = 0x40a, 0x40b
SCAN_REQUEST, SCAN_RESULT = 0x301, 0x302
SCAN_MORE, SCAN_PROGRESS = 0x303, 0x304
TELL_SO_FAR = 0x307
NOT_INCREMENTAL = 1
ALLOW, ALERT, BLOCK = 1, 2, 3
PACKET = 128 * 1024

libc = ctypes.CDLL(None, use_errno=True)


def number(value):
    return struct.pack("<q", value)


def text(value):
    return struct.pack("<I", len(value)) + value


class Reader:
    def __init__(self, packet):
        self.packet = packet
        self.at = 2
        self.type = struct.unpack_from("<H", packet)[0]

    def number(self):
        self.at += 8
        return struct.unpack_from("<q", self.packet, self.at - 8)[0]

    def text(self):
        size = struct.unpack_from("<I", self.packet, self.at)[0]
        self.at += 4 + size
        return self.packet[self.at - size:self.at]

    def count(self):
        self.at += 4
        return struct.unpack_from("<I", self.packet, self.at - 4)[0]

    def findings(self):
        found = {"format": self.text(), "encoding": self.text(),
                 "bytes": self.number(), "persons": self.number()}
        found["data"] = {self.text(): self.number()
                         for _ in range(self.count())}
        for _ in range(self.count()):  # columns
            self.text(), self.text(), self.number(), self.number()
        found["inspection"] = self.text().decode()
        found["reason"] = self.text().decode()
        for _ in range(self.count()):  # sketches
            self.text(), self.text(), self.text(), self.number()
        found["hash"] = self.text()
        self.text(), self.text()  # sealed samples, sample of the people
        return found


def findings(size, persons, inspection="full", reason=b""):
    data = (struct.pack("<I", 1) + text(b"phone") + number(persons)
            if persons else struct.pack("<I", 0))
    return (text(b"text") + text(b"utf-8") + number(size) + number(persons) +
            data + struct.pack("<I", 0) + text(inspection.encode()) +
            text(reason) + struct.pack("<I", 0) + text(b"\0" * 32) +
            text(b"") + text(b""))


def listen(path):
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(path)
    listener.listen(16)
    return listener


class Server:
    """Accepts on one socket, a thread for each connection."""

    def __init__(self, path):
        self.path = path
        self.listener = None
        self.connections = []

    def start(self):
        self.listener = listen(self.path)
        threading.Thread(target=self.accept, args=(self.listener,),
                         daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.serve, args=(connection,),
                             daemon=True).start()

    def stop(self):
        """As if the process was killed."""
        if self.listener:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None
        self.drop()

    def drop(self):
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self.connections.clear()

    def serve(self, connection):
        try:
            while True:
                packet, fds, _, _ = socket.recv_fds(connection, PACKET, 4)
                if not packet:
                    return
                try:
                    self.take(connection, Reader(packet), fds)
                finally:
                    for fd in fds:
                        os.close(fd)
        except OSError:
            return


class FakeWorker(Server):
    """SECRET is one person each time it occurs."""

    def __init__(self, path):
        super().__init__(path)
        self.before_answer = None  # called with the size; False: no answer
        self.scans = 0
        self.names = []

    def take(self, connection, packet, fds):
        if packet.type == TELL_SO_FAR:  # scans are over at once here
            return
        transfer, size = packet.number(), packet.number()
        follows = packet.type == SCAN_MORE
        if not follows:
            name = packet.text()
            packet.at += 32  # the key
            packet.number()
            follows = packet.number()
        if follows:  # only judged whole here
            connection.send(struct.pack("<H", SCAN_PROGRESS) +
                            number(transfer) + number(NOT_INCREMENTAL) +
                            number(0) + number(0) + text(b"") +
                            findings(size, 0))
            return
        self.scans += 1
        self.names.append(name)
        assert len(fds) == 1
        try:
            os.pwrite(fds[0], b"x", 0)
            raise AssertionError("the worker could write to the content")
        except OSError:
            pass
        persons, at, tail = 0, 0, b""
        while at < size:
            piece = os.pread(fds[0], 1 << 20, at)
            if not piece:
                break
            persons += (tail + piece).count(b"SECRET")
            tail, at = piece[-5:], at + len(piece)
        if self.before_answer and not self.before_answer(size):
            return
        connection.send(struct.pack("<H", SCAN_RESULT) + number(transfer) +
                        findings(size, persons))


class RealWorker:
    """sekisho-scan itself, which starts a child for each connection."""

    def __init__(self, program, path):
        self.program = program
        self.path = path
        self.process = None

    def start(self):
        self.process = subprocess.Popen([self.program, "--listen", self.path],
                                        stderr=subprocess.DEVNULL)
        while not os.path.exists(self.path):
            time.sleep(0.01)

    def children(self):
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(child) for child in file.read().split()]

    def stop(self):
        if self.process.poll() is not None:
            return
        for pid in self.children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()


class FakeCore(Server):
    def __init__(self, path, mount):
        super().__init__(path)
        self.mount = mount
        self.access = b"inspect"
        self.owner = 1000
        self.staging_bytes = 2 << 30
        self.file_bytes = 2 << 30
        self.fds = []
        self.hellos = []
        self.who_asked = []
        self.questions = []
        self.failures = []
        self.releases = []
        self.ended = []
        self.most_released = 20
        self.block = lambda q: q["persons"] > 0 or q["inspection"] != "full"
        self.answering = True

    def take(self, connection, packet, fds):
        if packet.type == GATE_HELLO:
            mount, running = packet.number(), packet.number()
            self.hellos.append((mount, running))
            start = (struct.pack("<H", GATE_START) + number(mount) +
                     text(self.access) + number(self.owner) +
                     number(self.owner) +
                     number(self.staging_bytes) + number(self.file_bytes) +
                     b"\0" * 32 + number(0))
            if running:
                connection.send(start)
            else:
                socket.send_fds(connection, [start], self.fds)
        elif packet.type == WHO_QUESTION:
            question, pid, uid = (packet.number(), packet.number(),
                                  packet.number())
            self.who_asked.append((pid, uid))
            if self.answering:
                connection.send(struct.pack("<H", WHO_ANSWER) +
                                number(question) + number(pid))
        elif packet.type == TRANSFER_QUESTION:
            question = {"id": packet.number(), "who": packet.number(),
                        "path": packet.text(),
                        "operation": packet.text().decode()}
            question.update(packet.findings())
            question["stream"] = packet.number()
            question["released"] = packet.number()
            blocked = self.access != b"audit" and self.block(question)
            question["blocked"] = blocked
            self.questions.append(question)
            if self.answering:
                connection.send(struct.pack("<H", TRANSFER_ANSWER) +
                                number(question["id"]) +
                                number(BLOCK if blocked else ALLOW))
        elif packet.type == RELEASE_QUESTION:
            ask = {"id": packet.number(), "stream": packet.number(),
                   "who": packet.number(), "path": packet.text(),
                   "bytes": packet.number(), "released": packet.number(),
                   "people": packet.text()}
            ask["findings"] = packet.findings()
            self.releases.append(ask)
            blocked = (self.access != b"audit" and
                       (ask["findings"]["persons"] > self.most_released or
                        ask["findings"]["inspection"] != "full"))
            if self.answering:
                connection.send(struct.pack("<H", TRANSFER_ANSWER) +
                                number(ask["id"]) +
                                number(BLOCK if blocked else ALLOW))
        elif packet.type == STREAM_ENDED:
            self.ended.append({"stream": packet.number(),
                               "who": packet.number(), "path": packet.text(),
                               "released": packet.number()})
        elif packet.type == TRANSFER_FAILED:
            self.failures.append((packet.number(), packet.text(),
                                  packet.text()))

    def send(self, packet):
        self.connections[-1].send(packet)


class Rig:
    """One mount: self.user is what users see, self.real what the medium has."""

    def __init__(self, gate, real=None, access="inspect", options=None,
                 scan=None):
        self.gate = gate
        self.dir = tempfile.mkdtemp(prefix="gate-test-")
        os.chmod(self.dir, 0o755)
        self.user = self.make("user")
        self.real = real or self.make("real")
        self.staging = self.make("staging")
        self.sockets = self.make("sockets")
        self.core = FakeCore(self.sockets + "/gate.sock", 7)
        self.core.access = access.encode()
        for key, value in (options or {}).items():
            setattr(self.core, key, value)
        scan_socket = self.sockets + "/scan.sock"
        self.worker = (RealWorker(scan, scan_socket) if scan
                       else FakeWorker(scan_socket))
        self.process = None

    def make(self, name):
        path = os.path.join(self.dir, name)
        os.mkdir(path)
        return path

    def __enter__(self):
        fuse = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        data = (f"fd={fuse},rootmode=40000,user_id=0,group_id=0,"
                "allow_other,default_permissions")
        if libc.mount(b"sekisho", self.user.encode(), b"fuse", 0o6,
                      data.encode()) != 0:
            raise OSError(ctypes.get_errno(), "mount")
        root = os.open(self.real, os.O_PATH | os.O_DIRECTORY)
        self.core.fds = [fuse, root]
        self.core.start()
        self.worker.start()
        with open(self.dir + "/log", "wb") as log:
            self.process = subprocess.Popen(
                [self.gate, "7", self.sockets, self.staging], stderr=log)
        self.wait(lambda: self.core.hellos, "hello")
        time.sleep(0.05)
        os.close(fuse)
        os.close(root)
        return self

    def __exit__(self, *_):
        if not self.unmount():
            libc.umount2(self.user.encode(), 2)  # MNT_DETACH
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.core.stop()
        self.worker.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def unmount(self):
        for _ in range(40):
            if libc.umount2(self.user.encode(), 0) == 0:
                return True
            if ctypes.get_errno() != 16:  # EBUSY
                return False
            time.sleep(0.05)
        return False

    def finish(self):
        """Unmounts and waits until the gate has written everything."""
        assert self.unmount(), "still busy"
        assert self.process.wait(30) == 0

    def wait(self, condition, what, seconds=10):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"no {what} within {seconds} s")
            time.sleep(0.01)

    def path(self, name):
        return os.path.join(self.user, name)

    def on_medium(self, name):
        with open(os.path.join(self.real, name), "rb") as file:
            return file.read()

    def medium_has(self, name):
        return os.path.lexists(os.path.join(self.real, name))

    def medium_holds(self, needle):
        """Is `needle` in any name or content below the real root?"""
        for top, dirs, files in os.walk(self.real):
            for name in dirs + files:
                if needle in name.encode():
                    return True
            for name in files:
                with open(os.path.join(top, name), "rb") as file:
                    if needle in file.read():
                        return True
        return False

    def log(self):
        with open(self.dir + "/log", "rb") as file:
            return file.read().decode()
