"""A terminal without network opens a stick by a code that is read out over the phone."""

import json
import pwd

import story
from checks import check, equal, eventually, never, step
from guest import Guest
from server import ServerError
from sticks import Stick, make_stick

NEEDS = "agent"
# Who issues it has to be somebody (loginuid), which not every container lets a
# test be; so not part of --all.
IN_ALL = False
DESK_UID = 1  # "daemon", at the security desk
STICK = "46f4:0001:PHONE1"
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base32


def run(vm: Guest) -> None:
    story.sit_down(vm)
    vm.server.cli("policy", "push", str(story.POLICY))
    story.wait_for_policy(vm, "enforce", 60)
    # The secret of its codes has to be there before the network goes.
    eventually("the terminal has told its secret",
               lambda: story.events(vm, kind="code"), 60)
    vm.cut_network()
    try:
        stick = make_stick(vm.scratch / "phone.img", "vfat", size_mib=64)
        vm.usb.plug_storage(stick.path, serial="PHONE1", port="2")
        challenge = called(vm)
        code, number = issued(vm, challenge)
        typed(vm, code)
        copied(vm, stick)
        used_up(vm, code)
    finally:
        vm.restore_network()
    known(vm, number)
    taken_back(vm, number)
    answer = json.loads(vm.server.cli("event", "verify", "--json"))
    check(answer["ok"] and not answer["problems"], "the chain verifies")


def asks(vm: Guest, *words: str) -> dict:
    return json.loads(vm.ssh("sekisho code --json " + " ".join(words),
                             user="operator", check=False).stdout or "{}")


def misheard(text: str, group: int) -> str:
    """One letter of a group is another one."""
    groups = text.split("-")
    first = LETTERS.index(groups[group][0])
    groups[group] = LETTERS[(first + 7) % 32] + groups[group][1:]
    return "-".join(groups)


def issue(vm: Guest, challenge: str, device: str, *more: str) -> str:
    """As somebody who logged in at the server and became root."""
    return vm.server.run(
        ["sh", "-c", f"echo {DESK_UID} > /proc/self/loginuid && exec \"$@\"",
         "sh", "sekisho", "code", "issue", "--terminal", story.TERMINAL,
         "--device", device, "--challenge", challenge, "--person", "operator",
         "--for", "15m", "--reason", "logs of the outage", *more])


def refused(vm: Guest, challenge: str, device: str = STICK) -> str:
    try:
        issue(vm, challenge, device)
    except ServerError as error:
        return str(error)
    return ""


def called(vm: Guest) -> str:
    step("a blocked stick, and what is read out")
    eventually("the challenge of the stick is shown", lambda: any(
        one["device"] == STICK for one in asks(vm).get("challenges", [])), 60)
    one = asks(vm, STICK)["challenges"][0]
    check(story.medium_at(vm, "PHONE1") == "", "the stick is blocked")
    equal(one["tries_left"], 5, "five tries are left")
    equal(asks(vm)["challenges"][0]["challenge"], one["challenge"],
          "asked again it is the same challenge")
    return one["challenge"]


def issued(vm: Guest, challenge: str) -> tuple[str, int]:
    step("the desk issues a code")
    vm.server.cli("user", "add", pwd.getpwuid(DESK_UID).pw_name, "--roles",
                  "approver")
    said = refused(vm, misheard(challenge, 1))
    check("group 2" in said, f"a misheard group is named: {said[-200:]}")
    said = refused(vm, challenge, "46f4:0001:PHONE7")
    check("not of this terminal and this device" in said,
          f"a misheard serial shows: {said[-200:]}")
    answer = json.loads(issue(vm, challenge, STICK, "--json"))
    return answer["code"], int(answer["issued"]["code_id"])


def typed(vm: Guest, code: str) -> None:
    step("the operator types it, without network")
    answer = asks(vm, misheard(code, 2))
    check(not answer["ok"] and "group 3" in answer["message"],
          f"a misheard group is named: {answer['message']}")
    equal(asks(vm, STICK)["challenges"][0]["tries_left"], 5,
          "and costs no try")
    check(story.medium_at(vm, "PHONE1") == "", "nothing is open yet")
    answer = asks(vm, code.lower().replace("-", " "))
    check(answer["ok"], f"the code is taken: {answer['message']}")


def copied(vm: Guest, stick: Stick) -> None:
    folder = eventually("the stick is mounted",
                        lambda: story.medium_at(vm, "PHONE1"), 60)
    vm.write_file("/home/operator/log.txt", b"line card 2 ok\n" * 100,
                  owner="operator")
    people = story.make_people(vm.scratch, 60, "cp932", seed=22)
    vm.write_file("/home/operator/list.csv", people.csv, owner="operator")
    text = story.as_operator(vm, f"cp log.txt {folder}/ && sync && echo went; "
                             f"cp list.csv {folder}/ || echo refused").stdout
    check("went" in text, f"a log goes: {text[-300:]}")
    vm.ssh("sync")
    equal(stick.read("log.txt"), b"line card 2 ok\n" * 100,
          "and is on the medium")
    check("refused" in text, "a list of 60 people does not")
    equal(story.no_needles(stick.find, people), "", "nothing of it is there")


def used_up(vm: Guest, code: str) -> None:
    step("the same code once more")
    answer = asks(vm, code)
    check(not answer["ok"], f"opens nothing: {answer['message']}")
    other = make_stick(vm.scratch / "other.img", "vfat", size_mib=16)
    plugged = vm.usb.plug_storage(other.path, serial="PHONE2", port="3")
    eventually("another stick has another challenge", lambda: any(
        one["device"].endswith("PHONE2")
        for one in asks(vm).get("challenges", [])), 60)
    check(not asks(vm, code)["ok"], "nor does it open another stick")
    never("which stays closed", lambda: story.medium_at(vm, "PHONE2"), 2)
    vm.usb.unplug(plugged)


def code_row(vm: Guest, number: int) -> dict:
    return next(row for row in json.loads(vm.server.cli(
        "code", "list", "--state", "all", "--json"))
        if int(row["code_id"]) == number)


def known(vm: Guest, number: int) -> None:
    step("the network is back")
    eventually("the server knows that it was used", lambda: code_row(
        vm, number).get("used_time"), 120)
    equal(code_row(vm, number)["used_person"], "operator", "and by whom")
    kinds = eventually("its use is an alert", lambda: [
        row["kind"] for row in story.alerts(vm)
        if row["kind"].startswith("code_")], 60)
    equal(kinds, ["code_used"], "and no other is told")
    # Who is not in the list is closed within a minute.
    never("the medium stays open",
          lambda: not story.medium_at(vm, "PHONE1"), 75)
    eventually("what was copied meanwhile is at the server",
               lambda: [row["public_part"]["outcome"] for row in
                        story.transfers(vm, "list.csv")] == ["blocked"], 60)


def taken_back(vm: Guest, number: int) -> None:
    step("the code is taken back")
    vm.server.cli("code", "revoke", str(number), "--reason", "handed in")
    eventually("the medium is closed",
               lambda: not story.medium_at(vm, "PHONE1"), 30)
    equal(code_row(vm, number)["state"], "revoked", "and the list says so")
