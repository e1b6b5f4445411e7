"""An approved stick in a real desktop session: it shows, says why it refuses, ejects.

Xvfb, openbox, Thunar and dunst in the operator's own session on seat0; windows
are read through the accessibility bus, as a screen reader does. Not part of
--all: its image has a desktop and takes minutes to build. `build/desktop-*.png`
are what the operator sees.
"""

import base64
import json
from pathlib import Path

import story
from checks import check, equal, eventually, step
from guest import Guest
from sticks import Stick, make_stick

NEEDS = "desktop"
IN_ALL = False
STICK = "46f4:0001:DESK1"
PICTURES = story.ROOT / "build"
# Run by the login shell on tty1, so everything belongs to that session.
SESSION = """[ "$(tty)" = /dev/tty1 ] || return
export DISPLAY=:0 LANG={lang} GTK_MODULES=gail:atk-bridge
Xvfb :0 -screen 0 1280x720x24 -nolisten tcp >/tmp/x.log 2>&1 &
until xdpyinfo >/dev/null 2>&1; do sleep 0.2; done
dbus-update-activation-environment --systemd DISPLAY LANG GTK_MODULES
gsettings set org.gnome.desktop.interface toolkit-accessibility true
openbox >/tmp/openbox.log 2>&1 &
DISPLAY=:0 dunst >/tmp/dunst.log 2>&1 &
# What a session manager starts.
sh -c "$(sed -n 's/^Exec=//p' /etc/xdg/autostart/sekisho-notify.desktop)"
exec thunar --daemon >/tmp/thunar.log 2>&1
"""
# What is on the screen, a line an element: role, name, and text.
READER = """
import pyatspi
def walk(node, depth=0):
    if node is None or depth > 25:
        return
    text = ""
    try:
        text = node.queryText().getText(0, 2000)
    except Exception:
        pass
    print(node.getRoleName(), repr(node.name), repr(text))
    for i in range(min(node.childCount, 400)):
        try:
            walk(node.getChildAtIndex(i), depth + 1)
        except Exception:
            pass
for app in pyatspi.Registry.getDesktop(0):
    if app is not None:
        walk(app)
"""


def run(vm: Guest) -> None:
    vm.ssh("sed -i 's/^# *\\(ja_JP.UTF-8\\|en_US.UTF-8\\)/\\1/' /etc/locale.gen "
           "&& locale-gen >/dev/null", timeout_s=600)
    session(vm, "ja_JP.UTF-8")
    vm.server.cli("policy", "push", str(story.POLICY))
    story.wait_for_policy(vm, "enforce", 60)
    vm.server.cli("device", "approve", STICK, "--access", "inspect",
                  "--purpose", "logs", "--owner", "tanaka")
    stick = make_stick(vm.scratch / "desk.img", "vfat", size_mib=64,
                       label="LOGS")
    device = vm.usb.plug_storage(stick.path, serial="DESK1", port="2")
    shown(vm)
    copied(vm, stick)
    refused(vm, stick)
    ejected(vm, stick)
    vm.usb.unplug(device)
    vm.usb.plug_storage(stick.path, serial="DESK1", port="2")
    step("plugged again")
    eventually("it is mounted again", lambda: story.medium_at(vm, "DESK1"), 60)
    eventually("and shown again", lambda: "LOGS" in mounts(vm), 30)


def session(vm: Guest, lang: str) -> None:
    step(f"the operator's desktop, {lang}")
    vm.write_file("/home/operator/.bash_profile",
                  SESSION.format(lang=lang).encode(), owner="operator")
    vm.write_file("/usr/local/libexec/read-screen.py", READER.encode())
    story.sit_down(vm)
    eventually("the file manager runs", lambda: vm.ssh(
        "pgrep -u operator -x Thunar || pgrep -u operator -x thunar",
        check=False).ok, 120)


def desk(vm: Guest, command: str, timeout_s: float = 60) -> str:
    """In the session's surroundings."""
    quoted = base64.b64encode(command.encode()).decode()
    return vm.ssh(
        "export DISPLAY=:0 XDG_RUNTIME_DIR=/run/user/1000 "
        "DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus; "
        f"echo {quoted} | base64 -d | sh 2>&1", user="operator", check=False,
        timeout_s=timeout_s).stdout


def mounts(vm: Guest) -> str:
    return desk(vm, "gio mount -l")


def screen_text(vm: Guest) -> str:
    return desk(vm, "python3 /usr/local/libexec/read-screen.py")


def picture(vm: Guest, name: str) -> None:
    desk(vm, "import -window root /tmp/screen.png")
    PICTURES.mkdir(exist_ok=True)
    (PICTURES / f"desktop-{name}.png").write_bytes(
        vm.read_file("/tmp/screen.png"))


def thunar(vm: Guest, method: str, *words: str) -> str:
    """Asks the running file manager, as a double click or a drop does."""
    return desk(vm, "gdbus call --session -d org.xfce.FileManager -o "
                "/org/xfce/FileManager -m org.xfce.FileManager."
                f"{method} {' '.join(words)}")


def shown(vm: Guest) -> None:
    step("an approved stick")
    folder = eventually("it is mounted",
                        lambda: story.medium_at(vm, "DESK1"), 120)
    eventually("the desktop lists it under its label",
               lambda: "Mount(0): LOGS" in mounts(vm), 30)
    listed = mounts(vm)
    check("Volume(" not in listed and listed.count("Mount(") == 1,
          f"once, and nothing that would be refused:\n{listed}")
    thunar(vm, "DisplayFolder", f"file://{folder}", ":0", '""')
    eventually("the file manager shows its folder",
               lambda: "LOGS" in screen_text(vm), 60)
    picture(vm, "shown")


def drop(vm: Guest, name: str) -> None:
    folder = story.medium_at(vm, "DESK1")
    thunar(vm, "CopyInto", "file:///home/operator",
           f"\"['file:///home/operator/{name}']\"", f"file://{folder}",
           ":0", '""')


def copied(vm: Guest, stick: Stick) -> None:
    step("a file is dropped on it")
    vm.write_file("/home/operator/report.txt", b"line card 2 ok\n" * 50,
                  owner="operator")
    drop(vm, "report.txt")
    eventually("it arrives", lambda: any(
        row["public_part"]["outcome"] == "allowed"
        for row in story.transfers(vm, "report.txt")), 60)
    vm.ssh("sync")
    equal(stick.read("report.txt"), b"line card 2 ok\n" * 50,
          "and is on the medium")


def refused(vm: Guest, stick: Stick) -> None:
    step("a list of 60 people is dropped on it")
    people = story.make_people(vm.scratch, 60, "cp932", seed=31)
    vm.write_file("/home/operator/members.csv", people.csv, owner="operator")
    drop(vm, "members.csv")
    said = eventually("the file manager says that it failed", lambda: next(
        (text for text in [screen_text(vm)] if "members.csv" in text
         and "alert" in text or "許可" in text), None), 60)
    lines = [line for line in said.splitlines()
             if "members.csv" in line or "許可" in line or "rmission" in line]
    print("    " + "\n    ".join(lines[:12]), flush=True)
    eventually("a notification says why", lambda: next(
        (text for text in [desk(vm, "dunstctl history; dunstctl count")]
         if "members.csv" in text or shown_by_dunst(text)), None), 30)
    picture(vm, "refused")
    vm.ssh("sync")
    equal(story.no_needles(stick.find, people), "", "nothing of it is there")
    blocked = [row["public_part"]["outcome"]
               for row in story.transfers(vm, "members.csv")]
    check("blocked" in blocked, "it is an event")


def shown_by_dunst(count: str) -> bool:
    line = next((line for line in count.splitlines()
                 if "Currently displayed" in line), ": 0")
    return int(line.split(":")[1]) > 0


def ejected(vm: Guest, stick: Stick) -> None:
    step("it is ejected")
    folder = story.medium_at(vm, "DESK1")
    # The question whether to go on holds the file open.
    desk(vm, "for w in $(LANG=C.UTF-8 xdotool search --name '^注意$'); do "
         "xdotool windowactivate --sync $w key Escape; done")
    # As the button beside the medium does it.
    said = desk(vm, f"timeout 30 gio mount -u '{folder}' </dev/null && echo ok")
    equal(said.strip(), "ok", "the desktop could eject it")
    eventually("the mount is gone",
               lambda: story.medium_at(vm, "DESK1") == "", 30)
    eventually("and the desktop shows it no longer",
               lambda: "LOGS" not in mounts(vm), 30)
    eventually("the unmounting is an event", lambda: story.events(
        vm, kind="medium_unmounted"), 30)
    equal([row["public_part"]["reason"] for row in story.events(
        vm, kind="medium_unmounted")], ["it was ejected"], "which says so")
    check("ejected" in vm.ssh("sekisho status").stdout,
          "sekisho status says that it was ejected")
    equal(stick.read("report.txt"), b"line card 2 ok\n" * 50,
          "what was copied is whole")
