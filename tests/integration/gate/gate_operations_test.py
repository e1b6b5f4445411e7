#!/usr/bin/env python3
"""One operation after the other on a plain directory and through the gate: the
same result or errno, but for the differences listed, each with its reason.

usage: gate_operations_test.py GATE_UNDER_TEST [REAL_DIRECTORY]

REAL_DIRECTORY: on the filesystem to compare on, by default in /tmp; two
directories are made below it.
"""

import errno
import fcntl
import os
import shutil
import stat
import sys
import tempfile

import rig

LONG = "n" * 256


def attributes(status):
    kind = stat.S_IFMT(status.st_mode)
    size = status.st_size if kind != stat.S_IFDIR else 0
    return (oct(status.st_mode), size)


def put(path, content=b"content", flags=os.O_WRONLY | os.O_CREAT):
    fd = os.open(path, flags, 0o644)
    try:
        return os.write(fd, content)
    finally:
        os.close(fd)


def get(path):
    with open(path, "rb") as file:
        return file.read()


def opened(path, flags, action):
    fd = os.open(path, flags, 0o644)
    try:
        return action(fd)
    finally:
        os.close(fd)


# name, action on the directory. They run in order; each sees what the ones
# before left behind.
OPERATIONS = [
    ("create", lambda d: put(d + "/a")),
    ("read", lambda d: get(d + "/a")),
    ("stat", lambda d: attributes(os.stat(d + "/a"))),
    ("stat of nothing", lambda d: os.stat(d + "/none")),
    ("open of nothing", lambda d: get(d + "/none")),
    ("create exclusively", lambda d: put(
        d + "/a", flags=os.O_WRONLY | os.O_CREAT | os.O_EXCL)),
    ("create in nothing", lambda d: put(d + "/none/a")),
    ("create below a file", lambda d: put(d + "/a/b")),
    ("create with a long name", lambda d: put(d + "/" + LONG)),
    ("create with odd bytes", lambda d: put(
        os.fsencode(d) + b"/\xff\xfe\n\x01")),
    ("read odd bytes", lambda d: get(os.fsencode(d) + b"/\xff\xfe\n\x01")),
    ("open a directory for writing", lambda d: put(d)),
    ("mkdir", lambda d: os.mkdir(d + "/d")),
    ("mkdir again", lambda d: os.mkdir(d + "/d")),
    ("mkdir over a file", lambda d: os.mkdir(d + "/a")),
    ("mkdir in nothing", lambda d: os.mkdir(d + "/none/d")),
    ("mkdir with a long name", lambda d: os.mkdir(d + "/" + LONG)),
    ("unlink a directory", lambda d: os.unlink(d + "/d")),
    ("rmdir a file", lambda d: os.rmdir(d + "/a")),
    ("create in directory", lambda d: put(d + "/d/x")),
    ("rmdir not empty", lambda d: os.rmdir(d + "/d")),
    ("rmdir of nothing", lambda d: os.rmdir(d + "/none")),
    ("unlink of nothing", lambda d: os.unlink(d + "/none")),
    ("rename", lambda d: os.rename(d + "/d/x", d + "/d/y")),
    ("rename of nothing", lambda d: os.rename(d + "/none", d + "/x")),
    ("rename file over directory", lambda d: os.rename(d + "/a", d + "/d")),
    ("rename directory over file", lambda d: os.rename(d + "/d", d + "/a")),
    ("rename into itself", lambda d: os.rename(d + "/d", d + "/d/z")),
    ("rename to a long name", lambda d: os.rename(d + "/a", d + "/" + LONG)),
    ("rename over a file", lambda d: (put(d + "/b", b"old"),
                                      os.rename(d + "/d/y", d + "/b"),
                                      get(d + "/b"))),
    ("rename directory", lambda d: os.rename(d + "/d", d + "/e")),
    ("list", lambda d: sorted(os.listdir(d))),
    ("list nothing", lambda d: os.listdir(d + "/none")),
    ("list a file", lambda d: os.listdir(d + "/a")),
    ("truncate", lambda d: (os.truncate(d + "/a", 3), get(d + "/a"))),
    ("extend", lambda d: (os.truncate(d + "/a", 9), get(d + "/a"))),
    ("truncate negative", lambda d: os.truncate(d + "/a", -1)),
    ("truncate a directory", lambda d: os.truncate(d + "/e", 0)),
    ("truncate nothing", lambda d: os.truncate(d + "/none", 0)),
    ("ftruncate", lambda d: opened(d + "/a", os.O_RDWR,
                                   lambda fd: os.ftruncate(fd, 5))),
    ("ftruncate read-only", lambda d: opened(d + "/a", os.O_RDONLY,
                                             lambda fd: os.ftruncate(fd, 5))),
    ("append", lambda d: (put(d + "/a", b"++", os.O_WRONLY | os.O_APPEND),
                          get(d + "/a"))),
    ("write beyond the end", lambda d: (opened(
        d + "/a", os.O_RDWR, lambda fd: os.pwrite(fd, b"!", 100)),
        get(d + "/a"))),
    ("write without permission to", lambda d: opened(
        d + "/a", os.O_RDONLY, lambda fd: os.write(fd, b"x"))),
    ("read back before close", lambda d: opened(
        d + "/c", os.O_RDWR | os.O_CREAT,
        lambda fd: (os.write(fd, b"12345"), os.pread(fd, 9, 1)))),
    ("fsync", lambda d: opened(d + "/c", os.O_RDWR, os.fsync)),
    ("fsync a directory", lambda d: opened(d, os.O_RDONLY, os.fsync)),
    ("chmod", lambda d: (os.chmod(d + "/a", 0o600),
                         attributes(os.stat(d + "/a")))),
    ("chmod a directory", lambda d: (os.chmod(d + "/e", 0o700),
                                     attributes(os.stat(d + "/e")))),
    ("chown to the owner", lambda d: os.chown(d + "/a", 0, 0)),
    ("chown to another", lambda d: os.chown(d + "/a", 1234, 1234)),
    ("utime", lambda d: (os.utime(d + "/a", (10, 20)),
                         os.stat(d + "/a").st_mtime)),
    ("utime while open", lambda d: (opened(
        d + "/a", os.O_RDWR, lambda fd: (os.write(fd, b"z"),
                                         os.utime(fd, (30, 40)))),
        os.stat(d + "/a").st_mtime)),
    ("symlink", lambda d: (os.symlink("a", d + "/l"), os.readlink(d + "/l"),
                           len(get(d + "/l")))),
    ("symlink again", lambda d: os.symlink("a", d + "/l")),
    ("dangling symlink", lambda d: (os.symlink("none", d + "/m"),
                                    os.stat(d + "/m"))),
    ("open a symlink without following", lambda d: opened(
        d + "/l", os.O_RDONLY | os.O_NOFOLLOW, lambda fd: None)),
    ("readlink of a file", lambda d: os.readlink(d + "/a")),
    ("hard link", lambda d: (os.link(d + "/a", d + "/h"),
                             os.unlink(d + "/h"))),
    ("mknod fifo", lambda d: os.mkfifo(d + "/f")),
    ("mknod device", lambda d: os.mknod(d + "/n", 0o600 | stat.S_IFCHR,
                                        os.makedev(1, 3))),
    ("getxattr of none", lambda d: os.getxattr(d + "/a", "user.none")),
    ("listxattr", lambda d: os.listxattr(d + "/a")),
    ("setxattr", lambda d: os.setxattr(d + "/a", "user.a", b"x")),
    ("removexattr of none", lambda d: os.removexattr(d + "/a", "user.none")),
    ("flock", lambda d: opened(d + "/a", os.O_RDWR,
                               lambda fd: fcntl.flock(fd, fcntl.LOCK_EX))),
    ("lockf", lambda d: opened(d + "/a", os.O_RDWR,
                               lambda fd: fcntl.lockf(fd, fcntl.LOCK_EX))),
    ("fallocate", lambda d: opened(
        d + "/fa", os.O_RDWR | os.O_CREAT,
        lambda fd: (os.posix_fallocate(fd, 0, 5000),
                    os.fstat(fd).st_size))),
    ("seek to data", lambda d: opened(d + "/a", os.O_RDONLY,
                                      lambda fd: os.lseek(fd, 0,
                                                          os.SEEK_DATA))),
    ("seek to hole", lambda d: opened(
        d + "/a", os.O_RDONLY,
        lambda fd: os.lseek(fd, 0, os.SEEK_HOLE)
        == os.fstat(fd).st_size)),
    ("unknown ioctl", lambda d: opened(d + "/a", os.O_RDONLY,
                                       lambda fd: fcntl.ioctl(fd, 0x1234))),
    ("access", lambda d: (os.access(d + "/a", os.R_OK | os.W_OK),
                          os.access(d + "/none", os.F_OK))),
    ("statvfs", lambda d: os.statvfs(d).f_namemax),
    ("unlink while open", lambda d: opened(
        d + "/a", os.O_RDONLY, lambda fd: (os.unlink(d + "/a"),
                                           len(os.read(fd, 999)),
                                           os.fstat(fd).st_nlink))),
    ("copy_file_range", lambda d: opened(
        d + "/c", os.O_RDONLY, lambda one: opened(
            d + "/copy", os.O_WRONLY | os.O_CREAT,
            lambda two: os.copy_file_range(one, two, 5)))),
    ("what was copied", lambda d: get(d + "/copy")),
    ("remove all", lambda d: [shutil.rmtree(d + "/" + n)
                              if os.path.isdir(d + "/" + n)
                              else os.unlink(d + "/" + n)
                              for n in sorted(os.listdir(d))
                              if not n.startswith("l")] and None),
]

# What differs, and why it must.
DIFFERENCES = {
    "chown to another": (errno.EPERM, "everything belongs to one owner"),
    "hard link": (errno.EPERM, "two names for one content would need one "
                  "verdict for both; FAT has none either"),
    "mknod fifo": (errno.EPERM, "only files, directories and symlinks"),
    "mknod device": (errno.EPERM, "only files, directories and symlinks"),
    "setxattr": (errno.EPERM, "not inspected yet"),
    "removexattr of none": (errno.EPERM, "as setxattr"),
}


def outcome(action, directory):
    try:
        return action(directory)
    except OSError as error:
        return error.errno


def text(result):
    return errno.errorcode.get(result, result) if isinstance(
        result, int) else result


def main():
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        print("needs root and /dev/fuse")
        return 77
    gate = os.path.abspath(sys.argv[1])
    top = tempfile.mkdtemp(prefix="gate-operations-",
                           dir=sys.argv[2] if len(sys.argv) > 2 else None)
    plain, real = top + "/plain", top + "/real"
    os.mkdir(plain)
    os.mkdir(real)
    failed = 0
    try:
        with rig.Rig(gate, real=real, options={"owner": 0}) as r:
            for name, action in OPERATIONS:
                expected = outcome(action, plain)
                got = outcome(action, r.user)
                if got == expected:
                    continue
                if name in DIFFERENCES and got == DIFFERENCES[name][0]:
                    print(f"{name}: {text(expected)} is {text(got)} here: "
                          f"{DIFFERENCES[name][1]}")
                    continue
                print(f"FAILED {name}: expected {text(expected)}, "
                      f"got {text(got)}")
                failed += 1
        if not failed:
            print(f"{len(OPERATIONS)} operations, {len(DIFFERENCES)} explained"
                  " differences")
    finally:
        shutil.rmtree(top)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
