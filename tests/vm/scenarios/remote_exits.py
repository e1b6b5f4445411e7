"""Drives that another machine lends are refused, told, and opened by policy."""

import story
from checks import check, equal, eventually, step
from guest import Guest

NEEDS = "agent"
# As xrdp-chansrv mounts the drives of whoever looks at its desktop.
MOUNT = ("python3 -c 'import ctypes, os; fd = os.open(\"/dev/fuse\", os.O_RDWR);"
         " os.makedirs(\"/mnt/{0}\", exist_ok=True);"
         " c = ctypes.CDLL(None, use_errno=True);"
         " r = c.mount(b\"{0}\", b\"/mnt/{0}\", b\"fuse.{0}\", 6,"
         " f\"fd={{fd}},rootmode=40000,user_id=0,group_id=0\".encode());"
         " print(ctypes.get_errno() if r else 0)'")
PORT = "/dev/virtio-ports/org.spice-space.webdav.0"
OTHER = "/dev/virtio-ports/org.example.other.0"


def run(vm: Guest) -> None:
    step("ports of a virtual machine, before anything is enforced")
    qmp = vm.qmp
    for number, name in enumerate(("org.spice-space.webdav.0",
                                   "org.example.other.0"), 1):
        qmp.command("chardev-add", {"id": f"port{number}", "backend": {
            "type": "null", "data": {}}})
        qmp.command("device_add", {
            "driver": "virtserialport", "bus": "ports.0", "name": name,
            "id": f"vport{number}", "chardev": f"port{number}"})
    vm.wait_for(f"test -c {PORT} -a -c {OTHER}", 60)
    vm.ssh("modprobe nbd nbds_max=2")
    check(opens(vm, PORT), "observe refuses nothing")

    step("a policy that enforces and names none of them")
    vm.server.cli("policy", "push", str(story.POLICY))
    story.wait_for_policy(vm, "enforce", 60)
    eventually("the shared folder is closed", lambda: not opens(vm, PORT), 30)
    check(opens(vm, OTHER), "another port is not")
    check(not opens(vm, "/dev/nbd0"), "a network block device is closed")
    equal(mounts(vm, "xrdp-chansrv"), "1", "drives of a remote desktop (EPERM)")
    equal(mounts(vm, "sshfs"), "0", "another FUSE mount goes")
    for bus in ("spice", "nbd", "rdp"):
        row = eventually(f"the server is told of {bus}", lambda b=bus: next(
            (r for r in story.events(vm, kind="device_plugged")
             if r["public_part"]["device"].get("bus") == b
             and r["public_part"]["outcome"] == "blocked"), None), 30)
        check(row["personal_part"]["person"], "and of who it was")

    step("opened by policy, each by its bus")
    text = story.POLICY.read_text("utf-8")
    rules = "".join(f"  - id: lent-{bus}\n    match: {{ bus: {bus} }}\n"
                    f"    access: full\n" for bus in ("rdp", "nbd", "spice"))
    file = vm.scratch / "lent.yaml"
    file.write_text(text.replace("devices:\n", "devices:\n" + rules, 1), "utf-8")
    vm.server.cli("policy", "push", str(file))
    eventually("the shared folder is open", lambda: opens(vm, PORT), 60)
    check(opens(vm, "/dev/nbd0"), "the network block device, too")
    equal(mounts(vm, "xrdp-chansrv"), "0", "and the drives")


def opens(vm: Guest, node: str) -> bool:
    # Reading ends at once: nobody is at the other end of these.
    return vm.ssh("python3 -c 'import os; os.close(os.open(\"" + node +
                  "\", os.O_RDONLY | os.O_NONBLOCK))'", check=False).ok


def mounts(vm: Guest, subtype: str) -> str:
    return vm.ssh(MOUNT.format(subtype)).stdout.strip()
