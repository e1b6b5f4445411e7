"""A USB keyboard behind a hub unlocks the disk, also with a new initramfs."""

import luks
from checks import check, equal, step
from guest import Guest

NEEDS = "luks"
# luks_enforced does all of this, with the agent: each costs minutes.
IN_ALL = False


def run(vm: Guest) -> None:
    step("boot; unlock by the keyboard behind the hub")
    luks.boot_by_keyboard(vm)
    equal(vm.ssh("findmnt -no SOURCE /").stdout.strip(),
          "/dev/mapper/cryptroot", "the root is the unlocked disk")
    check(not vm.ssh("ls /dev/input/by-path | grep -q i8042", check=False).ok,
          "there is no other keyboard")

    step("let the guest make its initramfs again; boot with that one")
    vm.reboot(initrd=vm.make_initrd(), plug=luks.plug_keyboard_behind_hub)
    luks.type_passphrase(vm)
    equal(vm.ssh("findmnt -no SOURCE /").stdout.strip(),
          "/dev/mapper/cryptroot", "it came up again")
