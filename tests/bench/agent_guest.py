#!/usr/bin/env python3
"""The half of the agent's benchmark that runs in the guest; prints JSON.

usage: agent_guest.py idle SECONDS NAME...     memory and wake-ups, by program
       agent_guest.py plug GADGET COUNT        how long a keyboard waits
       agent_guest.py allow                    allows every device, at once

`plug` lets the kernel note when it sends the uevent of the new device, when
somebody writes to the device's `authorized`, and when it registers the input.
"""

import json
import os
import re
import socket
import subprocess
import sys
import time

GADGETS = "/sys/kernel/config/usb_gadget"
NETLINK_KOBJECT_UEVENT = 15


def pids_of(prefixes):
    """{pid: name}; comm is cut to 15 letters by the kernel."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm", encoding="ascii") as file:
                name = file.read().strip()
        except OSError:
            continue
        if any(name.startswith(prefix[:15]) for prefix in prefixes):
            found[int(pid)] = name
    return found


def pss_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M)[1])


def switches(pid):
    """Voluntary context switches of all threads: each is a wake-up."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="utf-8") as file:
            total += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)",
                                   file.read(), re.M)[1])
    return total


def idle(seconds, prefixes):
    before = {pid: switches(pid) for pid in pids_of(prefixes)}
    time.sleep(seconds)
    return [{"name": name, "pid": pid, "pss_kib": pss_kib(pid),
             "wakeups": (switches(pid) - before[pid]) / seconds}
            for pid, name in pids_of(prefixes).items() if pid in before]


class KernelTrace:
    """What the kernel does, with its own microseconds: probes on three of its
    functions, so that each contender is timed by the same clock at the same
    places and none of them knows."""

    # A new device is offered to drivers right after its uevent was sent; its name
    # is its first member. (The sender of uevents itself cannot be probed.)
    PROBES = ("p:sekisho/uevent bus_probe_device name=+0(+0($arg1)):string",
              "p:sekisho/authorized usbcore:authorized_store",
              "p:sekisho/input input_register_device")
    ROOT = "/sys/kernel/tracing"
    LINE = re.compile(r"\s(\d+\.\d+): (uevent|authorized|input): (.*)")

    def __enter__(self):
        if not os.path.exists(f"{self.ROOT}/kprobe_events"):
            subprocess.run(["mount", "-t", "tracefs", "tracefs", self.ROOT],
                           check=True)
        for probe in self.PROBES:
            self._write("kprobe_events", probe, append=True)
        self._write("events/sekisho/enable", "1")
        return self

    def __exit__(self, *_):
        self._write("events/sekisho/enable", "0")
        for probe in self.PROBES:
            self._write("kprobe_events", f"-:{probe.split()[0][2:]}",
                        append=True)

    def clear(self):
        self._write("trace", "")

    def marks(self):
        """{mark: microseconds} of the device that was plugged since clear():
        its uevent, the first write to `authorized`, the keyboard's input."""
        seen = {}
        with open(f"{self.ROOT}/trace", encoding="utf-8",
                  errors="replace") as file:
            for line in file:
                found = self.LINE.search(line)
                if not found or (found[2] == "uevent" and not re.search(
                        r'name="\d+-[\d.]+"', found[3])):
                    continue
                seen.setdefault(found[2], float(found[1]) * 1e6)
        return seen

    def _write(self, name, text, append=False):
        # Not open(): it seeks to the end, which these files cannot.
        fd = os.open(f"{self.ROOT}/{name}",
                     os.O_WRONLY | (os.O_APPEND if append else os.O_TRUNC))
        try:
            os.write(fd, f"{text}\n".encode())
        finally:
            os.close(fd)


MARKS = {"uevent", "authorized", "input"}


def plug(gadget, count):
    """Milliseconds from uevent to authorized and to input, for each plug."""
    udc = f"{GADGETS}/{gadget}/UDC"
    with open(udc, encoding="ascii") as file:
        controller = file.read().strip() or "dummy_udc.0"
    results = []
    with KernelTrace() as trace:
        for _ in range(count):
            set_controller(udc, "\n")
            time.sleep(0.25)
            trace.clear()
            set_controller(udc, controller)
            results.append(wait_for_marks(trace, 10))
    set_controller(udc, "\n")
    return results


def set_controller(udc, text):
    try:
        with open(udc, "w", encoding="ascii") as file:
            file.write(text)
    except OSError:
        if text.strip():
            raise


def wait_for_marks(trace, timeout_s):
    seen = {}
    deadline = time.monotonic() + timeout_s
    while not MARKS <= seen.keys() and time.monotonic() < deadline:
        # Seldom, so that looking does not slow what is looked at.
        time.sleep(0.3)
        seen = trace.marks()
    return {name: (seen[name] - seen["uevent"]) / 1000
            for name in ("authorized", "input")
            if "uevent" in seen and name in seen}


def allow():
    """The least that user space can do: no policy, one write a uevent."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                       NETLINK_KOBJECT_UEVENT) as kernel:
        kernel.bind((0, 1))
        while True:
            message = kernel.recv(16384)
            if message.startswith(b"add@") and b"DEVTYPE=usb_device" in message:
                path = message.split(b"\0")[0][4:].decode()
                with open(f"/sys{path}/authorized", "w",
                          encoding="ascii") as file:
                    file.write("1")


def main():
    action, *rest = sys.argv[1:]
    if action == "allow":
        allow()
    elif action == "idle":
        print(json.dumps(idle(int(rest[0]), rest[1:])))
    else:
        print(json.dumps(plug(rest[0], int(rest[1]))))


if __name__ == "__main__":
    main()
