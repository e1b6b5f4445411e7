#!/usr/bin/env python3
"""The half of the agent's benchmark that runs in the guest; prints JSON.

usage: agent_guest.py idle SECONDS NAME...     memory and wake-ups, by program
       agent_guest.py plug GADGET COUNT        how long a keyboard waits
       agent_guest.py allow                    allows every device, at once

`plug` reads the kernel's own log: "not authorized for usage" is printed right
after the uevent is sent, "authorized to connect" when a configuration is set,
and "input:" when the keyboard types.
"""

import json
import os
import re
import socket
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


class KernelLog:
    """What the kernel says from now on, with its own microseconds."""

    def __init__(self):
        self._fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self._fd, 0, os.SEEK_END)

    def read(self):
        while True:
            try:
                record = os.read(self._fd, 8192).decode(errors="replace")
            except BlockingIOError:
                return
            except BrokenPipeError:  # records were overwritten
                continue
            head, _, text = record.partition(";")
            yield int(head.split(",")[2]), text.split("\n")[0]


MARKS = (("uevent", "not authorized for usage"),
         ("authorized", "authorized to connect"),
         ("input", "input: "))


def plug(gadget, count):
    """Milliseconds from uevent to authorized and to input, for each plug."""
    udc = f"{GADGETS}/{gadget}/UDC"
    with open(udc, encoding="ascii") as file:
        controller = file.read().strip() or "dummy_udc.0"
    results = []
    log = KernelLog()
    for _ in range(count):
        set_controller(udc, "\n")
        time.sleep(0.25)
        list(log.read())
        set_controller(udc, controller)
        results.append(wait_for_marks(log, 10))
    set_controller(udc, "\n")
    return results


def set_controller(udc, text):
    try:
        with open(udc, "w", encoding="ascii") as file:
            file.write(text)
    except OSError:
        if text.strip():
            raise


def wait_for_marks(log, timeout_s):
    seen = {}
    deadline = time.monotonic() + timeout_s
    # A driver may be bound while the configuration is set: then the kernel says
    # "input" first.
    while not {"authorized", "input"} <= seen.keys() and \
            time.monotonic() < deadline:
        # Seldom, so that looking does not slow what is looked at.
        time.sleep(0.3)
        for microseconds, text in log.read():
            for name, words in MARKS:
                if words in text and "mouse" not in text:
                    seen.setdefault(name, microseconds)
    start = seen.get("uevent")
    return {name: (seen[name] - start) / 1000 for name in
            ("authorized", "input") if start is not None and name in seen}


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
