"""The guest boots, and has what the product's kernel gate needs."""

from checks import check, equal
from guest import Guest

NEEDS = "plain"


def run(vm: Guest) -> None:
    modules = vm.ssh("cat /sys/kernel/security/lsm").stdout
    check("bpf" in modules.strip().split(","), "the BPF LSM is active")
    equal(vm.ssh("stat -f -c %T /sys/fs/cgroup").stdout.strip(), "cgroup2fs",
          "cgroup v2 is mounted")
    check(vm.ssh("test -s /sys/kernel/btf/vmlinux", check=False).ok,
          "the kernel carries BTF")
    equal(vm.ssh("id -un", user="operator").stdout.strip(), "operator",
          "operator can log in")
    equal(vm.ssh("sudo -n id -un", user="admin2").stdout.strip(), "root",
          "admin2 may use sudo")
    equal(vm.ssh("systemctl --failed --no-legend --plain").stdout, "",
          "no unit has failed")
