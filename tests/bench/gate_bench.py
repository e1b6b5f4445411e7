#!/usr/bin/env python3
"""What the gate costs: harmless data onto a loop-mounted ext4, plain, through
libfuse's own pass-through example, and through the gate, in turns.

usage: gate_bench.py BUILD_DIR [--mib N] [--files N] [--rounds N]
                     [--throttle MB/s]

With --throttle the loop device is as slow as a stick, by the block cgroup.
Needs root, /dev/fuse, a loop device and, for the pass-through, libfuse3-dev
with its example passthrough_ll.c. Build type RelWithDebInfo. "gate" has a
stand-in for the scan worker that reads every byte and finds nothing, "gate,
scan" has sekisho-scan itself.
"""

import argparse
import contextlib
import ctypes
import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

EXAMPLE = "/usr/share/doc/libfuse3-dev/examples/passthrough_ll.c"
libc = ctypes.CDLL(None, use_errno=True)


def run(*command):
    subprocess.run(command, check=True, capture_output=True)


def drop_caches():
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w") as file:
        file.write("3")


class Throttle:
    """A disk's bytes a second, until it is lifted."""

    V1 = "/sys/fs/cgroup/blkio"
    V2 = "/sys/fs/cgroup/sekisho-bench"

    def __init__(self, mount, megabytes):
        source = subprocess.run(["findmnt", "-no", "SOURCE", mount],
                                capture_output=True, text=True,
                                check=True).stdout.strip()
        with open(f"/sys/block/{os.path.basename(source)}/dev") as file:
            self.device = file.read().strip()
        self.set(megabytes * 1_000_000)

    def set(self, rate):
        if os.path.isdir(self.V1):  # counts what the kernel writes back, too
            for way in ("read", "write"):
                self.put(f"{self.V1}/blkio.throttle.{way}_bps_device",
                         f"{self.device} {rate}")
            return
        # Whoever is started from here is in it.
        os.makedirs(self.V2, exist_ok=True)
        self.put(self.V2 + "/cgroup.procs", str(os.getpid()))
        limit = rate or "max"
        self.put(self.V2 + "/io.max",
                 f"{self.device} rbps={limit} wbps={limit}")

    @staticmethod
    def put(path, text):
        with open(path, "w") as file:
            file.write(text)


def unmount(path):
    for _ in range(200):
        if libc.umount2(path.encode(), 0) == 0:
            return
        time.sleep(0.05)
    libc.umount2(path.encode(), 2)


def listens(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
        return peer.connect_ex(path) == 0


class Plain:
    name = "plain"

    def __init__(self, bench):
        self.path = bench.medium

    def stop(self):
        pass


class PassThrough:
    name = "pass-through"

    def __init__(self, bench):
        self.path = bench.dir + "/through"
        os.makedirs(self.path, exist_ok=True)
        self.process = subprocess.Popen(
            [bench.example, "-f", "-o", f"source={bench.medium}",
             self.path], stderr=subprocess.DEVNULL)
        while not os.path.ismount(self.path):
            time.sleep(0.01)

    def stop(self):
        unmount(self.path)
        self.process.wait()


class Gate:
    name = "gate"
    real_worker = False

    def __init__(self, bench):
        self.path = bench.dir + "/gate"
        sockets, staging = bench.dir + "/sockets", bench.dir + "/staging"
        for path in (self.path, sockets, staging):
            os.makedirs(path, exist_ok=True)
        fuse = os.open("/dev/fuse", os.O_RDWR)
        options = (f"fd={fuse},rootmode=40000,user_id=0,group_id=0,"
                   "allow_other,default_permissions")
        if libc.mount(b"sekisho", self.path.encode(), b"fuse", 6,
                      options.encode()):
            raise OSError(ctypes.get_errno(), "mount")
        root = os.open(bench.medium, os.O_PATH)
        self.worker = None
        with contextlib.suppress(FileNotFoundError):
            os.unlink(sockets + "/scan.sock")
        if self.real_worker:
            self.worker = subprocess.Popen(
                [bench.build + "/agent/scan/sekisho-scan", "--listen",
                 sockets + "/scan.sock"])
            while not listens(sockets + "/scan.sock"):
                time.sleep(0.01)
        self.peers = subprocess.Popen(
            [bench.build + "/tests/bench/gate_peers", sockets, str(fuse),
             str(root)] + ([] if self.real_worker else ["worker"]),
            pass_fds=(fuse, root), stdout=subprocess.PIPE)
        self.peers.stdout.readline()
        os.close(fuse)
        os.close(root)
        self.process = subprocess.Popen(
            [bench.build + "/tests/integration/gate/gate_under_test", "1",
             sockets, staging], stderr=subprocess.DEVNULL)
        os.listdir(self.path)

    def memory_kib(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            for line in file:
                if line.startswith("RssAnon"):
                    return int(line.split()[1])
        return 0

    def stop(self):
        unmount(self.path)
        self.process.wait()
        self.peers.wait()
        if self.worker:
            self.worker.kill()
            self.worker.wait()


class GateAndScan(Gate):
    name = "gate, scan"
    real_worker = True


class Bench:
    def __init__(self, options):
        self.options = options
        self.build = os.path.abspath(options.build)
        self.dir = tempfile.mkdtemp(prefix="gate-bench-", dir="/var/tmp")
        self.medium = self.dir + "/medium"
        os.mkdir(self.medium)
        image = self.dir + "/image"
        run("truncate", "-s", f"{options.mib * 2 + 512}M", image)
        run("mkfs.ext4", "-q", "-F", image)
        run("mount", "-o", "loop", image, self.medium)
        self.throttle = None
        if options.throttle:
            self.throttle = Throttle(self.medium, options.throttle)
        self.source = self.dir + "/source"
        with open(self.source, "wb") as file:
            line = b"a harmless line of an ordinary report, %09d\n"
            block = b"".join(line % i for i in range(1 << 14))
            while file.tell() < options.mib << 20:
                file.write(block)
            file.truncate(options.mib << 20)
        self.small = self.dir + "/small"
        os.mkdir(self.small)
        for i in range(options.files):
            with open(f"{self.small}/{i}", "wb") as file:
                file.write(block[i:i + 4096])
        self.example = self.dir + "/passthrough_ll"
        self.ways = [Plain, Gate, GateAndScan]
        if os.path.exists(EXAMPLE):
            flags = subprocess.run(["pkg-config", "--cflags", "--libs",
                                    "fuse3"], capture_output=True, text=True,
                                   check=True).stdout.split()
            run("gcc", "-O2", "-w", EXAMPLE, "-o", self.example, *flags)
            self.ways.insert(1, PassThrough)

    def close(self):
        if self.throttle:
            self.throttle.set(0)
        unmount(self.medium)
        shutil.rmtree(self.dir)

    def timed(self, *command):
        start = time.monotonic()
        run(*command)
        return time.monotonic() - start

    def measure(self, way):
        mounted = way(self)
        try:
            target = mounted.path + "/big"
            drop_caches()
            with open(self.source, "rb") as file:  # not the medium's cost
                while file.read(1 << 20):
                    pass
            result = {"write+fsync": self.timed(
                "dd", f"if={self.source}", f"of={target}", "bs=1M",
                "conv=fsync")}
            os.unlink(target)
            result["cp"] = self.timed("cp", self.source, target)
            drop_caches()
            result["read"] = self.timed("dd", f"if={target}", "of=/dev/null",
                                        "bs=1M")
            os.unlink(target)
            result["small files"] = self.timed("cp", "-r", self.small,
                                               mounted.path + "/small")
            run("rm", "-r", mounted.path + "/small")
            if isinstance(mounted, Gate):
                result["memory KiB"] = mounted.memory_kib()
            return result
        finally:
            mounted.stop()

    def report(self):
        results = {way.name: [] for way in self.ways}
        for _ in range(self.options.rounds):
            for way in self.ways:
                results[way.name].append(self.measure(way))
        median = {name: {key: statistics.median(r[key] for r in rounds)
                         for key in rounds[0]}
                  for name, rounds in results.items()}
        print(f"{self.options.mib} MiB, {self.options.files} files of 4 KiB, "
              f"median of {self.options.rounds}; load "
              f"{os.getloadavg()[0]:.1f}"
              + (f"; the disk at {self.options.throttle} MB/s"
                 if self.throttle else ""))
        print(f"{'':14}" + "".join(f"{key:>22}" for key in median["plain"]))
        for name, values in median.items():
            print(f"{name:14}" + "".join(
                f"{values[key]:12.2f} s {values[key] / plain:6.2f}x"
                for key, plain in median["plain"].items()))
        bare = median.get("pass-through", median["plain"])
        for name in ("gate", "gate, scan"):
            extra = median[name]["small files"] - bare["small files"]
            print(f"{name}, a small file above the pass-through: "
                  f"{extra / self.options.files * 1e6:.0f} us; its own "
                  f"memory: {median[name]['memory KiB'] / 1024:.1f} MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build")
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--throttle", type=int, metavar="MB/s")
    bench = Bench(parser.parse_args())
    try:
        bench.report()
    finally:
        bench.close()


if __name__ == "__main__":
    main()
