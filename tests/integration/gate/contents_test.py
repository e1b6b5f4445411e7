#!/usr/bin/env python3
"""What the gate tells of names on a real mount, in its sandbox, and how it erases.

usage: contents_test.py GATE_UNDER_TEST
"""

import os
import struct
import sys
import tempfile
import time

import rig

FILES_TOLD, GATE_ERASE, GATE_ERASED = 0x413, 0x414, 0x415
PRESENT, REMOVED, RENAMED = 1, 2, 3
MIB = 1 << 20
MEDIUM_BYTES = 24 * MIB


class Listener(rig.FakeCore):
    """Keeps what is told of names, and what became of an erasure."""

    def __init__(self, path, mount):
        super().__init__(path, mount)
        self.told = []
        self.ends = []
        self.lost = 0
        self.erased = []

    def take(self, connection, packet, fds):
        if packet.type == FILES_TOLD:
            for _ in range(packet.count()):
                path, change, old = (packet.text(), packet.number(),
                                     packet.text())
                size, _ = packet.number(), packet.number()
                self.told.append((change, path, old, size))
            self.lost += packet.number()
            ends, count, complete = (packet.number(), packet.number(),
                                     packet.number())
            if ends:
                self.ends.append((count, bool(complete)))
        elif packet.type == GATE_ERASED:
            self.erased.append((packet.number(), packet.number(),
                                packet.text()))
        else:
            super().take(connection, packet, fds)


def put(path, content):
    with open(path, "wb") as out:
        out.write(content)


def listed(r):
    return sorted((path, size) for change, path, _, size in r.core.told
                  if change == PRESENT)


def lists_what_lies_there(r):
    r.wait(lambda: r.core.ends, "end of the listing", 30)
    assert listed(r) == [(b"before.txt", 6), (b"d/e/inner", 5)], r.core.told
    assert r.core.ends == [(2, True)], r.core.ends


def tells_removals_and_renames(r):
    r.core.told.clear()
    os.unlink(r.path("before.txt"))
    os.rename(r.path("d"), r.path("f"))
    put(r.path("a"), b"one")
    os.rename(r.path("a"), r.path("b"))
    r.wait(lambda: len(r.core.told) == 3, "three changes")
    assert r.core.told == [(REMOVED, b"before.txt", b"", 0),
                           (RENAMED, b"f", b"d", 0),
                           (RENAMED, b"b", b"a", 0)], r.core.told


def thousands_of_removals_slow_nobody(r):
    """A sekishod that does not read holds up no operation."""
    for number in range(3000):
        put(r.real + f"/n{number:04}", b"")
    r.core.told.clear()
    start = time.monotonic()
    for number in range(3000):
        os.unlink(r.path(f"n{number:04}"))
    took = time.monotonic() - start
    r.wait(lambda: len(r.core.told) + r.core.lost >= 3000, "all", 30)
    assert r.core.lost == 0
    print(f"3,000 removals in {took:.2f} s")


def erases(r):
    os.makedirs(r.real + "/x/y/z")
    put(r.real + "/x/y/z/deep", b"SECRET" * 1000)
    before = r.core.erased[:]
    r.core.send(struct.pack("<H", GATE_ERASE))
    r.wait(lambda: r.core.erased != before, "the erasure", 120)
    ok, count, error = r.core.erased[-1]
    assert ok == 1, error
    # Some of a tmpfs is for its folders.
    assert count > MEDIUM_BYTES * 9 // 10, count
    assert os.listdir(r.user) == [], os.listdir(r.user)
    put(r.path("again"), b"clean")
    assert r.on_medium("again") == b"clean"
    print(f"{count} bytes overwritten and read back")


def erases_nothing_while_somebody_writes(r):
    with open(r.path("open"), "wb") as out:
        out.write(b"one")
        before = len(r.core.erased)
        r.core.send(struct.pack("<H", GATE_ERASE))
        r.wait(lambda: len(r.core.erased) > before, "an answer", 30)
        ok, count, error = r.core.erased[-1]
        assert (ok, count) == (0, 0) and b"writing" in error, error
    assert r.on_medium("again") == b"clean"


def main():
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        print("needs root and /dev/fuse")
        return 77
    rig.FakeCore = Listener
    gate = os.path.abspath(sys.argv[1])
    real = tempfile.mkdtemp(prefix="gate-medium-")
    if rig.libc.mount(b"medium", real.encode(), b"tmpfs", 0,
                      f"size={MEDIUM_BYTES},mode=0777".encode()) != 0:
        print("cannot mount a tmpfs")
        return 77
    try:
        os.makedirs(real + "/d/e")
        put(real + "/before.txt", b"before")
        put(real + "/d/e/inner", b"inner")
        with rig.Rig(gate, real=real, options={"owner": 0}) as r:
            for test in (lists_what_lies_there, tells_removals_and_renames,
                         thousands_of_removals_slow_nobody, erases,
                         erases_nothing_while_somebody_writes):
                test(r)
                print(f"{test.__name__}: ok")
    finally:
        rig.libc.umount2(real.encode(), 2)
        os.rmdir(real)
    return 0


if __name__ == "__main__":
    sys.exit(main())
