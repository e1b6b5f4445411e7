#!/usr/bin/env python3
"""Plugs made-up USB devices in and out, in the guest, and watches what is let in.

usage: plug_cycler.py CYCLES SEED FIRST

Prints one JSON object: what was done, how fast, and every wrong authorisation.
Devices come through GadgetFS (any descriptors at all) and through configfs (ones
that work), on dummy_hcd; nothing outside of the guest is touched.

Let in is vendor 1209; whatever else is made here, or plugged by QEMU with a serial
that begins with BADQ, must never have an interface with a driver, nor stay
authorised. A watcher reads every device's directory all the time, through a
descriptor of it: a path may be another device a moment later.
"""

import json
import os
import random
import struct
import subprocess
import sys
import threading
import time

FOLDER = "/dev/gadget"
CONFIG = "/sys/kernel/config/usb_gadget"
DEVICES = "/sys/bus/usb/devices"
GOOD_VENDOR = 0x1209
VENDOR = 0x1D50  # of all others; the product is the cycle's number
CONNECT, DISCONNECT, SETUP = 1, 2, 3
GET_DESCRIPTOR, STRING = 6, 3
QUIET_S = 0.05
# Longer ones are cut by a descriptor's length byte.
ODD_TEXTS = ["", "0", "\x1b[31m\x07\n", "\u202eevil", "<img src=x>", "A" * 126,
             "%s%n%x", "../../etc/passwd", "\0\0\0", "DISK"]
KEYBOARD = (3, 1, 1)
STORAGE = (8, 6, 0x50)
CLASSES = [KEYBOARD, (3, 1, 2), (3, 0, 0), STORAGE, (8, 6, 0x62), (2, 6, 0),
           (10, 0, 0), (0xE0, 1, 3), (6, 1, 1), (7, 1, 2), (0xFF, 0xFF, 0xFF),
           (0xFE, 1, 1), (1, 1, 0), (0x0B, 0, 0), (9, 0, 0), (0, 0, 0)]


def interface(number, triple, endpoints=0):
    return bytes([9, 4, number & 255, 0, endpoints, *triple, 0])


def endpoint(address):
    return bytes([7, 5, address, 3, 8, 0, 10])


class Plan:
    """What one cycle does; all of it follows from the seed."""

    def __init__(self, number, dice):
        self.number = number
        self.product = number & 0xFFFF
        self.shape = dice.choice(["plain", "plain", "many", "lying", "noise",
                                  "works", "works", "good"])
        self.hold_s = dice.choice([0.0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8])
        self.gap_s = dice.choice([0.0, 0.0, 0.01, 0.05])
        # Held from when the kernel made it, which takes a while; or pulled at
        # any moment of that.
        self.wait_s = dice.choice([0.0, 1.5, 1.5, 1.5])
        self.texts = [dice.choice(ODD_TEXTS) for _ in range(3)]
        self.lie = dice.choice(["zero", "long", "short", "nested", "string"])
        self.triples = [dice.choice(CLASSES) for _ in range(
            255 if self.shape == "many" and dice.random() < 0.5
            else dice.randint(1, 12))]
        self.noise = dice.randbytes(dice.randint(0, 400))
        self.function = dice.choice(["keyboard", "mouse", "storage"])

    def rest(self):
        """What follows the configuration's header, and how many interfaces."""
        if self.shape == "noise":
            return self.noise, 1 + self.product % 4
        body = b""
        for number, triple in enumerate(self.triples):
            body += interface(number, triple, 1 if number == 0 else 0)
            if number == 0:
                body += endpoint(0x81)
        if self.shape == "lying":
            body += {"zero": bytes([0, 0x21]),
                     "long": bytes([255, 4, 1, 0, 2, 8, 6, 0x50, 0]),
                     "short": bytes([5, 4, 1, 0, 2]),
                     "nested": bytes([9, 2, 9, 0, 1, 1, 0, 0x80, 50]),
                     "string": b""}[self.lie]
        return body, len(self.triples)

    def configuration(self):
        rest, interfaces = self.rest()
        # GadgetFS takes at most 4 KiB in all, for both speeds and the device.
        rest = rest[:1900]
        return struct.pack("<BBHBBBBB", 9, 2, 9 + len(rest),
                           min(interfaces, 255), 1, 0, 0xC0, 1) + rest

    def device(self):
        return struct.pack("<BBHBBBBHHHBBBB", 18, 1, 0x200, 0, 0, 0, 64, VENDOR,
                           self.product, 1, 1, 2, 3, 1)

    def string(self, index):
        if index == 0:
            return bytes([4, STRING, 9, 4])
        text = self.texts[(index - 1) % 3].encode("utf-16-le", "surrogatepass")
        length = 2 + len(text)
        if self.shape == "lying" and self.lie == "string":
            length = (self.product * 7) % 256  # another one than there are
        return bytes([min(length, 254), STRING]) + text[:252]


class GadgetFs:
    """The one device that GadgetFS makes at a time."""

    def __init__(self, watcher):
        self.watcher = watcher
        os.makedirs(FOLDER, exist_ok=True)
        if not os.path.ismount(FOLDER):
            subprocess.run(["mount", "-t", "gadgetfs", "none", FOLDER],
                           check=True)
        self.name = next(n for n in os.listdir(FOLDER) if "udc" in n)

    def cycle(self, plan):
        """True if the controller took the descriptors."""
        control = os.open(f"{FOLDER}/{self.name}", os.O_RDWR | os.O_NONBLOCK)
        try:
            config = plan.configuration()
            try:
                os.write(control, struct.pack("<I", 0) + config + config +
                         plan.device())
            except OSError:
                return False  # refused by GadgetFS itself
            self._serve(control, plan)
            return True
        finally:
            os.close(control)

    def _serve(self, control, plan):
        began = time.monotonic()
        # Linux 6.1's GadgetFS frees an answer that still waits for the host
        # (NULL in ep0_complete), so it is unplugged between two questions only.
        # Devices of configfs go at any moment.
        asked = 0.0
        while time.monotonic() < max(self.watcher.until(plan, began),
                                     asked + QUIET_S):
            try:
                event = os.read(control, 12)
            except BlockingIOError:
                time.sleep(0.001)
                continue
            except OSError:
                return
            asked = time.monotonic()
            if len(event) < 12 or event[8] != SETUP:
                continue
            kind, request, value, _, length = struct.unpack("<BBHHH", event[:8])
            wants_string = (kind == 0x80 and request == GET_DESCRIPTOR
                            and value >> 8 == STRING)
            try:
                if wants_string:
                    os.write(control, plan.string(value & 255)[:length])
                elif kind & 0x80:
                    os.read(control, 0)  # the wrong direction: stall
                else:
                    os.write(control, b"")
            except OSError:
                pass


class ConfigFs:
    """Devices that work, with any identity."""

    def __init__(self, image, watcher):
        self.image = image
        self.watcher = watcher
        self.report = bytes.fromhex(
            "05010906a101050719e029e71500250175019508810295017508810395057501"
            "05081901290591029501750391039506750815002565050719002965"
            "8100c0")

    def cycle(self, plan, controller):
        good = plan.shape == "good"
        gadget = f"{CONFIG}/cycle"
        function = "keyboard" if good and plan.function == "storage" else (
            plan.function)
        for path in (gadget, gadget + "/strings/0x409", gadget + "/configs/c.1"):
            os.mkdir(path)
        write(gadget + "/idVendor", hex(GOOD_VENDOR if good else VENDOR))
        write(gadget + "/idProduct", hex(plan.product))
        serial = f"GOOD{plan.number}" if good else f"BAD{plan.number}"
        write(gadget + "/strings/0x409/serialnumber", serial)
        # configfs takes no empty text, and reads up to the first NUL.
        write(gadget + "/strings/0x409/product",
              plan.texts[1].strip("\0") or "x")
        part = self._function(gadget, function)
        os.symlink(part, gadget + "/configs/c.1/f")
        try:
            write(gadget + "/UDC", controller)
            began = time.monotonic()
            while time.monotonic() < self.watcher.until(plan, began):
                time.sleep(0.005)
            write(gadget + "/UDC", "\n")
        finally:
            os.unlink(gadget + "/configs/c.1/f")
            for path in (part, gadget + "/configs/c.1",
                         gadget + "/strings/0x409", gadget):
                os.rmdir(path)

    def _function(self, gadget, function):
        if function == "storage":
            part = gadget + "/functions/mass_storage.0"
            os.mkdir(part)
            write(part + "/lun.0/removable", "1")
            write(part + "/lun.0/file", self.image)
            return part
        part = gadget + "/functions/hid.0"
        os.mkdir(part)
        write(part + "/subclass", "1")
        write(part + "/protocol", "1" if function == "keyboard" else "2")
        write(part + "/report_length", "8")
        with open(part + "/report_desc", "wb") as out:
            out.write(self.report)
        return part


def write(path, text):
    with open(path, "w") as out:
        out.write(text)


def vendor_of(name):
    try:
        with open(f"{DEVICES}/{name}/idVendor") as file:
            return file.read().strip()
    except OSError:
        return None


def read_at(folder, name):
    try:
        handle = os.open(name, os.O_RDONLY, dir_fd=folder)
    except OSError:
        return None
    try:
        return os.read(handle, 512).rstrip(b"\n")
    except OSError:
        return None
    finally:
        os.close(handle)


class Watcher(threading.Thread):
    """Looks for devices that are let in and may not be, all the time."""

    def __init__(self):
        super().__init__(daemon=True)
        self.ends = threading.Event()
        self.looks = 0
        self.sightings = 0
        self.good_open = 0
        self.wrong = []
        # Product: when it was seen first and last. What the kernel gave up
        # while it enumerated is not there.
        self.seen = {}
        self.known = {name for name in os.listdir(DEVICES)}

    def run(self):
        while not self.ends.is_set():
            self.look()

    def until(self, plan, began):
        """When the device of `plan` is to go."""
        seen = self.seen.get(f"{plan.product:04x}")
        if seen:
            return max(seen[0], began) + plan.hold_s
        return began + (plan.wait_s or plan.hold_s)

    def look(self):
        self.looks += 1
        for name in os.listdir(DEVICES):
            if name in self.known or ":" in name or name.startswith("usb"):
                continue
            try:
                folder = os.open(f"{DEVICES}/{name}", os.O_RDONLY)
            except OSError:
                continue
            try:
                self.judge(name, folder)
            finally:
                os.close(folder)

    def judge(self, name, folder):
        vendor = read_at(folder, "idVendor")
        serial = read_at(folder, "serial") or b""
        authorized = read_at(folder, "authorized")
        drivers = self.drivers(folder, name)
        if vendor is None or read_at(folder, "idVendor") is None:
            return  # it went meanwhile
        self.sightings += 1
        if vendor in (b"1d50", b"1209"):
            now = time.monotonic()
            product = (read_at(folder, "idProduct") or b"").decode()
            self.seen.setdefault(product, [now, now])[1] = now
        if vendor == b"1209":
            if drivers:
                self.good_open += 1
            return
        if vendor != b"1d50" and not serial.startswith(b"BADQ"):
            return  # what the guest itself needs
        if drivers:
            self.wrong.append({"device": name, "drivers": drivers,
                               "serial": repr(serial),
                               "authorized": repr(authorized),
                               "product": repr(read_at(folder, "idProduct"))})

    @staticmethod
    def drivers(folder, name):
        found = []
        try:
            entries = os.listdir(folder)
        except OSError:
            return found
        for entry in entries:
            if entry.startswith(name + ":"):
                try:
                    found.append(os.path.basename(
                        os.readlink(f"{entry}/driver", dir_fd=folder)))
                except OSError:
                    pass
        return found


def controllers():
    return sorted(n for n in os.listdir("/sys/class/udc") if "dummy" in n)


def main():
    cycles, seed, first = (int(word) for word in sys.argv[1:4])
    subprocess.run(["modprobe", "libcomposite"], check=True)
    if not os.path.isdir("/sys/module/dummy_hcd"):
        subprocess.run(["modprobe", "dummy_hcd", "num=4", "is_super_speed=0",
                        "is_high_speed=1"], check=True)
    subprocess.run(["modprobe", "gadgetfs"], check=True)
    if not os.path.ismount("/sys/kernel/config"):
        subprocess.run(["mount", "-t", "configfs", "none",
                        "/sys/kernel/config"], check=True)
    image = "/var/tmp/cycle.img"
    with open(image, "wb") as out:
        out.truncate(1 << 20)
    watcher = Watcher()
    fs = GadgetFs(watcher)
    others = [name for name in controllers() if name != fs.name]
    works = ConfigFs(image, watcher)
    watcher.start()
    refused = 0
    began = time.monotonic()
    for number in range(first, first + cycles):
        dice = random.Random(f"{seed}/{number}")
        plan = Plan(number, dice)
        if plan.shape in ("works", "good"):
            works.cycle(plan, others[0])
        elif not fs.cycle(plan):
            refused += 1
            continue
        time.sleep(plan.gap_s)
    took = time.monotonic() - began
    time.sleep(1)
    watcher.ends.set()
    watcher.join()
    left = [name for name in os.listdir(DEVICES)
            if vendor_of(name) in ("1d50", "1209")]
    os.unlink(image)
    print(json.dumps({"refused": refused, "seconds": took,
                      "looks": watcher.looks, "sightings": watcher.sightings,
                      "good_open": watcher.good_open, "left": left,
                      "seen": {product: last - first for product, (first, last)
                               in watcher.seen.items() if product},
                      "wrong": watcher.wrong[:20],
                      "wrong_count": len(watcher.wrong)}))


if __name__ == "__main__":
    main()
