"""Harmless files a maintenance terminal carries, made here: support bundles,
cores, captures, disk images, lists of devices, call logs."""

import bz2
import gzip
import io
import lzma
import os
import random
import resource
import shutil
import signal
import struct
import subprocess
import tarfile

import negatives

# What a support bundle asks the machine.
COMMANDS = (
    ("ps", "aux"), ("lsmod",), ("dmesg",), ("dpkg", "-l"), ("df", "-h"),
    ("mount",), ("ip", "addr"), ("ip", "route"), ("uname", "-a"), ("free",),
    ("lscpu",), ("lsblk",), ("lsusb",), ("lspci",), ("sysctl", "-a"),
    ("systemctl", "list-units", "--all"), ("env",), ("locale", "-a"),
    ("ldconfig", "-p"), ("apt-cache", "policy"), ("getent", "services"))
PROC = ("cpuinfo", "meminfo", "interrupts", "iomem", "ioports", "modules",
        "mounts", "partitions", "slabinfo", "vmstat", "zoneinfo", "kallsyms",
        "devices", "diskstats", "filesystems", "net/dev", "net/tcp",
        "net/unix", "self/maps", "self/status", "self/smaps", "stat")
ETC = ("fstab", "hosts", "services", "protocols", "passwd", "group", "profile",
       "login.defs", "nsswitch.conf", "ld.so.conf", "os-release", "debconf.conf",
       "mime.types", "inputrc", "host.conf", "gai.conf")


def answers():
    """Name in the bundle -> bytes."""
    out = {}
    for command in COMMANDS:
        try:
            done = subprocess.run(command, capture_output=True, check=False,
                                  timeout=20,
                                  env={"PATH": os.environ["PATH"]})
        except (OSError, subprocess.TimeoutExpired):
            continue
        out["sos_commands/" + "_".join(command).replace("/", "_")] = done.stdout
    for folder, names in (("/proc", PROC), ("/etc", ETC)):
        for name in names:
            try:
                with open(f"{folder}/{name}", "rb") as file:
                    out[f"{folder[1:]}/{name}"] = file.read(4 << 20)
            except OSError:
                continue
    return {name: data for name, data in out.items() if data}


def tar(entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in entries.items():
            info = tarfile.TarInfo("sosreport-term-01/" + name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def core(folder, number, *command):
    """A core of a program that has done some work; None where the kernel hands
    cores to a program."""
    place = os.path.join(folder, f"core{number}.d")
    os.makedirs(place, exist_ok=True)
    child = subprocess.Popen(
        command, cwd=place, stdout=subprocess.PIPE, env={"PATH": "/usr/bin"},
        stderr=subprocess.DEVNULL, preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2))
    child.stdout.read(1)
    child.send_signal(signal.SIGABRT)
    child.wait()
    found = [n for n in os.listdir(place) if n.startswith("core")]
    return os.path.join(place, found[0]) if found else None


def frame(rng, protocol, payload):
    """Ethernet, IPv4 and UDP around a payload."""
    ports = {"sip": (5060, 5060), "dns": (53124, 53), "syslog": (514, 514),
             "snmp": (40000, 161)}[protocol]
    udp = struct.pack(">HHHH", *ports, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp),
                     rng.randint(0, 65535), 0, 64, 17, 0,
                     bytes((10, 0, 0, rng.randint(1, 254))),
                     bytes((10, 0, 1, rng.randint(1, 254)))) + udp
    return rng.randbytes(12) + b"\x08\0" + ip


def payload(rng, protocol, number):
    if protocol == "sip":
        return negatives.sip_trace(rng, 6).encode()
    if protocol == "dns":
        return struct.pack(">HHHHHH", number % 65536, 0x100, 1, 0, 0, 0) + \
            b"\x04host\x07example\x02jp\0\0\1\0\1"
    if protocol == "syslog":
        return negatives.system_log(rng, 1).encode()
    return b"\x30\x26\x02\x01\x01\x04\x06public\xa0\x19\x02\x01" + \
        rng.randbytes(20)


def capture(rng, packets, kind):
    protocols = ("sip", "dns", "syslog", "snmp")
    frames = [frame(rng, p, payload(rng, p, i)) for i in range(packets)
              for p in (protocols[i % 4],)]
    if kind == "pcap":
        return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + \
            b"".join(struct.pack("<IIII", 1764128000 + i, i, len(f), len(f)) + f
                     for i, f in enumerate(frames))
    out = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    out += struct.pack("<IIHHII", 1, 20, 1, 0, 65535, 20)
    for i, data in enumerate(frames):
        padded = data + bytes(-len(data) % 4)
        size = 32 + len(padded)
        out += struct.pack("<IIIIIII", 6, size, 0, 0, i, len(data), len(data)) \
            + padded + struct.pack("<I", size)
    return out


def disk_image(path, maker, megabytes, files):
    """A filesystem with text files; False without its tools."""
    if not shutil.which(maker[0], path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
        return False
    folder = path + ".d"
    os.makedirs(folder, exist_ok=True)
    for name, data in files.items():
        with open(os.path.join(folder, name.replace("/", "_")), "wb") as out:
            out.write(data)
    with open(path, "wb") as out:
        out.truncate(megabytes << 20)
    environment = {**os.environ,
                   "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}
    source = ["-d", folder] if maker[0].startswith("mkfs.ext") else []
    done = subprocess.run([*maker, *source, path], capture_output=True,
                          check=False, env=environment)
    if not source and done.returncode == 0 and shutil.which("mcopy"):
        subprocess.run(["mcopy", "-i", path, "-s",
                        *[os.path.join(folder, n) for n in os.listdir(folder)],
                        "::/"], check=False, capture_output=True)
    shutil.rmtree(folder)
    return done.returncode == 0


def files(folder):
    """(path, kind) of everything made, under `folder`."""
    rng = random.Random(12)

    def write(name, data):
        path = os.path.join(folder, name)
        with open(path, "wb") as out:
            out.write(data)
        return path

    bundle = answers()
    for name, data in bundle.items():
        yield write("sos_" + name.replace("/", "_"), data), "support bundles"
    packed = tar(bundle)
    for name, data in (("tar", packed), ("tar.gz", gzip.compress(packed, 6)),
                       ("tar.bz2", bz2.compress(packed)),
                       ("tar.xz", lzma.compress(packed, preset=1))):
        yield write("sosreport." + name, data), "support bundles"
    for i, command in enumerate((
            ("python3", "-uc", "import json,email,ssl,time;x=[str(i) for i in "
             "range(99999)];print(1);time.sleep(9)"),
            ("perl", "-e", "$|=1;%h=map{$_=>$_*7}1..9999;print 1;sleep 9"),
            ("bash", "-c", "set; echo 1; while :; do :; done"))):
        path = core(folder, i, *command)
        if path:
            yield path, "cores"
    for i in range(30):
        kind = "pcap" if i % 3 else "pcapng"
        yield write(f"capture{i}.{kind}",
                    capture(rng, 50 * (i + 1), kind)), "captures"
    some = {n: d for n, d in list(bundle.items())[:25] if len(d) < 1 << 20}
    for name, maker, size in (("ext4", ("mkfs.ext4", "-q", "-F"), 16),
                              ("ext2", ("mkfs.ext2", "-q", "-F"), 16),
                              ("vfat", ("mkfs.vfat",), 16),
                              ("exfat", ("mkfs.exfat",), 16)):
        path = os.path.join(folder, f"disk.{name}")
        if disk_image(path, maker, size, some):
            yield path, "disk images"
    for i in range(150):
        text = "".join(
            f"{negatives.imei(rng)},SH-{rng.randint(1, 60):02}C,"
            f"{negatives.iccid(rng)}\n" for _ in range(rng.randint(20, 400)))
        head = "IMEI,model,ICCID\n" if i % 2 else ""
        yield write(f"imei{i}.csv", (head + text).encode()), "device lists"
    for i in range(150):
        text = negatives.sip_trace(rng, 60 + 10 * i) if i % 2 else \
            negatives.system_log(rng, 60 + 10 * i)
        yield write(f"call{i}.log", text.encode()), "call logs"
