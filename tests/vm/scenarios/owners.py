"""Whose data a copy holds: a client's list is registered, and known again."""

import json
from typing import Any

import story
from checks import check, equal, eventually, step
from guest import Guest
from sticks import make_stick

NEEDS = "agent"
OWNER = "public:city-office"
LIST = "/root/city.csv"
SERIAL = "OWNR01"


def run(vm: Guest) -> None:
    city = story.make_people(vm.scratch, 2_000, "cp932", seed=21)
    others = story.make_people(vm.scratch, 300, "cp932", seed=22)
    head, *rows = city.csv.split(b"\r\n" if b"\r\n" in city.csv else b"\n")

    def part(first: int, last: int) -> bytes:
        return b"\n".join([head, *rows[first:last]]) + b"\n"

    story.sit_down(vm)
    vm.write_file("/home/operator/fifteen.csv", part(40, 55), owner="operator")
    vm.write_file("/home/operator/many.csv", part(300, 500), owner="operator")
    vm.write_file("/home/operator/others.csv", others.csv, owner="operator")
    stick = make_stick(vm.scratch / "owners.img", "vfat", size_mib=64)
    vm.server.cli("policy", "push", str(story.POLICY))
    story.wait_for_policy(vm, "enforce", 60)
    vm.server.cli("device", "approve", f"46f4:0001:{SERIAL}", "--access",
                  "inspect", "--purpose", "logs", "--owner", "tanaka")
    vm.usb.plug_storage(stick.path, serial=SERIAL, port="1")
    folder = eventually("the stick is usable",
                        lambda: story.medium_at(vm, SERIAL), 120)

    def copy(name: str, to: str) -> dict[str, Any]:
        done = story.as_operator(vm, f"cp {name} {folder}/{to}; echo exit=$?")
        said = done.stdout + done.stderr
        row = eventually(f"{to} is an event at the server", lambda: next(
            iter(story.transfers(vm, to)), None), 60)
        row["refused"] = "exit=1" in said
        return row

    step("(1) nobody's list is known: a copy of fifteen says nothing of whose")
    first = copy("fifteen.csv", "early.csv")
    check(not first["refused"], "it goes")
    check(not first["public_part"].get("data_owner"), "no owner")

    step("(2) root makes a data set of the client's list, an author pushes it")
    vm.write_file(LIST, city.csv)
    out = json.loads(vm.ssh(
        f"sekisho data-set make {LIST} --name city --owner {OWNER} "
        "--out /root/city.dataset --json").stdout)
    check(abs(out["persons"] - 2_000) <= 40, f"of {out['persons']} people")
    made = vm.get("/root/city.dataset", vm.scratch / "city.dataset")
    data = made.read_bytes()
    check(not any(n.encode("cp932") in data for n in city.needles
                  if len(n) >= 4), "which holds nothing of theirs")
    vm.ssh(f"rm {LIST}")
    print("    " + vm.server.cli("data-set", "push", str(made)), flush=True)
    eventually("the terminal has it", lambda: any(
        "data_sets version 1" in row["public_part"].get("reason", "") or
        "data sets version 1" in row["public_part"].get("reason", "")
        for row in story.events(vm, kind="policy_changed")), 60)

    step("(3) a copy of fifteen is the client's, and goes")
    row = copy("fifteen.csv", "late.csv")
    check(not row["refused"], "it goes")
    equal(row["public_part"].get("data_owner"), OWNER, "its owner")
    equal(int(row["public_part"]["data_owners"][0]["person_count"]), 15,
          "all fifteen")

    step("(4) two hundred of a public body are refused by the rule for them")
    row = copy("many.csv", "many.csv")
    check(row["refused"], "refused")
    equal(row["public_part"].get("data_owner"), OWNER, "its owner")
    equal(row["public_part"].get("rule"), "reportable-public-body",
          "by the rule")

    step("(5) three hundred of others are refused, by another rule")
    row = copy("others.csv", "others.csv")
    check(row["refused"], "refused")
    check(not row["public_part"].get("data_owner"), "nobody's")
    check(row["public_part"].get("rule") != "reportable-public-body",
          "not by the rule for public bodies")
