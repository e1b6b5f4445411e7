"""An encrypted stick is unlocked by its operator, served, and never readable."""

import story
from checks import check, equal, eventually, step
from guest import Guest
from sticks import Stick, make_stick

NEEDS = "agent"
PACK = story.ROOT / "policy" / "packs" / "call-center-maintenance.yaml"
OBSERVE = story.ROOT / "policy" / "packs" / "observe.yaml"
PASSPHRASE = "correct horse battery"
STICK = "46f4:0001:CRYPT1"
# Seconds of key derivation and a gigabyte are not what this is about.
FORMAT = ("luksFormat -q --type luks2 --pbkdf argon2id --pbkdf-memory 32768 "
          "--pbkdf-force-iterations 4")


def run(vm: Guest) -> None:
    story.sit_down(vm)
    stick = make_stick(vm.scratch / "crypt.img", "", size_mib=96)
    formatted(vm, stick)
    vm.server.cli("policy", "push", str(PACK))
    story.wait_for_policy(vm, "enforce", 60)
    for device in (STICK, "46f4:0001:PLAIN1"):
        vm.server.cli("device", "approve", device, "--access", "inspect",
                      "--purpose", "logs", "--owner", "tanaka")
    plain_is_refused(vm)
    device = waits(vm, stick)
    folder = unlocked(vm)
    copies(vm, stick, folder)
    closed_to_root(vm)
    device = drips(vm, stick, folder, device)
    vm.usb.unplug(device)
    eventually("its mapping is gone", lambda: not mappings(vm), 60)
    opens_with_cryptsetup(vm, stick)


def mappings(vm: Guest) -> list[str]:
    return vm.ssh("cat /sys/block/dm-*/dm/name 2>/dev/null",
                  check=False).stdout.split()


def medium(vm: Guest) -> dict[str, str]:
    return next((m for m in story.status(vm)["media"]
                 if m["device"] == STICK), {})


def plugged_disk(vm: Guest, stick: Stick, serial: str) -> tuple[object, str]:
    device = vm.usb.plug_storage(stick.path, serial=serial, port="2")
    return device, eventually("it is a disk",
                              lambda: vm.block_device(serial), 60)


def formatted(vm: Guest, stick: Stick) -> None:
    step("a stick is encrypted, as the security desk hands them out")
    device, disk = plugged_disk(vm, stick, "CRYPT1")
    vm.ssh(f"printf %s '{PASSPHRASE}' | cryptsetup {FORMAT} /dev/{disk} - && "
           f"printf %s '{PASSPHRASE}' | cryptsetup open /dev/{disk} made -d - "
           "&& mkfs.vfat -F 32 -n SAFE /dev/mapper/made && "
           "cryptsetup close made", timeout_s=300)
    vm.usb.unplug(device)
    eventually("it is unplugged", lambda: not vm.block_device("CRYPT1"), 60)


def plain_is_refused(vm: Guest) -> None:
    step("an approved stick that is not encrypted")
    plain = make_stick(vm.scratch / "plain.img", "vfat", size_mib=16)
    device = vm.usb.plug_storage(plain.path, serial="PLAIN1", port="3")
    eventually("is refused", lambda: any(
        m["device"].endswith("PLAIN1") and m["access"] == "block" and
        "encrypt" in m["reason"] for m in story.status(vm)["media"]), 60)
    vm.usb.unplug(device)


def waits(vm: Guest, stick: Stick) -> object:
    step("the encrypted one is plugged in")
    device = vm.usb.plug_storage(stick.path, serial="CRYPT1", port="2")
    eventually("it waits for its passphrase",
               lambda: "sekisho unlock" in medium(vm).get("reason", ""), 60)
    equal(medium(vm)["mount_point"], "", "nothing of it is mounted")
    equal(mappings(vm), [], "nothing is decrypted")
    wrong = story.as_operator(
        vm, "printf 'wrong\\n' | sekisho unlock --stdin; echo exit=$?")
    text = wrong.stdout + wrong.stderr
    check("exit=1" in text and "no key slot opens" in text,
          "a wrong passphrase is refused and said so")
    equal(mappings(vm), [], "and leaves nothing")
    vm.ssh("id stranger || useradd stranger")
    other = vm.ssh(f"printf '{PASSPHRASE}\\n' | setpriv --reuid stranger "
                   "--clear-groups sekisho unlock --stdin", check=False)
    check(not other.ok and "seat" in other.stderr,
          "nobody but who sits there may unlock it")
    return device


def unlocked(vm: Guest) -> str:
    step("the operator unlocks it")
    done = story.as_operator(
        vm, f"printf '{PASSPHRASE}\\n' | sekisho unlock {STICK} --stdin; "
        "echo exit=$?")
    check("exit=0" in done.stdout, done.stdout + done.stderr)
    folder = eventually("it is mounted under its label",
                        lambda: medium(vm).get("mount_point"), 60)
    check(folder.endswith("/SAFE"), folder)
    equal(medium(vm)["access"], "inspect", "and inspected")
    rows = story.events(vm, kind="device_decided")
    check(any("unlocked" in row["public_part"].get("reason", "") and
              row["personal_part"].get("person") == "operator"
              for row in rows), "who unlocked it is an event at the server")
    return folder


def copies(vm: Guest, stick: Stick, folder: str) -> None:
    step("copies")
    log = story.make_document(1)
    vm.write_file("/home/operator/line.log", log, owner="operator")
    people = story.make_people(vm.scratch, 60, "utf-8", seed=31)
    vm.write_file("/home/operator/list.csv", people.csv, owner="operator")
    done = story.as_operator(vm, f"cp line.log {folder}/; echo exit=$?")
    check("exit=0" in done.stdout, "a log goes onto it: " + done.stdout)
    refused = story.as_operator(
        vm, f"cp list.csv {folder}/; echo exit=$?; sync; sleep 1")
    check("exit=1" in refused.stdout, "a list of people does not")
    eventually("both are events", lambda: len(
        story.transfers(vm, "line.log") + story.transfers(vm, "list.csv")) == 2,
        60)
    event = story.transfers(vm, "line.log")[0]
    equal(event["public_part"]["device"].get("encryption"), "luks",
          "the event says that the medium is encrypted")
    check(not stick.find([log[1000:1064]]),
          "the log's bytes do not stand in the clear on the stick")


def small_list(vm: Guest, folder: str, seed: int) -> str:
    people = story.make_people(vm.scratch, 5, "utf-8", seed=seed)
    vm.write_file(f"/home/operator/five-{seed}.csv", people.csv,
                  owner="operator")
    return story.as_operator(
        vm, f"cp five-{seed}.csv {folder}/; echo exit=$?; sync; sleep 1").stdout


def drips(vm: Guest, stick: Stick, folder: str, device: object) -> object:
    step("small lists: ten people a day, and no more")
    for seed in (41, 42):
        check("exit=0" in small_list(vm, folder, seed), f"list {seed} goes")
    text = small_list(vm, folder, 43)
    check("exit=1" in text and "within a day" in text,
          "the third does not, and he reads why:\n" + text[-600:])
    step("after a reboot")
    vm.usb.unplug(device)
    vm.reboot()
    vm.wait_ready()
    story.wait_for_policy(vm, "enforce", 120)
    vm.wait_for("loginctl list-sessions --no-legend | grep -q seat0", 60)
    device = waits(vm, stick)
    folder = unlocked(vm)
    check("exit=1" in small_list(vm, folder, 44), "the day is not over")
    return device


def closed_to_root(vm: Guest) -> None:
    step("root cannot read or write what was decrypted")
    node = vm.ssh("ls -d /sys/block/dm-* | xargs -n1 basename").stdout.strip()
    for command in (f"dd if=/dev/{node} of=/dev/null count=1",
                    f"dd if=/dev/zero of=/dev/{node} count=1",
                    f"dmsetup create around --table '0 8 linear /dev/{node} 0'",
                    f"mount /dev/{node} /mnt",
                    f"mknod /root/alias b $(cat /sys/block/{node}/dev | "
                    "tr : ' ') && dd if=/root/alias of=/dev/null count=1"):
        check(not vm.ssh(command, check=False).ok, command)
    table = vm.ssh("dmsetup table --showkeys", check=False).stdout
    check("logon:" in table, "its key is not shown: " + table[:120])


def opens_with_cryptsetup(vm: Guest, stick: Stick) -> None:
    step("nothing is enforced any more: what is on it, by other tools")
    vm.server.cli("policy", "push", str(OBSERVE))
    story.wait_for_policy(vm, "observe", 60)
    device, disk = plugged_disk(vm, stick, "CRYPT1")
    vm.ssh(f"printf %s '{PASSPHRASE}' | cryptsetup open /dev/{disk} made -d - "
           "&& mount -o ro /dev/mapper/made /mnt", timeout_s=120)
    equal(vm.ssh("ls /mnt").stdout.split(),
          ["five-41.csv", "five-42.csv", "line.log"], "what went through")
    check(vm.ssh("cmp /mnt/line.log /home/operator/line.log", check=False).ok,
          "byte by byte")
    vm.ssh("umount /mnt && cryptsetup close made")
    vm.usb.unplug(device)
