"""What the agent costs when idle, and how long a keyboard waits for it."""

import json
import statistics
import time
from pathlib import Path

import story
from checks import check, eventually, step
from guest import Guest

NEEDS = "agent"
# It measures: figures are for people, and two minutes are not for every run.
IN_ALL = False

HELPER = Path(__file__).resolve().parents[2] / "bench" / "agent_guest.py"
PROGRAM = "/usr/local/libexec/agent_guest.py"
IDLE_SECONDS = 60
SETTLE_SECONDS = 20
PLUGS = 50
OBSERVING = """policy: 1
name: bench-end
mode: observe
device_default: full
content_default: allow
"""
# As short as a policy of USBGuard can be that lets hubs and keyboards in.
USBGUARD_RULES = ("allow with-interface all-of { 09:*:* }\n"
                  "allow with-interface all-of { 03:*:* }\n")


def run(vm: Guest) -> None:
    vm.put(HELPER, PROGRAM, 0o755)
    eventually("the agent is connected",
               lambda: story.status(vm)["connected"], 60)
    idle(vm)
    vm.ssh("vm-gadget add kbd attach=no keyboard serial=BENCH1", timeout_s=120)
    # Making it anew takes minutes, and is not what is measured.
    vm.ssh("echo update_initramfs=no >> "
           "/etc/initramfs-tools/update-initramfs.conf")
    vm.server.cli("policy", "push", str(story.POLICY))
    story.wait_for_policy(vm, "enforce", 60)
    step(f"{PLUGS} plugs of a keyboard, each way")
    print("    milliseconds from the uevent to     authorized          "
          "keyboard works")
    print(f"    {'':22}" + f"{'median':>9}{'p99':>9}" * 2)
    print_times("Sekisho", plugs(vm))
    stop_agent(vm)
    close_buses(vm)
    print_times("USBGuard", usbguard(vm))
    print_times("allowed unasked", bare(vm))
    print(f"    p99 of {PLUGS} is the slowest", flush=True)


def idle(vm: Guest) -> None:
    step(f"the idle agent, for {IDLE_SECONDS} s")
    time.sleep(SETTLE_SECONDS)
    rows = measure_idle(vm, IDLE_SECONDS, "sekisho")
    check(len(rows) >= 3, f"{len(rows)} processes")
    print(f"    {'process':18}{'PSS MiB':>9}{'wake-ups/s':>12}")
    for row in sorted(rows, key=lambda r: r["name"]):
        print_idle(row["name"], row["pss_kib"], row["wakeups"])
    print_idle("all", sum(r["pss_kib"] for r in rows),
               sum(r["wakeups"] for r in rows))
    check(0 < sum(r["pss_kib"] for r in rows) < 512 * 1024, "memory was read")


def measure_idle(vm: Guest, seconds: int, name: str) -> list[dict]:
    return json.loads(vm.ssh(f"{PROGRAM} idle {seconds} {name}",
                             timeout_s=seconds + 60).stdout)


def print_idle(name: str, pss_kib: int, wakeups: float) -> None:
    print(f"    {name:18}{pss_kib / 1024:9.1f}{wakeups:12.2f}", flush=True)


def plugs(vm: Guest) -> dict[str, list[float]]:
    rows = json.loads(vm.ssh(f"{PROGRAM} plug kbd {PLUGS}",
                             timeout_s=PLUGS * 12).stdout)
    whole = [row for row in rows if len(row) == 2]
    check(len(whole) >= PLUGS * 0.9, f"{len(whole)} of {PLUGS} were timed")
    return {name: [row[name] for row in whole]
            for name in ("authorized", "input")}


def stop_agent(vm: Guest) -> None:
    path = vm.scratch / "observe.yaml"
    path.write_text(OBSERVING)
    vm.server.cli("policy", "push", str(path))
    story.wait_for_policy(vm, "observe", 60)
    vm.ssh("systemctl stop sekisho-devices sekisho-uplink sekishod")


def close_buses(vm: Guest) -> None:
    vm.ssh("for f in /sys/bus/usb/devices/usb*/authorized_default; do "
           "echo 0 > $f; done; for f in "
           "/sys/bus/usb/devices/usb*/interface_authorized_default; do "
           "echo 1 > $f; done")


def usbguard(vm: Guest) -> dict[str, list[float]]:
    vm.write_file("/etc/usbguard/rules.conf", USBGUARD_RULES.encode(), 0o600)
    vm.ssh("systemctl unmask usbguard && systemctl start usbguard",
           timeout_s=60)
    time.sleep(3)
    close_buses(vm)
    measured = plugs(vm)
    row = measure_idle(vm, 5, "usbguard")[0]
    print("    for comparison, idle:")
    print_idle("usbguard-daemon", row["pss_kib"], row["wakeups"])
    vm.ssh("systemctl stop usbguard && systemctl mask usbguard")
    return measured


def bare(vm: Guest) -> dict[str, list[float]]:
    close_buses(vm)
    vm.ssh(f"systemd-run --unit=bench-allow {PROGRAM} allow")
    time.sleep(1)
    measured = plugs(vm)
    vm.ssh("systemctl stop bench-allow")
    return measured


def print_times(name: str, columns: dict[str, list[float]]) -> None:
    print(f"    {name:22}" + "".join(
        f"{statistics.median(columns[column]):9.2f}{p99(columns[column]):9.2f}"
        for column in ("authorized", "input")), flush=True)


def p99(values: list[float]) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
