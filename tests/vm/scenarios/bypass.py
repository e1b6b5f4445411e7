"""A third of the bypass matrix: each way around the gate, as user and as root.

tests/vm/run bypass_full plays all of it and keeps the table of
docs/limitations.md; here the rows that stand there are compared.
"""

from bypass import judge, play
from checks import check
from guest import Guest

NEEDS = "agent"
# Not before bypass_full has written its whole table once.
IN_ALL = False


def run(vm: Guest) -> None:
    game = play.Play(vm, play.chosen(short=True))
    game.prepare()
    verdicts = game.play()
    play.finish(verdicts)
    lines = judge.table_in_docs().splitlines()
    known = {line.split(" | ")[0] for line in lines}
    other = [line for line in judge.table(verdicts)
             if line.split(" | ")[0] in known and line not in lines]
    check(not other, "docs/limitations.md says the same of these rows" +
          "".join("\n      " + line for line in other))
