#!/usr/bin/env python3
"""A USB device whose descriptors lie, made inside the guest through GadgetFS.

usage: lying_gadget.py KIND     plugs it; it stays until the program ends

GadgetFS checks a configuration's header and hands out the rest as it is, which
configfs, and with it vm-gadget, never would. Needs a free dummy controller.
"""

import os
import struct
import subprocess
import sys

FOLDER = "/dev/gadget"
SETUP = 3
KEYBOARD = bytes([9, 4, 0, 0, 1, 3, 1, 1, 0])
IN_1 = bytes([7, 5, 0x81, 3, 8, 0, 10])

# What follows the header, and how many interfaces the header tells of.
KINDS = {
    # A length of nothing: who adds it up never gets to the end.
    "zero": (KEYBOARD + bytes([0, 0x21]) + IN_1, 1),
    # Says to be longer than all there is.
    "long": (KEYBOARD + IN_1 + bytes([255, 4, 1, 0, 2, 8, 6, 0x50, 0]), 2),
    # Too short to be an interface, yet called one.
    "short": (KEYBOARD + bytes([5, 4, 1, 0, 2]) + IN_1, 2),
    # A configuration inside of a configuration.
    "nested": (KEYBOARD + IN_1 + bytes([9, 2, 9, 0, 1, 1, 0, 0x80, 50]), 1),
}


def configuration(kind):
    rest, interfaces = KINDS[kind]
    return struct.pack("<BBHBBBBB", 9, 2, 9 + len(rest), interfaces, 1, 0,
                       0xC0, 1) + rest


def product(kind):
    """What the device calls itself, so that it can be told from the others."""
    return 0xF000 + sorted(KINDS).index(kind)


def device(kind):
    return struct.pack("<BBHBBBBHHHBBBB", 18, 1, 0x200, 0, 0, 0, 64, 0x0951,
                       product(kind), 1, 0, 0, 0, 1)


def open_controller():
    os.makedirs(FOLDER, exist_ok=True)
    subprocess.run(["modprobe", "-a", "dummy_hcd", "gadgetfs"], check=True)
    if not os.path.ismount(FOLDER):
        subprocess.run(["mount", "-t", "gadgetfs", "none", FOLDER], check=True)
    name = next(n for n in os.listdir(FOLDER) if "udc" in n)
    return os.open(f"{FOLDER}/{name}", os.O_RDWR)


def answer(control):
    """Refuses every question that the kernel did not answer by itself."""
    while True:
        event = os.read(control, 12)
        if struct.unpack("<I", event[8:12])[0] != SETUP:
            continue
        to_host = event[0] & 0x80
        try:  # the wrong direction is how GadgetFS is told to stall
            if to_host:
                os.write(control, b"")
            else:
                os.read(control, 0)
        except OSError:
            pass


def main():
    kind = sys.argv[1]
    control = open_controller()
    config = configuration(kind)
    # The same at full and at high speed.
    os.write(control, struct.pack("<I", 0) + config + config + device(kind))
    answer(control)


if __name__ == "__main__":
    main()
