"""The whole road: from a plugged stick to the analyst's screen."""

import json
import time

import story
import usable
from checks import check, equal, eventually, never, step
from guest import Guest
from sticks import make_stick

NEEDS = "agent"
STICK = "46f4:0001:ABC123"
# From the approval, by the guest's clock. The aim is two seconds on a host that
# has two processors for the guest; emulated on a busy one it takes longer.
USABLE_S = 60.0


def run(vm: Guest) -> None:
    story.sit_down(vm)
    observe(vm)
    stick = make_stick(vm.scratch / "stick.img", "vfat", size_mib=64)
    vm.server.cli("policy", "push", str(story.POLICY))
    story.wait_for_policy(vm, "enforce", 60)
    unknown_stick(vm, stick)
    folder = approve(vm)
    copies(vm, stick, folder)
    without_network(vm)
    proof(vm)


def observe(vm: Guest) -> None:
    step("(0) observe: an unknown stick is used freely, and copies are events")
    free = make_stick(vm.scratch / "free.img", "vfat", size_mib=64)
    plugged = vm.usb.plug_storage(free.path, serial="FREE01", port="1")
    disk = eventually("the stick is a disk", lambda: vm.block_device("FREE01"),
                      60)
    # What is copied while nothing is enforced counts for the day, too.
    people = story.make_people(vm.scratch, 20, "utf-8", seed=3)
    vm.write_file("/home/operator/observed.csv", people.csv, owner="operator")
    vm.ssh(f"mkdir -p /mnt/free && mount -o uid=1000 /dev/{disk}1 /mnt/free")
    # A watcher sees the mount from mountinfo a moment later.
    time.sleep(2)
    done = story.as_operator(vm, "cp observed.csv /mnt/free/")
    check(done.ok, "the copy works")
    row = eventually("the copy is an event at the server",
                     lambda: story.transfers(vm, "observed.csv"), 60)[0]
    check(row["public_part"]["observe_only"], "marked as observe only")
    equal(int(row["public_part"]["person_count"]), 20, "it says 20 people")
    vm.ssh("umount /mnt/free")
    vm.usb.unplug(plugged)
    equal(free.read("observed.csv"), people.csv, "the host reads the copy")


def unknown_stick(vm: Guest, stick) -> None:
    step("(1) enforce: an unknown stick is plugged")
    start = time.monotonic()
    vm.usb.plug_storage(stick.path, serial="ABC123", port="2")
    row = eventually("the server has the event", lambda: next(
        (r for r in story.events(vm, kind="device_plugged")
         if r["public_part"]["device"].get("serial") == "ABC123"), None), 60)
    told = time.monotonic() - start
    print(f"    seen at the server {told:.1f} s after the plug, with the time "
          "that asking takes", flush=True)
    public, personal = row["public_part"], row["personal_part"]
    equal(public["outcome"], "blocked", "it is blocked")
    equal((public["device"]["vendor_id"], public["device"]["product_id"]),
          ("46f4", "0001"), "vendor and product are known")
    equal(personal["person"], "operator", "so is the person")
    equal(row["terminal"], story.TERMINAL, "and the terminal")
    never("no block device appears", lambda: vm.block_device("ABC123"), 4)


def approve(vm: Guest) -> str:
    step("(2) the admin approves the stick for inspected copies")
    usable.install(vm)
    given = usable.share(vm)
    done = usable.time_until_usable(vm, lambda: vm.server.cli(
        "device", "approve", STICK, "--access", "inspect",
        "--purpose", "maintenance logs", "--owner", "tanaka"))
    given = min(given, usable.share(vm))
    print(f"    approved in {done.told:.2f} s, usable after {done.usable:.2f} "
          f"s by the guest's clock, which has {given:.0%} of two processors",
          flush=True)
    check(done.usable <= USABLE_S,
          f"it is usable without replugging within {USABLE_S} s")
    equal(story.medium_at(vm, "ABC123"), done.path, "where status says")
    return done.path


def copies(vm: Guest, stick, folder: str) -> None:
    step("(3) a 5 MB harmless document")
    document = story.make_document(5)
    vm.write_file("/home/operator/report.txt", document, owner="operator")
    done = story.as_operator(vm, f"cp report.txt {folder}/ && sync")
    check(done.ok, f"the copy works: {done.stdout}{done.stderr}")
    equal(stick.read("report.txt"), document,
          "the image on the host holds it byte for byte")

    step("(4) a CP932 list of 1,500 customers")
    people = story.make_people(vm.scratch, 1500, "cp932", seed=7)
    vm.write_file("/home/operator/customers.csv", people.csv, owner="operator")
    done = story.as_operator(vm, f"cp customers.csv {folder}/; echo exit=$?; "
                             "sleep 2")
    text = done.stdout + done.stderr
    check("Permission denied" in text, "cp says: Permission denied")
    check("exit=1" in text, "cp fails")
    check("sekisho request" in text,
          "the operator reads why, and how to ask:\n" + text)
    vm.ssh("sync")
    equal(story.no_needles(stick.find_text, people), "",
          "no name, phone or address of the 1,500 is in the stick's raw bytes")
    alert = eventually("an alert stands on the server", lambda: next(
        (a for a in story.alerts(vm) if a["kind"] == "transfer_blocked"),
        None), 30)
    row = story.transfers(vm, "customers.csv")[0]
    public, personal = row["public_part"], row["personal_part"]
    equal(int(alert["event_row_id"]), int(row["row_id"]),
          "it comes from this event")
    check(abs(int(public["person_count"]) - 1500) <= 30,
          f"about 1,500 people ({public['person_count']})")
    equal(int(public.get("persons_written_count", 0)), 0,
          "none of whom reached the medium")
    types = {entry["type"] for entry in public["data"]}
    check({"person_name", "address", "phone"} <= types,
          f"the types of data: {', '.join(sorted(types))}")
    equal((personal["person"], public["device"]["serial"]),
          ("operator", "ABC123"), "the person and the stick")
    check(personal["program"].endswith("/cp"), "and the process")

    step("(5) a list of 15 people")
    few = story.make_people(vm.scratch, 15, "cp932", seed=8)
    vm.write_file("/home/operator/few.csv", few.csv, owner="operator")
    before = {a["alert_id"] for a in story.alerts(vm)}
    copied = story.as_operator(vm,
                               f"cp few.csv {folder}/ && sync && sleep 1")
    check(copied.ok, "goes through: " + copied.stdout + copied.stderr)
    row = eventually("as a logged transfer",
                     lambda: story.transfers(vm, "few.csv"), 30)[0]
    equal(row["public_part"]["outcome"], "allowed", "allowed")
    # What others are told of meanwhile (the terminal's past) is not of it.
    new = [a for a in story.alerts(vm) if a["alert_id"] not in before]
    print(f"    told meanwhile: {[a['kind'] for a in new]}", flush=True)
    equal([a["kind"] for a in new if a["kind"].startswith("transfer")], [],
          "without an alert")
    equal(stick.read("few.csv"), few.csv, "and is on the stick")

    step("(5b) a large log with three people, released as it is judged, and "
         "a list at its end")
    three = [f"{name}さんの電話番号は{phone}です。\n" for name, phone in (
        ("佐藤 健一", "090-1001-5001"), ("鈴木 花子", "090-1002-5002"),
        ("高橋 太郎", "090-1003-5003"))]
    behind = story.make_people(vm.scratch, 1500, "utf-8", seed=9)
    vm.write_file("/home/operator/large.log",
                  story.make_document(4) + "".join(three).encode() +
                  story.make_document(3) + behind.csv, owner="operator")
    done = story.as_operator(vm, f"cp large.log {folder}/; echo exit=$?")
    check("exit=1" in done.stdout, "cp fails")
    vm.ssh("sync")
    # The fifteen are there by right, in CP932.
    kanji = [n for n in behind.needles if len(n) >= 4 and not n.isascii()]
    equal(stick.find_text(kanji, ("utf-8",)), {},
          "nobody of the list is in the stick's raw bytes")
    equal(stick.find_text([f"090-100{i}-500{i}" for i in (1, 2, 3)]), {},
          "nor are the three, who had been there")
    row = eventually("the copy is an event", lambda: story.transfers(
        vm, "large.log"), 30)[0]
    equal(row["public_part"]["outcome"], "blocked", "blocked")
    equal(int(row["public_part"].get("persons_written_count", 0)), 3,
          "which says that three people's rows had been written")


def without_network(vm: Guest) -> None:
    step("(6) the network is cut, and somebody tries again")
    people = story.make_people(vm.scratch, 300, "utf-8", seed=9)
    vm.write_file("/home/operator/again.csv", people.csv, owner="operator")
    folder = story.medium_at(vm, "ABC123")
    seen = len(story.events(vm))
    vm.cut_network()
    for number in (1, 2, 3):
        done = story.as_operator(vm, f"cp again.csv {folder}/try{number}.csv")
        check(not done.ok, f"attempt {number} is refused")
    agent = vm.ssh("systemctl show -P MainPID sekishod").stdout.strip()
    done = vm.ssh(f"kill -9 {agent}", check=False)
    check(not done.ok and "not permitted" in done.stderr,
          "kill -9 of the agent by root is refused")
    vm.ssh("systemctl kill -s KILL sekishod")
    other = make_stick(vm.scratch / "other.img", "vfat", size_mib=16)
    vm.usb.plug_storage(other.path, serial="OTHER9", port="3")
    never("an unapproved stick plugged while it is dead stays blocked",
          lambda: vm.block_device("OTHER9"), 5)
    eventually("the agent is back", lambda: vm.ssh(
        "systemctl is-active sekishod", check=False).ok, 60)
    never("and the stick stays blocked", lambda: vm.block_device("OTHER9"), 3)
    equal(len(story.events(vm)), seen, "nothing reached the server meanwhile")
    vm.restore_network()
    eventually("the network is back, and so are the three attempts",
               lambda: all(story.transfers(vm, f"try{n}.csv")
                           for n in (1, 2, 3)), 120)
    eventually("and the stick that was plugged", lambda: any(
        r["public_part"]["device"].get("serial") == "OTHER9"
        for r in story.events(vm, kind="device_plugged")), 60)
    rows = story.events(vm)
    numbers = [int(r["public_part"]["sequence"]) for r in rows]
    equal(numbers, list(range(1, len(numbers) + 1)),
          "every event arrived exactly once and in order")


def proof(vm: Guest) -> None:
    step("(7) the chain")
    answer = json.loads(vm.server.cli("event", "verify", "--json"))
    check(answer["ok"] and not answer["problems"], "verifies without gaps")
    check(answer["agents"][0]["records"] > 0,
          f"{answer['agents'][0]['records']} events")
