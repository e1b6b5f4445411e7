"""Every kind of USB device the harness knows is seen by the guest."""

from checks import check, equal, eventually, step
from guest import Guest
from sticks import make_stick

NEEDS = "plain"
GADGET = "/sys/bus/usb/devices/*/idProduct"


def run(vm: Guest) -> None:
    qemu_devices(vm)
    typing(vm)
    gadgets(vm)
    vm.usb.unplug_all()


def qemu_devices(vm: Guest) -> None:
    step("plug a UAS disk, a phone, a network adapter, a mouse, an adapter")
    disk = make_stick(vm.scratch / "uas.img", "vfat")
    uas = vm.usb.plug_uas(disk.path, serial="UAS-1")
    eventually("the UAS disk is there", lambda: vm.block_device("UAS-1"), 60)
    phone = vm.scratch / "phone"
    phone.mkdir()
    vm.usb.plug_mtp(phone, serial="PHONE-1")
    vm.usb.plug_net(serial="NET-1")
    vm.usb.plug_mouse(serial="MOUSE-1")
    vm.usb.plug_serial_adapter(vm.scratch / "serial.out")
    for serial in ("PHONE-1", "NET-1", "MOUSE-1"):
        vm.wait_for(f"grep -qsx {serial} /sys/bus/usb/devices/*/serial", 60)
    check(True, "phone, network adapter and mouse are there by their serials")
    vm.wait_for("test -e /sys/bus/usb/drivers/ftdi_sio", 60)
    vm.usb.unplug(uas)
    eventually("the UAS disk is gone", lambda: not vm.block_device("UAS-1"), 60)
    vm.usb.unplug_all()


def typing(vm: Guest) -> None:
    step("type on a keyboard behind a hub; log in at the console")
    vm.usb.plug_hub(port="1")
    vm.usb.plug_keyboard(port="1.2", serial="KBD-1")
    vm.wait_for("grep -qsx KBD-1 /sys/bus/usb/devices/1-1.2/serial", 60)
    vm.wait_for("test -e /dev/input/by-id/*KBD-1*-event-kbd", 60)
    vm.screen.type("operator\n")
    vm.screen.wait_text("Password:", 120)
    vm.screen.type("operator\n")
    vm.wait_for("loginctl list-sessions --no-legend | "
                "grep -q 'operator seat0 tty1'", 120)
    check(True, "operator has a session on seat0")


def gadgets(vm: Guest) -> None:
    step("make devices with identities of their own inside the guest")
    vm.ssh("truncate -s 16M /tmp/gadget.img && mkfs.vfat /tmp/gadget.img")
    vm.ssh("vm-gadget add evil vendor=0x0951 product=0x1666 serial=G-1 "
           "manufacturer=Kingston 'name=Data Traveler' "
           "storage:/tmp/gadget.img keyboard", timeout_s=300)
    eventually("a stick that is a keyboard too", lambda: vm.block_device("G-1"),
               60)
    names = vm.ssh("cat $(dirname $(grep -lsx G-1 "
                   "/sys/bus/usb/devices/*/serial))/{manufacturer,product,"
                   "idVendor,idProduct,bNumInterfaces}").stdout.split("\n")
    equal([n.strip() for n in names[:5]],
          ["Kingston", "Data Traveler", "0951", "1666", "2"],
          "it has the names and interfaces asked for")
    vm.ssh("vm-gadget set evil product=0xbeef serial=G-2")
    eventually("it comes back as another",
               lambda: vm.ssh(f"grep -qsx beef {GADGET}", check=False).ok)
    vm.ssh("vm-gadget remove evil")
    eventually("it is gone",
               lambda: not vm.ssh(f"grep -qsx beef {GADGET}", check=False).ok)
