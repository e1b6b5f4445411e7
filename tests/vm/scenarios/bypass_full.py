"""The whole bypass matrix; with --write-table it writes the table in the docs."""

import os

from bypass import judge, play
from checks import equal
from guest import Guest

NEEDS = "agent"
# Some twenty minutes under emulation. Run it by its name.
IN_ALL = False


def run(vm: Guest) -> None:
    game = play.Play(vm, play.chosen(short=False))
    game.prepare()
    verdicts = game.play()
    text = judge.written(judge.table(play.known()), play.known())
    if os.environ.get("SEKISHO_WRITE_TABLE"):
        judge.write_table(text)
    play.finish(verdicts)
    equal(judge.table_in_docs(), text, "docs/limitations.md has this table")
