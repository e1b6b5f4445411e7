"""How long an approved stick takes to be usable, and where the time goes."""

import statistics

import story
import usable
from checks import eventually, step
from guest import Guest
from sticks import make_stick

NEEDS = "agent"
# It measures: figures are for people.
IN_ALL = False

IDLE_SECONDS = 30
ROUNDS = 8
SERIAL = "APPROVE1"
STICK = f"46f4:0001:{SERIAL}"
# What the terminal itself says about the last approval.
JOURNAL = ("journalctl -b -o short-precise --no-pager --since '-20s' | "
           "grep -Ei 'sekisho|usb|sd[a-z]|scsi|fat' | tail -n 60")


def run(vm: Guest) -> None:
    usable.install(vm)
    story.sit_down(vm)
    stick = make_stick(vm.scratch / "stick.img", "vfat", size_mib=64)
    vm.server.cli("policy", "push", str(story.POLICY))
    story.wait_for_policy(vm, "enforce", 60)
    vm.usb.plug_storage(stick.path, serial=SERIAL, port="1")
    eventually("the stick is known", lambda: any(
        medium["device"] == STICK for medium in story.status(vm)["media"]), 60)
    step(f"{ROUNDS} approvals")
    rounds = [one(vm, number) for number in range(ROUNDS)]
    idle(vm)
    for name in ("told", "usable", "wrote"):
        values = sorted(getattr(r, name) for r in rounds)
        print(f"    {name:8} median {statistics.median(values):6.2f} s, "
              f"least {values[0]:6.2f}, most {values[-1]:6.2f}", flush=True)


def idle(vm: Guest) -> None:
    """What standing by for the next medium costs.

    The kernel gate guards the agent's memory maps, so this is the resident set,
    shared pages counted in each process: more than the proportional set.
    """
    step(f"the idle agent while policy enforces, for {IDLE_SECONDS} s")
    vm.ssh("sleep 15")
    before = agents(vm)
    vm.ssh(f"sleep {IDLE_SECONDS}")
    after = agents(vm)
    total_mib = total_wakeups = 0.0
    for pid, (name, rss_kib, switches) in sorted(after.items()):
        wakeups = (switches - before.get(pid, (name, 0, switches))[2])
        total_mib += rss_kib / 1024
        total_wakeups += wakeups / IDLE_SECONDS
        print(f"    {name:18}{rss_kib / 1024:7.1f} MiB"
              f"{wakeups / IDLE_SECONDS:7.2f} wake-ups/s")
    print(f"    {'all':18}{total_mib:7.1f} MiB{total_wakeups:7.2f} wake-ups/s",
          flush=True)


def agents(vm: Guest) -> dict[str, tuple[str, int, int]]:
    """{pid: (name, resident KiB, voluntary switches of all threads)}."""
    script = ("for p in $(pgrep sekisho); do echo $p $(cat /proc/$p/comm) "
              "$(sed -n 's/^VmRSS:\\s*\\([0-9]*\\).*/\\1/p' /proc/$p/status) "
              "$(cat /proc/$p/task/*/status | awk "
              "'/^voluntary/ {n += $2} END {print n}'); done")
    rows = (line.split() for line in vm.ssh(script).stdout.splitlines())
    return {row[0]: (row[1], int(row[2]), int(row[3]))
            for row in rows if len(row) == 4}


def one(vm: Guest, number: int) -> usable.Usable:
    # What waits for the next medium was started meanwhile.
    vm.ssh("sleep 15")
    given = usable.share(vm)
    done = usable.time_until_usable(vm, lambda: vm.server.cli(
        "device", "approve", STICK, "--access", "inspect"))
    print(f"    {number}: approved {done.told:.2f} s, usable "
          f"{done.usable:.2f} s, first file {done.wrote:.2f} s "
          f"(guest has {given:.0%} of two processors, clocks to "
          f"{done.clock_error * 1000:.0f} ms)", flush=True)
    if number in (0, ROUNDS - 1):
        print(vm.ssh(JOURNAL, check=False).stdout, flush=True)
    vm.server.cli("device", "revoke", STICK)
    eventually("it is taken away", lambda: not story.medium_at(vm, SERIAL), 60)
    return done
