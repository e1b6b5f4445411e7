#!/usr/bin/env python3
"""Writes what device_fixtures_test reads: one file in umockdev's format for each
device of the table below, and expected.tsv with what must be read of it and how
each shipped pack must decide. No device was recorded: ids and texts are as such
devices have them, serials are made up.

  make_devices.py           writes the files beside this script
  make_devices.py --check   exit 1 if they are not what would be written
"""

import argparse
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent

# ---- how each kind must be decided -----------------------------------------
# pack: (plugged in, plugged in and approved with `inspect`, in use before the
# agent began). Words: block; full; inspect; leave (observe touches nothing);
# kept (in use and needed, although no rule lets it in).
PACKS = ("observe", "appi", "gdpr", "lockdown", "call-center-maintenance")


def packs(appi, lockdown, maintenance, gdpr=None):
    return {"observe": ("leave", "leave", "leave"), "appi": appi,
            "gdpr": gdpr or appi, "lockdown": lockdown,
            "call-center-maintenance": maintenance}


BLOCKED = ("block",) * 3
FULL = ("full",) * 3
# A medium: approved ones are inspected; the maintenance pack wants encryption
# on top, lockdown nothing at all.
MEDIUM = packs(("block", "inspect", "block"), BLOCKED, BLOCKED)
NOTHING = packs(BLOCKED, BLOCKED, BLOCKED)  # `inspect` cannot be meant of it
INPUT = packs(FULL, FULL, FULL)
# Not named by the rules of lockdown and maintenance (which approves only what
# is encrypted): kept if it was in use.
HEADSET = packs(FULL, ("block", "block", "kept"), ("block", "block", "kept"))
SPEAKER = HEADSET
# Input and smart card in one: no pack has a rule for the two together.
TOKEN = packs(("block", "full", "kept"), ("block", "block", "kept"),
              ("block", "block", "kept"))


# ---- descriptors -----------------------------------------------------------

def interface(triple, number=0, alternate=0, endpoints=(), extra=b""):
    out = struct.pack("<9B", 9, 4, number, alternate, len(endpoints), *triple, 0)
    return out + extra + b"".join(
        struct.pack("<BBBBHB", 7, 5, address, kind, size, interval)
        for address, kind, size, interval in endpoints)


def hid(report_size=63):
    return struct.pack("<BBHBBBH", 9, 0x21, 0x0111, 0, 1, 0x22, report_size)


BULK = ((0x81, 2, 512, 0), (0x02, 2, 512, 0))
BULK3 = ((0x81, 2, 1024, 0), (0x02, 2, 1024, 0))
INTERRUPT = ((0x81, 3, 8, 10),)
# Super-speed endpoint companions and UAS pipe usage: skipped, but there.
COMPANION = bytes((6, 0x30, 15, 0, 0, 0))


def configuration(*interfaces, number=1, length=None):
    body = b"".join(interfaces)
    numbers = {i[2] for i in interfaces}
    total = 9 + len(body) if length is None else length
    return struct.pack("<BBHBBBBB", 9, 2, total,
                       min(len(numbers), 255), number, 0, 0x80, 50) + body


def device(vendor, product, *configurations, usb=0x0200, klass=(0, 0, 0)):
    return struct.pack("<BBHBBBBHHHBBBB", 18, 1, usb, *klass, 64,
                       int(vendor, 16), int(product, 16), 0x0100, 1, 2, 3,
                       len(configurations)) + b"".join(configurations)


MSC = (8, 6, 0x50)
UAS = (8, 6, 0x62)
KEYBOARD = (3, 1, 1)
MOUSE = (3, 1, 2)
HID = (3, 0, 0)


def simple(vendor, product, *triples, usb=0x0200, extra=b""):
    """One configuration, one interface for each triple."""
    return device(vendor, product, configuration(
        *(interface(t, n, endpoints=INTERRUPT if t[0] in (3, 9) else BULK,
                    extra=hid() if t[0] == 3 else extra)
          for n, t in enumerate(triples))), usb=usb)


def uas_disk(vendor, product):
    """Bulk-only and UAS as alternates of one interface, as enclosures do."""
    return device(vendor, product, configuration(
        interface(MSC, 0, 0, BULK3, b""),
        interface(UAS, 0, 1, BULK3 + ((0x83, 2, 1024, 0), (0x04, 2, 1024, 0)),
                  COMPANION)), usb=0x0320)


def audio(vendor, product, *more):
    control = bytes((9, 0x24, 1, 0, 1, 30, 0, 1, 1))
    return device(vendor, product, configuration(
        interface((1, 1, 0), 0, extra=control), interface((1, 2, 0), 1),
        interface((1, 2, 0), 1, 1, ((0x01, 9, 192, 4),)),
        *(interface(t, n + 2, endpoints=INTERRUPT, extra=hid())
          for n, t in enumerate(more))))


def webcam(vendor, product, *more):
    return device(vendor, product, configuration(
        interface((14, 1, 0), 0, endpoints=((0x87, 3, 16, 8),)),
        interface((14, 2, 0), 1), interface((14, 2, 0), 1, 1,
                                            ((0x81, 5, 3072, 1),)),
        *(interface(t, n + 2) for n, t in enumerate(more))),
        klass=(0xEF, 2, 1))


def endless(vendor, product, count):
    return device(vendor, product, configuration(
        *(interface(MSC, n % 256) for n in range(count))))


def many_kinds(vendor, product, count):
    return device(vendor, product, configuration(
        *(interface((8, n // 256, n % 256), n) for n in range(count))))


# ---- the table ---------------------------------------------------------------
# name: (vendor, product, serial, manufacturer, product text, speed, descriptors,
#        interfaces that must be read, or the error, decision)

STICK = "08/06/50"
TABLE = {
    # Sticks and disks.
    "stick-usb2": ("0781", "5567", "20043512110C3E03C0F2", "SanDisk", "Cruzer Blade", "480", simple("0781", "5567", MSC), STICK, MEDIUM),
    "stick-usb3": ("0951", "1666", "60A44C413FAEE3B0B97A0A2F", "Kingston", "DataTraveler 3.0", "5000", simple("0951", "1666", MSC, usb=0x0320), STICK, MEDIUM),
    "stick-buffalo": ("0411", "0282", "A07110012345", "BUFFALO", "RUF3-HSL32G", "480", simple("0411", "0282", MSC), STICK, MEDIUM),
    "stick-no-serial": ("ffff", "5678", "", "Generic", "Flash Disk", "480", simple("ffff", "5678", MSC), STICK, MEDIUM),
    "stick-default-serial": ("1f75", "0917", "000000000000", "General", "UDisk", "480", simple("1f75", "0917", MSC), STICK, MEDIUM),
    "stick-branded-serial": ("abcd", "1234", "\u0409", "General", "UDisk", "480", simple("abcd", "1234", MSC), STICK, MEDIUM),
    "stick-vendor-page": ("13fe", "4200", "070B4C5A6F", "Kingmax", "PenDrive", "480", simple("13fe", "4200", MSC, (0xff, 0, 0)), "08/06/50 ff/00/00", MEDIUM),
    "disk-uas": ("174c", "55aa", "MSFT30012345678", "ASMedia", "ASM1153E", "5000", uas_disk("174c", "55aa"), "08/06/50 08/06/62", MEDIUM),
    "disk-uas-nvme": ("152d", "0583", "DD5641988389D", "JMicron", "External NVMe", "10000", uas_disk("152d", "0583"), "08/06/50 08/06/62", MEDIUM),
    "disk-atapi-optical": ("0e8d", "1887", "K95D4A5A2C", "Slim", "DVD A DS8A5SH", "480", simple("0e8d", "1887", (8, 2, 0x50)), "08/02/50", MEDIUM),
    "floppy-cbi": ("057b", "0000", "", "Y-E DATA", "USB-FDU", "12", simple("057b", "0000", (8, 4, 0)), "08/04/00", MEDIUM),
    "reader-four-slots": ("058f", "6366", "058F63666433", "Generic", "Mass Storage Device", "480", simple("058f", "6366", MSC), STICK, MEDIUM),
    "reader-two-interfaces": ("0bda", "0328", "28203008282014000", "Generic", "USB3.0-CRW", "5000", simple("0bda", "0328", MSC, MSC, usb=0x0300), STICK, MEDIUM),
    "modem-as-disk": ("12d1", "1f01", "", "HUAWEI", "HUAWEI Mobile", "480", simple("12d1", "1f01", MSC), STICK, MEDIUM),
    # Phones, in each of their modes.
    "phone-mtp": ("18d1", "4ee1", "8A1X0H2B7", "Google", "Pixel 6", "480", simple("18d1", "4ee1", (6, 1, 1)), "06/01/01", NOTHING),
    "phone-mtp-vendor": ("04e8", "6860", "R58M90ABCDE", "SAMSUNG", "SAMSUNG_Android", "480", simple("04e8", "6860", (0xff, 0xff, 0), (2, 2, 1), (10, 0, 0)), "02/02/01 0a/00/00 ff/ff/00", NOTHING),
    "phone-ptp": ("05ac", "12a8", "00008030001A2D3C0E92802E", "Apple Inc.", "iPhone", "480", simple("05ac", "12a8", (6, 1, 1), (0xff, 0xfe, 2)), "06/01/01 ff/fe/02", NOTHING),
    "phone-adb": ("18d1", "4ee7", "8A1X0H2B7", "Google", "Pixel 6", "480", simple("18d1", "4ee7", (0xff, 0x42, 1)), "ff/42/01", NOTHING),
    "phone-mtp-adb": ("18d1", "4ee2", "8A1X0H2B7", "Google", "Pixel 6", "480", simple("18d1", "4ee2", (6, 1, 1), (0xff, 0x42, 1)), "06/01/01 ff/42/01", NOTHING),
    "phone-tethering": ("18d1", "4ee3", "8A1X0H2B7", "Google", "Pixel 6", "480", simple("18d1", "4ee3", (0xe0, 1, 3), (10, 0, 0)), "0a/00/00 e0/01/03", NOTHING),
    "phone-storage": ("0fce", "e19f", "CB5A1XYZ12", "Sony", "Xperia", "480", simple("0fce", "e19f", MSC, (0xff, 0x42, 1)), "08/06/50 ff/42/01", MEDIUM),
    "camera-ptp": ("04a9", "32d9", "0123456789AB", "Canon Inc.", "Canon Digital Camera", "480", simple("04a9", "32d9", (6, 1, 1)), "06/01/01", NOTHING),
    # What a terminal needs.
    "hub-usb3": ("05e3", "0626", "", "GenesysLogic", "USB3.1 Hub", "5000", simple("05e3", "0626", (9, 0, 0), usb=0x0320), "09/00/00", INPUT),
    "hub-multi-tt": ("05e3", "0610", "", "GenesysLogic", "USB2.1 Hub", "480", device("05e3", "0610", configuration(interface((9, 0, 1), 0, 0, INTERRUPT), interface((9, 0, 2), 0, 1, INTERRUPT)), klass=(9, 0, 2)), "09/00/01 09/00/02", INPUT),
    "dock-billboard": ("2109", "8817", "0000000000000001", "VIA Labs, Inc.", "USB Billboard Device", "12", simple("2109", "8817", (0x11, 0, 0)), "11/00/00", NOTHING),
    "dock-ethernet": ("0bda", "8153", "000001000000", "Realtek", "USB 10/100/1000 LAN", "5000", device("0bda", "8153", configuration(interface((0xff, 0xff, 0), 0, 0, BULK)), configuration(interface((2, 6, 0), 0), interface((10, 0, 0), 1), number=2)), "02/06/00 0a/00/00 ff/ff/00", NOTHING),
    "keyboard": ("046d", "c31c", "", "Logitech", "USB Keyboard", "1.5", simple("046d", "c31c", KEYBOARD, HID), "03/00/00 03/01/01", INPUT),
    "mouse": ("046d", "c077", "", "Logitech", "USB Optical Mouse", "1.5", simple("046d", "c077", MOUSE), "03/01/02", INPUT),
    "receiver-unifying": ("046d", "c52b", "", "Logitech", "USB Receiver", "12", simple("046d", "c52b", KEYBOARD, MOUSE, HID), "03/00/00 03/01/01 03/01/02", INPUT),
    "smartcard-reader": ("04e6", "5116", "21121423200731", "SCM Microsystems Inc.", "SCR3310 v2.0", "12", simple("04e6", "5116", (0x0b, 0, 0)), "0b/00/00", INPUT),
    "felica-reader": ("054c", "06c1", "", "SONY", "RC-S380/S", "12", simple("054c", "06c1", (0xff, 0, 0)), "ff/00/00", NOTHING),
    "security-key": ("1050", "0407", "", "Yubico", "YubiKey OTP+FIDO+CCID", "12", simple("1050", "0407", KEYBOARD, HID, (0x0b, 0, 0)), "03/00/00 03/01/01 0b/00/00", TOKEN),
    "fingerprint-reader": ("27c6", "609c", "UIDABCDEF01_XXXX_MOC_B0", "Goodix", "Fingerprint USB Device", "12", simple("27c6", "609c", (0xff, 0, 0)), "ff/00/00", NOTHING),
    "headset": ("047f", "c056", "F7AB12CD34", "Plantronics", "Blackwire 3220 Series", "12", audio("047f", "c056", HID), "01/01/00 01/02/00 03/00/00", HEADSET),
    "speaker": ("0d8c", "0012", "", "C-Media", "USB Audio Device", "12", audio("0d8c", "0012"), "01/01/00 01/02/00", SPEAKER),
    "ups": ("051d", "0002", "3B1823X12345", "American Power Conversion", "Back-UPS ES 700G", "1.5", simple("051d", "0002", HID), "03/00/00", INPUT),
    # What is beside the work.
    "webcam": ("046d", "082d", "1A2B3C4D", "Logitech", "HD Pro Webcam C920", "480", webcam("046d", "082d"), "0e/01/00 0e/02/00", packs(("block", "full", "block"), BLOCKED, BLOCKED)),
    "webcam-microphone": ("046d", "0825", "5F6A7B8C", "Logitech", "Webcam C270", "480", webcam("046d", "0825", (1, 1, 0), (1, 2, 0)), "01/01/00 01/02/00 0e/01/00 0e/02/00", TOKEN),
    "printer": ("03f0", "2b17", "CNB1234567", "Hewlett-Packard", "LaserJet 1020", "480", simple("03f0", "2b17", (7, 1, 2)), "07/01/02", NOTHING),
    "printer-scanner-reader": ("04b8", "0892", "4C3J5X6Y7Z", "EPSON", "EPSON Scanner", "480", simple("04b8", "0892", (0xff, 0xff, 0xff), (7, 1, 2), MSC), "07/01/02 08/06/50 ff/ff/ff", MEDIUM),
    "serial-ftdi": ("0403", "6001", "A50285BI", "FTDI", "FT232R USB UART", "12", simple("0403", "6001", (0xff, 0xff, 0xff)), "ff/ff/ff", NOTHING),
    "serial-acm": ("2341", "0043", "75833353035351F07060", "Arduino", "Uno", "12", simple("2341", "0043", (2, 2, 1), (10, 0, 0)), "02/02/01 0a/00/00", NOTHING),
    "bluetooth": ("0a12", "0001", "", "Cambridge Silicon Radio", "CSR8510 A10", "12", simple("0a12", "0001", (0xe0, 1, 1)), "e0/01/01", NOTHING),
    "wifi-adapter": ("0bda", "8179", "00E04C0001", "Realtek", "802.11n NIC", "480", simple("0bda", "8179", (0xff, 0xff, 0xff)), "ff/ff/ff", NOTHING),
    # Attacks.
    "attack-keyboard-in-stick": ("05ac", "0220", "CAFE0001", "Apple", "Keyboard", "480", simple("05ac", "0220", MSC, KEYBOARD), "03/01/01 08/06/50", MEDIUM),
    "attack-network-in-keyboard": ("1d6b", "0104", "deadbeef0123456789", "Linux", "Composite Gadget", "480", simple("1d6b", "0104", KEYBOARD, (0xe0, 1, 3), (10, 0, 0)), "03/01/01 0a/00/00 e0/01/03", packs(("block", "block", "kept"), ("block", "block", "kept"), ("block", "block", "kept"))),
    "attack-many-interfaces": ("6666", "0001", "X", "X", "255", "480", endless("6666", "0001", 255), STICK, MEDIUM),
    "attack-endless-interfaces": ("6666", "0002", "X", "X", "600", "480", endless("6666", "0002", 600), "error: too many interfaces", NOTHING),
    "attack-many-kinds": ("6666", "0003", "X", "X", "65 kinds", "480", many_kinds("6666", "0003", 65), "error: too many kinds", NOTHING),
    "attack-short-interface": ("6666", "0004", "X", "X", "short", "480", device("6666", "0004", configuration(bytes((9, 4, 0, 0, 0, 8, 6)))), "error: byte", NOTHING),
    "attack-zero-length": ("6666", "0005", "X", "X", "zero", "480", device("6666", "0005", configuration(interface(MSC), bytes(4))), "error: byte", NOTHING),
    "attack-total-too-long": ("6666", "0006", "X", "X", "long", "480", device("6666", "0006", configuration(interface(MSC), length=500)), "error: byte", NOTHING),
    "attack-total-too-short": ("6666", "0007", "X", "X", "hidden", "480", device("6666", "0007", configuration(interface(KEYBOARD), interface(MSC, 1), length=18)), "error: byte", NOTHING),
    "attack-no-interface": ("6666", "0008", "X", "X", "none", "480", device("6666", "0008", configuration()), "error: without an interface", NOTHING),
    "attack-control-characters": ("6666", "0009", "S\x1b[2J\x07\n\u202e1", "Evil\x1b]0;owned\x07", "<svg onload=alert(1)>\t\x00x", "480", simple("6666", "0009", MSC), STICK, MEDIUM),
    "attack-long-strings": ("6666", "000a", "S" * 300, "M" * 300, "P" * 300, "480", simple("6666", "000a", MSC), STICK, MEDIUM),
}


def fixture(name, number):
    vendor, product, serial, maker, text, speed, raw, _, _ = TABLE[name]
    lines = [f"P: /devices/pci0000:00/0000:00:14.0/usb1/1-{number}",
             f"N: bus/usb/001/{number + 1:03}={raw.hex().upper()}",
             f"E: BUSNUM=001", f"E: DEVNUM={number + 1:03}",
             f"E: DEVNAME=/dev/bus/usb/001/{number + 1:03}",
             "E: DEVTYPE=usb_device", "E: MAJOR=189", f"E: MINOR={number}",
             "E: SUBSYSTEM=usb", "A: authorized=0\\n", "A: busnum=1\\n",
             f"A: devnum={number + 1}\\n", f"A: idProduct={product}\\n",
             f"A: idVendor={vendor}\\n", f"A: speed={speed}\\n"]
    for attribute, value in (("manufacturer", maker), ("product", text),
                             ("serial", serial)):
        # A device without the string has no such file.
        if value:
            lines.append(f"H: {attribute}="
                         f"{(value.encode() + bytes((10,))).hex().upper()}")
    lines.append(f"H: descriptors={raw.hex().upper()}")
    return "\n".join(lines) + "\n\n"


def hexed(text):
    """At most what is kept of a device's text; a final newline is sysfs's."""
    return text.encode()[:256].hex() or "-"


def expected():
    rows = ["#name\tvendor\tproduct\tserial\tmanufacturer\tproduct_text\tspeed\t"
            "interfaces\t" + "\t".join(PACKS)]
    for name, row in TABLE.items():
        vendor, product, serial, maker, text, speed, _, interfaces, decisions = row
        rows.append("\t".join([
            name, vendor, product, hexed(serial), hexed(maker), hexed(text),
            speed, interfaces, *("; ".join(decisions[p]) for p in PACKS)]))
    return "\n".join(rows) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    files = {f"{name}.umockdev": fixture(name, number)
             for number, name in enumerate(TABLE, 1)}
    files["expected.tsv"] = expected()
    stale = [f.name for f in HERE.glob("*.umockdev") if f.name not in files]
    for name, content in files.items():
        path = HERE / name
        if args.check:
            if not path.exists() or path.read_text() != content:
                stale.append(name)
        else:
            path.write_text(content)
    if stale:
        print("not as make_devices.py writes it:", *sorted(stale))
        return 1
    print(len(TABLE), "devices")
    return 0


if __name__ == "__main__":
    sys.exit(main())
