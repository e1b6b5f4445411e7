"""As owners; then the client asks whether his data left."""

import datetime
import json
import time

from checks import check, equal, step
from guest import Guest
from scenarios import owners
from server import ServerError

NEEDS = "agent"
# An inquiry does not answer for the last two minutes.
IN_ALL = False
SETTLES_S = 130


def run(vm: Guest) -> None:
    owners.run(vm)
    time.sleep(SETTLES_S)
    step("(6) the client asks: also the copy from before is found")
    today = datetime.datetime.now(datetime.timezone.utc).date()
    answer = vm.scratch / "answer.sekisho"
    try:
        vm.server.cli("report", "inquiry", "--owner", owners.OWNER, "--from",
                      str(today), "--to",
                      str(today + datetime.timedelta(days=1)), "--reason",
                      "they ask", "-o", str(answer))
    except ServerError:
        pass  # exits 1 where something was found
    document = json.loads(answer.read_text().split("\n")[1])
    equal(document["answer"], "found", "the answer")
    files = {r["file"]: r["owner_persons"] for r in document["found"]["rows"]}
    check(any(name.endswith("early.csv") and count == 15
              for name, count in files.items()),
          f"early.csv, fifteen of theirs ({files})")
    check(any(name.endswith("late.csv") for name in files), "late.csv")
    check(not any("others" in r["file"]
                  for part in ("found", "stopped", "unclear")
                  for r in document[part]["rows"]),
          "and nothing of others")
