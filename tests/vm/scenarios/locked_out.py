"""No policy takes the last keyboard; who waits for an inspection is told."""

import story
from checks import check, equal, eventually, step
from guest import Guest
from sticks import make_stick

NEEDS = "agent"
# A minute; run it by its name.
IN_ALL = False
STICK = "46f4:0001:WAIT1"


def run(vm: Guest) -> None:
    story.sit_down(vm)
    vm.server.cli("policy", "push", str(story.POLICY))
    story.wait_for_policy(vm, "enforce", 60)
    last_keyboard(vm)
    waited(vm)
    vm.usb.unplug_all()


def last_keyboard(vm: Guest) -> None:
    step("work on a keyboard that is plugged in while policy enforces")
    vm.usb.plug_keyboard(serial="KBD-7")
    authorized = ("cat $(dirname $(grep -lsx KBD-7 "
                  "/sys/bus/usb/devices/*/serial))/authorized")
    eventually("it types", lambda: vm.ssh(authorized, check=False)
               .stdout.strip() == "1", 60)
    before = story.status(vm)["policy_version"]
    step("push a policy that refuses it")
    text = story.POLICY.read_text(encoding="utf-8")
    rule = 'match: { interfaces_all: ["03/*/*"] }\n    access: '
    check(rule + "full" in text, "the pack lets keyboards in")
    path = vm.scratch / "no-keyboards.yaml"
    path.write_text(text.replace(rule + "full", rule + "block"),
                    encoding="utf-8")
    vm.server.cli("policy", "push", str(path))
    undone = eventually("the terminal takes it back by itself", lambda: next(
        (alert for alert in story.alerts(vm)
         if alert["kind"] == "policy_undone"), None), 60)
    check("last keyboard" in undone["title"], undone["title"])
    after = story.status(vm)
    equal(after["policy_version"], before, "the version before is in force")
    equal(after["mode"], "enforce", "and enforced")
    check("was undone" in after["policy_note"], after["policy_note"])
    eventually("the keyboard types", lambda: vm.ssh(authorized).stdout.strip()
               == "1", 30)
    step("mend the policy")
    vm.server.cli("policy", "push", str(story.POLICY))
    eventually("the newest is in force", lambda: story.status(vm)
               ["policy_version"] > before + 1, 60)
    equal(story.status(vm)["policy_note"], "", "and nothing is left to say")


def waited(vm: Guest) -> None:
    step("a copy that takes long to inspect")
    vm.server.cli("device", "approve", STICK, "--access", "inspect",
                  "--purpose", "logs", "--owner", "tanaka")
    stick = make_stick(vm.scratch / "wait.img", "vfat", size_mib=64)
    vm.usb.plug_storage(stick.path, serial="WAIT1", port="2")
    folder = eventually("the stick is mounted",
                        lambda: story.medium_at(vm, "WAIT1"), 120)
    vm.ssh("seq 1 6000000 | gzip -1 > /home/operator/numbers.gz",
           timeout_s=300)
    done = story.as_operator(vm, "cp /home/operator/numbers.gz "
                             f"{folder}/; echo exit=$?; sync; sleep 1", 300)
    text = done.stdout + done.stderr
    check("exit=0" in text, "it goes through")
    check("being checked, " in text and "検査しています" in text,
          "the operator reads how far it is:\n" + text[-700:])
