"""Rows that write a list to the mounted stick by every call there is.

All of them write the same kind of bytes; what differs is the way they go. The
mount is the gate's, so a refused copy is an event.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
import threading
import time

from .rows import Place, Refused, row, run, write_file

TRANSFER = "transfer"
IO_URING = "/usr/local/lib/bypass/io_uring_write"
WRITE_NEW = os.O_CREAT | os.O_WRONLY | os.O_TRUNC
BLOCK = 4096


def padded(at: Place) -> bytes:
    """The list, filled up with line ends to whole blocks."""
    return at.people + b"\n" * (-len(at.people) % BLOCK)


def _map(at: Place, size: int) -> mmap.mmap:
    fd = os.open(at.file(), os.O_CREAT | os.O_RDWR | os.O_TRUNC, 0o644)
    try:
        os.ftruncate(fd, size)
        return mmap.mmap(fd, size)
    finally:
        # Closed with nothing in it: the stores come later.
        os.close(fd)


@row("plain", "cp", "paths", told=TRANSFER, short=True)
def plain(at: Place) -> None:
    source = at.own("source.csv")
    write_file(source, at.people)
    run("cp", source, at.file())


@row("redirect", "a shell redirection", "paths", told=TRANSFER)
def redirect(at: Place) -> None:
    run("sh", "-c", f"cat > '{at.file()}' && sync", stdin=at.people)


@row("ddfile", "dd of=file", "paths", told=TRANSFER)
def dd_to_a_file(at: Place) -> None:
    run("dd", f"of={at.file()}", "bs=512", "conv=fsync", stdin=at.people)


@row("mmapopen", "mmap stores before close", "paths", refs="A19",
     told=TRANSFER, short=True)
def mmap_before_close(at: Place) -> None:
    fd = os.open(at.file(), os.O_CREAT | os.O_RDWR | os.O_TRUNC, 0o644)
    os.ftruncate(fd, len(at.people))
    with mmap.mmap(fd, len(at.people)) as memory:
        memory[:] = at.people
        memory.flush()
    os.fsync(fd)
    os.close(fd)


@row("mmapclosed", "mmap stores after close", "paths", refs="A19",
     told=TRANSFER, short=True)
def mmap_after_close(at: Place) -> None:
    with _map(at, len(at.people)) as memory:
        time.sleep(0.2)
        memory[:] = at.people
        memory.flush()


@row("direct", "O_DIRECT", "paths", refs="A19", told=TRANSFER, short=True)
def direct(at: Place) -> None:
    data = padded(at)
    memory = mmap.mmap(-1, len(data))
    memory[:] = data
    fd = os.open(at.file(), WRITE_NEW | os.O_DIRECT, 0o644)
    os.write(fd, memory)
    os.fsync(fd)
    os.close(fd)


@row("uring", "io_uring", "paths", refs="A19", told=TRANSFER)
def io_uring(at: Place) -> None:
    run(IO_URING, at.file(), stdin=at.people)


@row("splice", "splice", "paths", refs="A19", told=TRANSFER)
def splice(at: Place) -> None:
    source, sink = os.pipe()
    fd = os.open(at.file(), WRITE_NEW, 0o644)
    data = at.people
    while data:
        count = os.write(sink, data[:32768])
        data = data[count:]
        while count:
            count -= os.splice(source, fd, count)
    os.fsync(fd)
    os.close(fd)


def _source(at: Place) -> int:
    write_file(at.own("source.csv"), at.people)
    return os.open(at.own("source.csv"), os.O_RDONLY)


@row("sendfile", "sendfile", "paths", refs="A19", told=TRANSFER)
def sendfile(at: Place) -> None:
    source = _source(at)
    fd = os.open(at.file(), WRITE_NEW, 0o644)
    os.sendfile(fd, source, 0, len(at.people))
    os.fsync(fd)
    os.close(fd)


@row("copyrange", "copy_file_range", "paths", refs="A19")
def copy_file_range(at: Place) -> None:
    """From a file on the medium as well: the gate could do it by itself."""
    source = _source(at)
    fd = os.open(at.file(), WRITE_NEW, 0o644)
    os.copy_file_range(source, fd, len(at.people))
    os.fsync(fd)
    os.close(fd)


@row("moved", "rename into place", "paths", refs="A21", told=TRANSFER,
     short=True)
def rename_into_place(at: Place) -> None:
    harmless, part = at.file("report.txt"), at.file("list.part")
    write_file(harmless, "ok\n")
    fd = os.open(part, WRITE_NEW, 0o644)
    os.write(fd, at.people)
    # Not closed: what stands there must not get the harmless file's standing.
    os.rename(part, harmless)
    os.fsync(fd)
    os.close(fd)


@row("hardlink", "hard link", "paths", refs="A21")
def hard_link(at: Place) -> None:
    fd = os.open(at.file(), WRITE_NEW, 0o644)
    os.write(fd, at.people)
    try:
        os.link(at.file(), at.file("other.csv"))
    finally:
        os.close(fd)


@row("append", "append in many opens", "paths", told=TRANSFER)
def append_in_many_opens(at: Place) -> None:
    """A tenth of the list at a time: three people, then six, then nine."""
    step = len(at.people) // 10 + 1
    for start in range(0, len(at.people), step):
        write_file(at.file(), at.people[start:start + step],
                   os.O_CREAT | os.O_WRONLY | os.O_APPEND)


@row("backwards", "out-of-order pwrite", "paths", told=TRANSFER, short=True)
def out_of_order(at: Place) -> None:
    fd = os.open(at.file(), WRITE_NEW, 0o644)
    for start in reversed(range(0, len(at.people), 512)):
        os.pwrite(fd, at.people[start:start + 512], start)
    os.fsync(fd)
    os.close(fd)


@row("hole", "sparse hole filled later", "paths", refs="A20", told=TRANSFER)
def hole_filled_later(at: Place) -> None:
    fd = os.open(at.file(), WRITE_NEW, 0o644)
    os.ftruncate(fd, 1 << 20)
    os.pwrite(fd, b"\nok\n", 1 << 20)
    os.fsync(fd)
    os.pwrite(fd, at.people, 4096)
    os.fsync(fd)
    os.close(fd)


@row("sparse", "a list at the end of 1 TiB of nothing", "paths", refs="A20")
def far_away(at: Place) -> None:
    fd = os.open(at.file(), WRITE_NEW, 0o644)
    os.pwrite(fd, at.people, 3 << 30)
    os.fsync(fd)
    os.close(fd)


@row("tmpfile", "O_TMPFILE and linkat", "paths")
def tmpfile_and_linkat(at: Place) -> None:
    fd = os.open(at.folder, os.O_TMPFILE | os.O_WRONLY, 0o644)
    os.write(fd, at.people)
    os.fsync(fd)
    os.link(f"/proc/self/fd/{fd}", at.file(),
            follow_symlinks=True)
    os.close(fd)


@row("extend", "truncate, then extend", "paths", told=TRANSFER)
def truncate_and_extend(at: Place) -> None:
    write_file(at.file(), "ok\n" * 100)
    fd = os.open(at.file(), os.O_RDWR)
    os.ftruncate(fd, 0)
    os.ftruncate(fd, len(at.people))
    os.pwrite(fd, at.people, 0)
    os.fsync(fd)
    os.close(fd)


@row("overwrite", "over a harmless file, in place", "paths", told=TRANSFER)
def over_a_harmless_file(at: Place) -> None:
    write_file(at.file(), b"link up\n" * (len(at.people) // 8 + 1))
    write_file(at.file(), at.people, os.O_WRONLY)


@row("unlinked", "deleted before it is closed", "paths")
def deleted_before_close(at: Place) -> None:
    """Its blocks would stay on the medium."""
    fd = os.open(at.file(), WRITE_NEW, 0o644)
    os.unlink(at.file())
    os.write(fd, at.people)
    os.fsync(fd)
    os.close(fd)


@row("twofds", "two halves through two descriptors", "paths", told=TRANSFER)
def two_descriptors(at: Place) -> None:
    half = len(at.people) // 2
    first = os.open(at.file(), WRITE_NEW, 0o644)
    second = os.open(at.file(), os.O_WRONLY)
    os.pwrite(first, at.people[:half], 0)
    os.pwrite(second, at.people[half:], half)
    os.close(first)
    os.fsync(second)
    os.close(second)


@row("threads", "many threads at once", "paths", told=TRANSFER)
def many_threads(at: Place) -> None:
    fd = os.open(at.file(), WRITE_NEW, 0o644)
    pieces = range(0, len(at.people), 997)
    workers = [threading.Thread(
        target=lambda s=s: os.pwrite(fd, at.people[s:s + 997], s))
        for s in pieces]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    os.fsync(fd)
    os.close(fd)


@row("killed", "the writer is killed in the middle", "paths")
def killed_writer(at: Place) -> None:
    child = os.fork()
    if child == 0:
        try:
            fd = os.open(at.file(), WRITE_NEW, 0o644)
            for start in range(0, len(at.people), 256):
                os.write(fd, at.people[start:start + 256])
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    if os.path.exists(at.file()) and os.path.getsize(at.file()) > 0:
        return
    raise Refused("nothing is left of it")


@row("syncfs", "syncfs and sync_file_range while it is written", "paths",
     told=TRANSFER)
def synced_while_written(at: Place) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    fd = os.open(at.file(), WRITE_NEW, 0o644)
    for start in range(0, len(at.people), 1024):
        os.pwrite(fd, at.people[start:start + 1024], start)
        libc.sync_file_range(fd, ctypes.c_int64(0), ctypes.c_int64(0), 7)
    if libc.syncfs(fd) != 0:
        os.close(fd)
        raise OSError(ctypes.get_errno(), "syncfs")
    os.fsync(fd)
    os.close(fd)


@row("fallocate", "fallocate, then written", "paths")
def preallocated(at: Place) -> None:
    fd = os.open(at.file(), WRITE_NEW, 0o644)
    os.posix_fallocate(fd, 0, len(at.people))
    os.pwrite(fd, at.people, 0)
    os.fsync(fd)
    os.close(fd)


@row("bindmount", "through a bind mount of the folder", "paths",
     told_root=TRANSFER)
def bind_mount(at: Place) -> None:
    other = at.own("bind")
    os.makedirs(other, exist_ok=True)
    run("mount", "--bind", at.folder, other)
    try:
        write_file(f"{other}/{at.slug}-list.csv", at.people)
    finally:
        run("umount", other)


@row("unsharedwrite", "from a mount namespace of its own", "paths",
     told_root=TRANSFER)
def from_another_namespace(at: Place) -> None:
    run("unshare", "-m", "dd", f"of={at.file()}", "conv=fsync",
        stdin=at.people)


@row("systemdrun", "by systemd-run", "paths", refs="A35", told_root=TRANSFER)
def by_systemd_run(at: Place) -> None:
    run("systemd-run", "--wait", "--quiet", "--pipe", "--collect", "dd",
        f"of={at.file()}", "conv=fsync", stdin=at.people)


@row("nspawned", "from a container with every right", "paths",
     told_root=TRANSFER, refs="A11")
def from_a_container(at: Place) -> None:
    """All namespaces anew and all devices in sight, as a privileged one has."""
    run("unshare", "--mount", "--pid", "--fork", "--uts", "--ipc", "--net",
        "--cgroup", "--mount-proc", "dd", f"of={at.file()}", "conv=fsync",
        stdin=at.people)


@row("atjob", "by at", "paths", refs="A35", told_root=TRANSFER)
def by_at(at: Place) -> None:
    source = at.own("source.csv")
    write_file(source, at.people)
    done = at.own("done")
    run("at", "now", stdin=f"cp '{source}' '{at.file()}'; "
        f"echo $? > '{done}'\n".encode())
    for _ in range(200):
        if os.path.exists(done) and os.path.getsize(done):
            break
        time.sleep(0.1)
    else:
        raise RuntimeError("at did not run it: nothing was tried")
    with open(done, encoding="ascii") as file:
        if file.read().strip() != "0":
            raise Refused("cp failed")
