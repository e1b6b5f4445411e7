"""What is broken, foreign, lying or gone mid-way is refused and reported.

A disk that is full is in full_disk; what peers get wrong over the network is in
tests/integration/server, but for a wrong token.
"""

import json
from pathlib import Path

import lying_gadget
import story
from checks import check, equal, eventually, never, step
from guest import Guest
from server import ServerError, enrol_guest_command
from sticks import Stick, make_broken_stick, make_stick

NEEDS = "agent"
BROKEN_POLICY = """policy: 1
name: broken
mode: enforce
devices:
  - id: keyboards
    match: { interfaces_all: ["03/*/*"] }
    access: everything
device_default: block
content_default: allow
"""
# Colours a terminal, breaks a line, turns text around, and is a tag.
ODD_NAME = "\x1b[31mRed\x07\nnext \u202elait <img src=x onerror=alert(1)>"
DEVICES = "/sys/bus/usb/devices"
LIAR = "/usr/local/libexec/lying_gadget.py"
LATE_CONTROLLERS = 6


def run(vm: Guest) -> None:
    vm.server.cli("policy", "push", str(story.POLICY))
    story.wait_for_policy(vm, "enforce", 60)
    agent = agent_pid(vm)
    broken_policy(vm)
    wrong_token(vm)
    media_without_a_use(vm)
    stick, folder = approved_stick(vm)
    vanishing_stick(vm, stick, folder)
    late_controllers(vm)
    composite_and_odd_names(vm)
    lying_descriptors(vm)
    other_devices(vm)
    keyboard_behind_hub(vm)
    step("the agent after all that")
    equal(agent_pid(vm), agent, "sekishod is the process it was")
    equal(failed_units(vm), "", "no unit of ours has failed")
    equal(problems(vm), [], "and it had no problem of its own to report")
    answer = json.loads(vm.server.cli("event", "verify", "--json"))
    check(answer["ok"] and not answer["problems"], "the chain verifies")


def agent_pid(vm: Guest) -> str:
    return vm.ssh("systemctl show -P MainPID sekishod").stdout.strip()


def failed_units(vm: Guest) -> str:
    return vm.ssh("systemctl list-units --failed --no-legend --plain "
                  "'sekisho*'").stdout.strip()


def problems(vm: Guest) -> list[str]:
    """What the agent said of its own health without a device to it."""
    return [row["public_part"].get("reason", "")
            for row in story.events(vm, kind="health")
            if not row["public_part"].get("device", {}).get("serial")]


def answers(vm: Guest, when: str) -> None:
    """Beyond what starting the program costs, which emulation makes dear."""
    taken = vm.ssh(
        "TIMEFORMAT=%R; time sekisho --version >/dev/null; "
        "time timeout 60 sekisho status >/dev/null || echo 1000").stderr
    start, status = (float(word) for word in taken.split()[-2:])
    check(status - start < 2, f"sekisho status answers within 2 s {when}")


def rows_of(vm: Guest, kind: str, **device: str) -> list[dict]:
    return [row["public_part"] for row in story.events(vm, kind=kind)
            if all(row["public_part"].get("device", {}).get(k) == v
                   for k, v in device.items())]


def last_decision(vm: Guest, **device: str) -> dict:
    """The newest word on a device; {} while there is none."""
    rows = [row for row in story.events(vm) if row["public_part"]["kind"] in
            ("device_plugged", "device_decided", "health")]
    found = [row["public_part"] for row in rows
             if all(row["public_part"].get("device", {}).get(k) == v
                    for k, v in device.items())]
    return found[-1] if found else {}


def bound_drivers(vm: Guest, attribute: str, value: str) -> str:
    """The drivers of a device's interfaces; "none" if it has none of them,
    "gone" if there is no such device."""
    return vm.ssh(
        f"f=$(grep -lsx '{value}' {DEVICES}/*/{attribute}) || "
        "{ echo gone; exit 0; }; d=${f%/*}; found=; "
        "for i in $d/*:*/driver; do [ -e $i ] && "
        "found=\"$found $(basename $(readlink $i))\"; done; "
        "echo ${found:-none}").stdout.strip()


def broken_policy(vm: Guest) -> None:
    step("(a) a policy with an error")
    version = story.status(vm)["policy_version"]
    path = vm.scratch / "broken.yaml"
    path.write_text(BROKEN_POLICY)
    try:
        vm.server.cli("policy", "push", str(path))
        said = "nothing: it was taken"
    except ServerError as error:
        said = str(error)
    check(f"{path}:7:13:" in said, f"the error has file, line and column:\n"
          f"      {said.split(': exit ')[-1]}")
    check("read_only" in said, "and what was expected")
    history = json.loads(vm.server.cli("policy", "history", "--json"))
    equal(max(int(v["version"]) for v in history), version,
          "the server has no new version")
    equal(story.status(vm)["policy_version"], version, "nor has the terminal")


def wrong_token(vm: Guest) -> None:
    step("(b) a token that was never given out")
    agent_id = story.status(vm)["agent_id"]
    # Of the right form: whom to trust is behind the dot.
    wrong = "A" * 43 + "." + vm.server.token().rsplit(".", 1)[-1]
    done = vm.ssh(enrol_guest_command(vm.server.ports, wrong) + " --again",
                  check=False)
    equal(done.code, 1, f"is refused: {done.stderr.strip()}")
    check("token" in done.stderr, "for the token")
    equal(story.status(vm)["agent_id"], agent_id, "the terminal is who it was")
    check(story.status(vm)["connected"], "and still connected")


def approve(vm: Guest, serial: str) -> None:
    vm.server.cli("device", "approve", f"46f4:0001:{serial}", "--access",
                  "inspect")


def media_without_a_use(vm: Guest) -> None:
    step("(c) approved sticks with nothing good on them")
    broken = make_broken_stick(vm.scratch / "broken.img", "vfat")
    empty = make_stick(vm.scratch / "empty.img", "", size_mib=16)
    foreign = make_stick(vm.scratch / "ext4.img", "ext4", size_mib=32)
    sticks: list[tuple[str, Stick, str]] = [
        ("BROKEN1", broken, ""),
        ("EMPTY1", empty, "no file system"),
        ("EXT4-1", foreign, "ext4")]
    for port, (serial, stick, _) in enumerate(sticks, start=1):
        approve(vm, serial)
        vm.usb.plug_storage(stick.path, serial=serial, port=str(port))
    for serial, _, words in sticks:
        row = eventually(f"{serial} is refused", lambda: refusal(vm, serial),
                         60)
        check(words in row["reason"] and row["reason"],
              f"with a reason: {row['reason']}")
        answers(vm, "meanwhile")
        equal(story.medium_at(vm, serial), "", "it is not mounted")
    never("none of them is left with a driver", lambda: any(
        bound_drivers(vm, "serial", serial) not in ("none", "gone")
        for serial, _, _ in sticks), 2)
    vm.usb.unplug_all()
    for serial, _, _ in sticks:
        eventually(f"{serial}'s removal is an event", lambda: rows_of(
            vm, "device_removed", serial=serial), 30)


def refusal(vm: Guest, serial: str) -> dict:
    row = last_decision(vm, serial=serial)
    refused = row.get("outcome") == "blocked" or row.get("access") == "block"
    return row if refused or row.get("kind") == "health" else {}


def approved_stick(vm: Guest) -> tuple[Stick, str]:
    step("(d) a stick that vanishes in the middle of a copy")
    approve(vm, "GONE1")
    stick = make_stick(vm.scratch / "gone.img", "vfat", size_mib=64)
    vm.usb.plug_storage(stick.path, serial="GONE1", port="1")
    folder = eventually("an approved stick is mounted",
                        lambda: story.medium_at(vm, "GONE1"), 60)
    return stick, folder


def gates(vm: Guest) -> set[str]:
    """Units of gates. One more stands by some seconds after one was used."""
    listed = vm.ssh("systemctl list-units --all --no-legend --plain "
                    "'sekisho-gate@*'").stdout
    return {line.split()[0] for line in listed.splitlines() if line.strip()}


def vanishing_stick(vm: Guest, stick: Stick, folder: str) -> None:
    vm.ssh("rm -f /root/exit; yes 'link up, queue depth 12' | "
           "head -c 20000000 > /root/big")
    # Half of it, then the rest: the cord is pulled in the pause.
    copy = ("(head -c 10000000 /root/big; sleep 4; tail -c +10000001 /root/big)"
            f" | cp /dev/stdin {folder}/big; echo $? > /root/exit")
    vm.ssh(f"({copy}) >/root/cp.out 2>&1 </dev/null & sleep 1.5")
    served_by = gates(vm)
    vm.usb.unplug(vm.usb.plugged[-1])
    answers(vm, "while it vanishes")
    code = eventually("cp ends", lambda: vm.ssh(
        "cat /root/exit", check=False).stdout.strip(), 30)
    said = vm.ssh("cat /root/cp.out").stdout.strip()
    check(code != "0", f"and says that it failed: {said}")
    eventually("the unmounting is an event", lambda: rows_of(
        vm, "medium_unmounted", serial="GONE1"), 30)
    eventually("no medium is left", lambda: not story.status(vm)["media"], 30)
    eventually("its gate has ended", lambda: (
        served_by - gates(vm) and len(gates(vm)) <= 1), 30)
    check(not vm.ssh("grep -q sekisho /proc/self/mountinfo", check=False).ok,
          "and no mount")
    vm.usb.plug_storage(stick.path, serial="GONE1", port="1")
    folder = eventually("plugged again it is mounted again",
                        lambda: story.medium_at(vm, "GONE1"), 60)
    vm.ssh(f"cp /root/big {folder}/big && sync")
    equal(len(stick.read("big")), 20000000, "and takes the copy")


def late_controllers(vm: Guest) -> None:
    """As of a dock: a bus is closed while the kernel still makes its root hub."""
    step("controllers that come while a policy enforces")
    equal(vm.ssh("cat /sys/module/usbcore/parameters/authorized_default")
          .stdout.strip(), "0", "nothing on a bus that comes is let in by itself")
    dead = ("for bus in /sys/devices/platform/dummy_hcd.*/usb*; do "
            "test -e $bus/${bus##*/usb}-0:1.0/driver || echo $bus; done; "
            "ls -d /sys/devices/platform/dummy_hcd.*/usb* | wc -l")
    for i in range(LATE_CONTROLLERS):
        vm.ssh("modprobe -r dummy_hcd; modprobe dummy_hcd num=4 "
               "is_super_speed=0 is_high_speed=1")
        eventually(f"root hubs live, time {i + 1}",
                   lambda: vm.ssh(dead).stdout.split() == ["4"], 20)


def composite_and_odd_names(vm: Guest) -> None:
    step("(e) a stick that is a keyboard too, and one with an odd name")
    vm.ssh("truncate -s 16M /root/g.img && mkfs.vfat /root/g.img >/dev/null")
    vm.ssh("vm-gadget add both vendor=0x0951 product=0x1666 serial=BOTH1 "
           "manufacturer=Kingston storage:/root/g.img keyboard",
           timeout_s=120)
    row = eventually("the first is an event", lambda: last_decision(
        vm, serial="BOTH1"), 60)
    equal(row["outcome"], "blocked", "it is blocked")
    equal(sorted(int(i["class_code"]) for i in row["device"]["interfaces"]),
          [3, 8], "as keyboard and storage")
    equal(bound_drivers(vm, "serial", "BOTH1"), "none", "without a driver")
    name = "$(printf %b '" + "".join(
        f"\\0{byte:03o}" for byte in ODD_NAME.encode()) + "')"
    vm.ssh("vm-gadget add odd vendor=0x0951 product=0x1667 serial=ODD1 "
           f"\"name={name}\" storage:/root/g.img", timeout_s=120)
    row = eventually("the second is an event", lambda: last_decision(
        vm, serial="ODD1"), 60)
    equal(row["outcome"], "blocked", "it is blocked")
    for words in (("device", "list"), ("device", "show", "0951:1667:ODD1"),
                  ("event", "list"), ("device", "list", "--json"),
                  ("event", "list", "--json")):
        shown = vm.server.cli(*words)
        check("ODD1" in shown or "Red" in shown, f"{' '.join(words)} shows it")
        # JSON is for programs: what turns text around may stand in it.
        steers = "\x1b\x07" if "--json" in words else "\x1b\x07\u202e"
        check(not set(steers) & set(shown),
              "without what would steer a terminal")
    check("next" not in {line.split(" ")[0] for line in
                         vm.server.cli("device", "list").splitlines()},
          "its line break breaks no line")
    vm.ssh("vm-gadget remove both; vm-gadget remove odd", timeout_s=120)


def lying_descriptors(vm: Guest) -> None:
    step("(f) descriptors that lie about their lengths")
    vm.put(Path(lying_gadget.__file__), LIAR, 0o755)
    for kind in lying_gadget.KINDS:
        product = f"{lying_gadget.product(kind):04x}"
        vm.ssh(f"systemd-run --quiet --collect --unit=liar {LIAR} {kind}")
        row = eventually(f"{kind}: it is an event", lambda: last_decision(
            vm, product_id=product), 60)
        equal(row["outcome"], "blocked", f"it is blocked: {row['reason']}")
        equal(bound_drivers(vm, "idProduct", product), "none",
              "without a driver")
        vm.ssh("systemctl stop liar")
        vm.wait_for(f"! grep -qsx {product} {DEVICES}/*/idProduct", 30)
    answers(vm, "after them")


def other_devices(vm: Guest) -> None:
    step("(g) a phone, a network adapter and a serial adapter")
    before = vm.ssh("ls /sys/class/net").stdout
    phone = vm.scratch / "phone"
    phone.mkdir(exist_ok=True)
    vm.usb.plug_mtp(phone, serial="PHONE1")
    vm.usb.plug_net(serial="NET1")
    vm.usb.plug_serial_adapter(vm.scratch / "serial.out")
    for what, where in (("the phone", {"serial": "PHONE1"}),
                        ("the network adapter", {"serial": "NET1"}),
                        ("the serial adapter", {"vendor_id": "0403"})):
        row = eventually(f"{what} is an event",
                         lambda: last_decision(vm, **where), 60)
        equal(row["outcome"], "blocked", "it is blocked")
        key, value = next(iter(where.items()))
        attribute = {"vendor_id": "idVendor"}.get(key, key)
        equal(bound_drivers(vm, attribute, value), "none", "without a driver")
    equal(vm.ssh("ls /sys/class/net; ls /dev/ttyUSB* 2>/dev/null",
                 check=False).stdout, before,
          "no network interface and no tty came")
    answers(vm, "with them plugged")


def keyboard_behind_hub(vm: Guest) -> None:
    vm.usb.unplug_all()
    vm.usb.plug_hub(port="4")
    vm.usb.plug_keyboard(port="4.2", serial="KBD1")
    eventually("a keyboard behind a hub works",
               lambda: bound_drivers(vm, "serial", "KBD1") == "usbhid", 30)
    equal(last_decision(vm, serial="KBD1").get("outcome", "allowed"),
          "allowed", "and is allowed")
