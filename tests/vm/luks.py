"""Gets a guest past the passphrase prompt of its initramfs."""

from __future__ import annotations

import time
from pathlib import Path

from builder import LUKS_PASSPHRASE
from devices import Usb
from guest import Guest

PROMPT = "Please unlock disk cryptroot"
UNLOCKED = "cryptroot: set up successfully"


def plug_keyboard_behind_hub(usb: Usb) -> None:
    """The only keyboard, one hub deep: the case that boot rules get wrong."""
    usb.plug_hub(port="1")
    usb.plug_keyboard(port="1.1")


def type_passphrase(vm: Guest, timeout_s: float = 900) -> None:
    """Waits for the prompt on the screen, types, waits until ssh answers."""
    vm.screen.wait_text(PROMPT, timeout_s)
    vm.screen.type(LUKS_PASSPHRASE + "\n")
    vm.wait_ready()


def retype_passphrase(vm: Guest) -> None:
    """Types it on a keyboard that was plugged just now.

    While it asks, the initramfs shows no kernel message, so nothing tells when
    the keyboard is ready: what came too early was typed for nobody.
    """
    for _ in range(3):
        time.sleep(10)
        vm.screen.type(LUKS_PASSPHRASE + "\n")
        try:
            vm.screen.wait_text(UNLOCKED, 30)
        except TimeoutError:
            continue
        vm.wait_ready()
        return
    raise TimeoutError("the passphrase was not taken; the screen shows:\n"
                       + vm.screen.text())


def boot_by_keyboard(vm: Guest, initrd: Path | None = None) -> None:
    """Powers the guest on with that keyboard and unlocks it."""
    vm.start(initrd=initrd, plug=plug_keyboard_behind_hub)
    type_passphrase(vm)
