"""The packages install, upgrade, remove and purge, and leave the machine as was.

Server and agent are on one machine here, so that neither may take what is the
other's with it.
"""

import json

from checks import CheckError, check, equal, eventually, never, step
from guest import Guest
from next_version import next_version
from sticks import make_stick
from story import POLICY

NEEDS = "plain"
# Eight runs of apt: twenty minutes under emulation. Run it by its name.
IN_ALL = False
NEXT = "99.0.0"
DAEMON = "/usr/sbin/sekishod"
GATE = "/usr/libexec/sekisho/sekisho-gate"

UNITS = ("sekishod.service sekisho-devices.service sekisho-probe.socket "
         "sekisho-scan.socket sekisho-unlock.socket")
SERVER_UNITS = "sekisho-server.service sekisho-enrol.service"
APT = ("DEBIAN_FRONTEND=noninteractive apt-get -qy -o Dpkg::Use-Pty=0 "
       "-o APT::Install-Recommends=false ")
# What dpkg, apt, systemd and shadow keep about themselves.
FILES = ("find /etc /usr /var/lib /media /boot -xdev "
         r"\( -path /var/lib/dpkg -o -path /var/lib/apt -o "
         r"-path /var/lib/systemd -o -path /var/lib/private \) -prune -o "
         r"! -name __pycache__ ! -name '*.pyc' ! -path '/etc/*-' "
         "! -name .pwd.lock -print | sort")
CONSOLE = """
import ssl, urllib.request
trust = ssl.create_default_context(cafile='/var/lib/sekisho/server/ca.pem')
page = urllib.request.urlopen('https://localhost:8443/', context=trust)
print(page.status, page.read(200).decode())
"""
SETTING = "/etc/initramfs-tools/update-initramfs.conf"


def run(vm: Guest) -> None:
    if not vm.packages:
        raise CheckError("needs --deb-dir")
    for package in vm.packages:
        vm.put(package, f"/root/packages/{package.name}")
    for package in next_version(vm.packages, NEXT, vm.scratch / "next"):
        vm.put(package, f"/root/next/{package.name}")
    # Making an initramfs takes minutes here.
    vm.ssh(f"cp -a {SETTING} /root/kept && "
           f"echo update_initramfs=no >> {SETTING}")
    before = files(vm)
    install(vm)
    server_answers(vm)
    head = enforce(vm)
    install_again(vm, head)
    unsigned_is_refused(vm, head)
    signed_is_installed(vm, head)
    a_strangers_program_is_refused(vm, head)
    unlock(vm, head)
    remove(vm)
    purge(vm, before)
    vm.ssh(f"mv /root/kept {SETTING}")


def install(vm: Guest) -> None:
    step("install the three packages")
    done = vm.ssh(APT + "install /root/packages/*.deb", timeout_s=600)
    check("sekisho login admin" in done.stdout, "the server says how to log in")
    check("Sekisho observes" in done.stdout, "the agent says what it does")
    units_are_active(vm, UNITS + " " + SERVER_UNITS)
    check("observe" in vm.ssh("sekisho status").stdout,
          "status says: it observes")
    doctor = vm.ssh("sekisho doctor", check=False).stdout
    check("full" in doctor or "degraded" in doctor,
          "doctor says how well this terminal can be protected")


def server_answers(vm: Guest) -> None:
    step("the server")
    login = vm.ssh("sekisho login admin").stdout
    check(len(login.split()) > 0, f"it gives a login: {login.split()[0]}")
    page = vm.ssh("python3 -", stdin=CONSOLE.encode()).stdout
    check(page.startswith("200") and "<html" in page,
          "the console is there, with a certificate for localhost")
    equal(vm.ssh("stat -c '%n %A %U' /var/lib/sekisho "
                 "/var/lib/sekisho/server /var/lib/sekisho/ca; "
                 "stat -c '%n %A %U:%G' /run/sekisho-server/admin.sock"
                 ).stdout.splitlines(),
          ["/var/lib/sekisho drwx--x--x root",
           "/var/lib/sekisho/server drwx------ sekisho-server",
           "/var/lib/sekisho/ca drwx------ sekisho-enrol",
           "/run/sekisho-server/admin.sock srw-rw---- "
           "sekisho-server:sekisho-admin"],
          "each keeps its own to itself")
    denied = vm.ssh("runuser -u sekisho-enrol -- sekisho login admin",
                    check=False)
    check(not denied.ok, "the enrolment process may not administer")


def enforce(vm: Guest) -> dict:
    step("enrol at that server, and enforce")
    vm.ssh("sekisho enroll --server localhost:7444 --token "
           "$(sekisho agent token --terminal terminal-1)")
    vm.put(POLICY, "/root/packages/policy.yaml")
    vm.ssh("sekisho policy push /root/packages/policy.yaml")
    eventually("the policy enforces",
               lambda: status(vm).get("mode") == "enforce", 60)
    stick = make_stick(vm.scratch / "one.img", "vfat", 8)
    vm.usb.plug_storage(stick.path, serial="ONE", port="1")
    never("a stick gets no block device", lambda: vm.block_device("ONE"), 4)
    return eventually("the agent is connected", lambda: next(
        (s for s in [status(vm)] if s.get("connected")), None), 60)


def install_again(vm: Guest, head: dict) -> None:
    step("the same version again")
    vm.ssh(APT + "install --reinstall /root/packages/*.deb", timeout_s=600)
    units_are_active(vm, UNITS + " sekisho-uplink.service " + SERVER_UNITS)
    still_enforces(vm, head)


def still_enforces(vm: Guest, head: dict) -> None:
    facts = ("connected", "mode", "gate_state", "agent_id", "policy_version")

    def same() -> bool:
        now = status(vm)
        return all(now.get(fact) == head[fact] for fact in facts)

    eventually("it is the same agent with the same gate and policy, connected",
               same, 120)
    check(not vm.block_device("ONE"), "the stick is still closed")
    device = vm.ssh("dirname $(grep -lsx ONE /sys/bus/usb/devices/*/serial)"
                    ).stdout.strip()
    check(not vm.ssh(f"echo 1 > {device}/authorized", check=False).ok,
          "root cannot open it by hand")


def daemon(vm: Guest) -> str:
    """Process and digest of the running sekishod; only the gate's own may see
    its /proc/PID/exe, so the installed file is read."""
    pid = vm.ssh("systemctl show -P MainPID sekishod").stdout.strip()
    return pid + " " + vm.ssh(f"sha256sum {DAEMON}").stdout.split()[0]


def version(vm: Guest, package: str) -> str:
    return vm.ssh(f"dpkg-query -W -f '${{Version}}' {package}").stdout


def unsigned_is_refused(vm: Guest, head: dict) -> None:
    step("a next version that the server did not sign")
    before, old = daemon(vm), version(vm, "sekisho-agent")
    done = vm.ssh(APT + "install /root/next/*.deb", timeout_s=600, check=False)
    check(not done.ok, "apt fails")
    said = done.stdout + done.stderr
    check("no signed upgrade manifest" in said and
          "sekisho agent upgrade PACKAGE.deb" in said, "it says what to do")
    equal((daemon(vm), version(vm, "sekisho-agent")), (before, old),
          "nothing of the agent was replaced or restarted")
    still_enforces(vm, head)


def signed_is_installed(vm: Guest, head: dict) -> None:
    step("the same, signed")
    before = daemon(vm)
    said = vm.ssh("sekisho agent upgrade /root/next/*.deb").stdout
    check(f"sekisho-agent {NEXT}" in said and "1 connected agents" in said,
          "the agent was told")
    eventually("the terminal has it", lambda: vm.ssh(
        "grep -aqs '^package sekisho-agent' "
        "/var/lib/sekisho/core/upgrade.envelope", check=False).ok, 30)
    vm.ssh(APT + "install /root/next/*.deb", timeout_s=600)
    equal([version(vm, f"sekisho-{name}") for name in
           ("agent", "cli", "server")], [NEXT] * 3, "all have the new version")
    after = daemon(vm)
    check(after.split()[0] != before.split()[0] and
          after.split()[1] != before.split()[1], "another sekishod runs")
    units_are_active(vm, UNITS + " sekisho-uplink.service " + SERVER_UNITS)
    still_enforces(vm, head)
    vm.ssh("systemctl restart sekishod")
    still_enforces(vm, head)


def a_strangers_program_is_refused(vm: Guest, head: dict) -> None:
    step("root puts another program in the place of one")
    vm.ssh(f"ln {GATE} /root/gate && cp {GATE} {GATE}.x && echo x >> {GATE}.x "
           f"&& mv {GATE}.x {GATE}")
    eventually("sekishod says so", lambda: "no signed manifest" in
               json.dumps(status(vm)), 60)
    eventually("the server has an alert", lambda: any(
        "sekisho-gate" in alert["title"] for alert in json.loads(
            vm.ssh("sekisho alert list --json").stdout)
        if alert["kind"] == "tamper"), 60)
    check(not vm.ssh(f"echo x >> {DAEMON}", check=False).ok,
          "sekishod's file cannot be written to")
    vm.ssh(f"ln {DAEMON} /root/sekishod && cp {DAEMON} {DAEMON}.x && "
           f"echo x >> {DAEMON}.x && mv {DAEMON}.x {DAEMON} && "
           "systemctl restart sekishod")
    state = eventually("the other sekishod runs", lambda: next(
        (s for s in [status(vm)] if s), None), 120)
    equal(state["gate_state"], "unsupported", "and has no gate")
    check(not vm.ssh("rm /sys/fs/bpf/sekisho/*", check=False).ok,
          "root cannot take the gate away")
    check(not vm.block_device("ONE"), "the stick is still closed")
    vm.ssh(f"mv /root/gate {GATE} && mv /root/sekishod {DAEMON} && "
           "systemctl restart sekishod")
    still_enforces(vm, head)


def unlock(vm: Guest, head: dict) -> None:
    step("remove it while a policy enforces")
    done = vm.ssh(APT + "remove sekisho-agent", timeout_s=600, check=False)
    check(not done.ok and "sekisho agent unlock" in done.stdout + done.stderr,
          "that is refused, and says what to do")
    still_enforces(vm, head)
    step("two admins unlock it")
    vm.ssh("usermod -aG sekisho-admin operator")
    vm.ssh("sekisho user add operator --roles admin")
    ask = ("sekisho agent unlock terminal-1 --minutes 30 "
           "--reason 'to be removed'")
    agree = "sekisho agent confirm-unlock terminal-1"
    check(not vm.ssh(ask, check=False).ok, "nobody knows who root is")
    vm.ssh("sudo " + ask, user="admin2")
    check(not vm.ssh("sudo " + agree, user="admin2", check=False).ok,
          "who asked cannot agree")
    kill = "kill -9 $(systemctl show -P MainPID sekishod)"
    check(not vm.ssh(kill, check=False).ok, "root cannot kill it yet")
    vm.ssh(agree, user="operator", fresh=True)
    eventually("now root can", lambda: vm.ssh(kill, check=False).ok, 60)
    eventually("it is up again", lambda: status(vm).get("connected"), 120)
    check(vm.ssh(kill, check=False).ok, "and can again: it is still unlocked")
    still_enforces(vm, head)
    kinds = {alert["kind"]: alert["severity"] for alert in json.loads(
        vm.ssh("sekisho alert list --json").stdout)}
    equal(kinds.get("maintenance_unlock"), "critical", "the alert is critical")


def remove(vm: Guest) -> None:
    step("remove the agent")
    vm.ssh(APT + "remove sekisho-agent", timeout_s=600)
    equal(vm.ssh("systemctl list-units --all --plain --no-legend "
                 "'sekisho*' | awk '$4 != \"dead\" {print $1}' | sort"
                 ).stdout.split(),
          sorted(SERVER_UNITS.split()), "only the server's units run")
    equal(vm.ssh("pgrep -l sekisho | awk '{print $2}' | sort").stdout.split(),
          ["sekisho-enrol", "sekisho-server"], "and its processes")
    check(vm.ssh("test ! -e /sys/fs/bpf/sekisho", check=False).ok,
          "the kernel gate is gone")
    equal(set(vm.ssh("cat /sys/bus/usb/devices/usb*/*authorized_default")
              .stdout.split()), {"1"}, "USB is open")
    eventually("the stick that was closed is a disk",
               lambda: vm.block_device("ONE"), 120)
    stick = make_stick(vm.scratch / "two.img")
    vm.usb.plug_storage(stick.path, serial="TWO", port="2")
    disk = eventually("so is one that is plugged now",
                      lambda: vm.block_device("TWO"), 120)
    vm.wait_for(f"test -b /dev/{disk}1")
    vm.ssh(f"mount /dev/{disk}1 /mnt && echo hello > /mnt/hello.txt && "
           "sync -f /mnt/hello.txt && umount /mnt")
    equal(stick.read("hello.txt"), b"hello\n", "and it can be written")
    rows = json.loads(vm.ssh("sekisho event list --limit 20 --json").stdout)
    check(any("package removed" in json.dumps(row) for row in rows),
          "the server was told")


def purge(vm: Guest, before: set[str]) -> None:
    step("purge everything")
    done = vm.ssh(APT + "purge 'sekisho*'", timeout_s=600)
    check("/var/lib/sekisho/server" in done.stdout,
          "it says where the events stay")
    check(vm.ssh("test -s /var/lib/sekisho/server/sekisho.db && "
                 "test -s /var/lib/sekisho/ca/ca.key", check=False).ok,
          "they do")
    equal(vm.ssh("getent passwd | grep ^sekisho | cut -d: -f1 | sort"
                 ).stdout.split(), ["sekisho-enrol", "sekisho-server"],
          "their owners stay, no other user of ours")
    equal(vm.ssh("systemctl list-units --all --plain --no-legend "
                 "'sekisho*'; ls -d /run/sekisho* 2> /dev/null || true"
                 ).stdout, "",
          "no unit, no socket")
    vm.ssh("rm -r /var/lib/sekisho")
    after = files(vm)
    equal((sorted(after - before), sorted(before - after)), ([], []),
          "the file system is as it was")


def units_are_active(vm: Guest, units: str) -> None:
    states = vm.ssh(f"systemctl is-active {units}", check=False).stdout.split()
    equal(dict(zip(units.split(), states)),
          dict.fromkeys(units.split(), "active"), "the units are active")


def status(vm: Guest) -> dict:
    """{} while the agent does not answer."""
    done = vm.ssh("sekisho status --json", check=False)
    return json.loads(done.stdout) if done.ok else {}


def files(vm: Guest) -> set[str]:
    return set(vm.ssh(FILES).stdout.splitlines())
