"""A stick that is erased holds nothing of what was on it, and that is proven."""

import json
import subprocess

import story
from checks import check, equal, eventually, step
from guest import Guest
from sticks import add_file, make_stick

NEEDS = "agent"
STICK = "46f4:0001:ERASE1"
# A name is personal data, too.
FOREIGN = "customer-Yamada-Hanako.txt"
MIB = 1 << 20


def run(vm: Guest) -> None:
    story.sit_down(vm)
    vm.server.cli("policy", "push", str(story.POLICY))
    story.wait_for_policy(vm, "enforce", 60)
    vm.server.cli("device", "approve", STICK, "--access", "inspect",
                  "--purpose", "handover", "--owner", "tanaka")
    stick = make_stick(vm.scratch / "erase.img", "vfat", size_mib=48)
    secret = b"SECRET-CONTENT-OF-BEFORE\n" * 4000
    add_file(stick, FOREIGN, secret)
    vm.usb.plug_storage(stick.path, serial="ERASE1", port="2")
    folder = eventually("the stick is mounted",
                        lambda: story.medium_at(vm, "ERASE1"), 120)
    people = story.make_people(vm.scratch, 15, "utf-8", seed=9)
    vm.write_file("/home/operator/list.csv", people.csv, owner="operator")
    done = story.as_operator(vm, f"mkdir {folder}/d && cp list.csv {folder}/d/"
                             f" && cp list.csv {folder}/{'q' * 60}.csv && sync")
    check(done.ok, f"a list is copied: {done.stdout}{done.stderr}")
    # FAT keeps five letters of a long name together, and a short one beside it.
    traces = [secret[:24], FOREIGN[:5].encode("utf-16-le"), b"CUSTOM~1",
              ("q" * 5).encode("utf-16-le"), b"QQQQQQ~1"]
    equal(sorted(stick.find(traces)), sorted(traces),
          "what was on it is in the image")

    step("erased by the operator")
    answer = story.as_operator(vm, f"sekisho erase {folder} --yes",
                               timeout_s=900)
    check(answer.ok and "read back" in answer.stdout,
          f"it says what was done: {answer.stdout}{answer.stderr}")
    row = eventually("it is an event", lambda: story.events(
        vm, kind="medium_erased"), 60)[0]
    public, personal = row["public_part"], row["personal_part"]
    check(int(public["erased_bytes"]) > 40 * MIB,
          f"{public['erased_bytes']} bytes were overwritten and read back")
    equal(personal["person"], "operator", "by the operator")
    vm.ssh("sync")
    listed = subprocess.run(
        ["mdir", "-/", "-b", "-i", f"{stick.path}@@{stick.offset}", "::"],
        capture_output=True, text=True, check=False).stdout
    equal(listed.strip(), "", "nothing lies on it")
    equal(stick.find(traces), {}, "and no name or content is in its raw bytes")
    equal(story.no_needles(stick.find_text, people), "",
          "nor anything of the people")
    told = json.loads(vm.server.cli("device", "contents", STICK, "--json"))
    medium = told["media"][0]
    equal(medium.get("files", []), [], "the server knows that it is empty")
    check("erase_time" in medium, "and since when")

    step("used again")
    done = story.as_operator(vm, f"cp list.csv {folder}/again.csv && sync")
    check(done.ok, f"it can be used: {done.stdout}{done.stderr}")
    equal(stick.read("again.csv"), people.csv, "and the host reads the copy")
    equal([a["kind"] for a in story.alerts(vm)
           if a["kind"] in ("medium_bypassed", "tamper")], [],
          "what the kernel counted was the gate's doing")
