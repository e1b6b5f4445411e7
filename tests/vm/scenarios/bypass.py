"""A third of the bypass matrix: each way around the gate, as user and as root.

tests/vm/run bypass_full plays all of it and keeps the table of
docs/limitations.md.
"""

from bypass import judge, play
from checks import check
from guest import Guest

NEEDS = "agent"


def run(vm: Guest) -> None:
    game = play.Play(vm, play.chosen(short=True))
    game.prepare()
    verdicts = game.play()
    play.finish(verdicts)
    lines = judge.table_in_docs().splitlines()
    missing = [line for line in judge.table(verdicts) if line not in lines]
    check(not missing, "docs/limitations.md says the same of these rows" +
          "".join("\n      " + line for line in missing))
