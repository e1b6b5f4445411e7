"""What became of the rows: the medium's raw bytes and the server's events.

The matrix is a table in docs/limitations.md between two marks, written by the
test and compared by it.
"""

from __future__ import annotations

import collections
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterable

from . import payloads
from .rows import BLOCKED, DETECTED, LIMITATION, Outcome, Row

DOCS = Path(__file__).resolve().parents[3] / "docs" / "limitations.md"
BEGIN = "<!-- bypass matrix: made by tests/vm/run bypass_full -->"
END = "<!-- end of the bypass matrix -->"
WITHIN_S = 30.0
_SLICE = 20
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be")


@dataclass
class Secret:
    """One row's list for one actor, and what gives it away."""

    row: Row
    actor: str
    csv: bytes
    payload: bytes
    phones: list[str]
    slices: list[bytes]


def make_secrets(rows: Iterable[Row]) -> list[Secret]:
    """No two share a needle, so that what is found says whose it is."""
    secrets = []
    for number, row in enumerate(rows):
        for actor in row.actors:
            seed = 1000 * (actor == "root") + number + 17
            persons = payloads.make_people(row.persons, seed)
            data = payloads.make(row.payload, persons, seed)
            step = max(1, (len(data) - _SLICE) // 16)
            slices = [data[i:i + _SLICE] for i in
                      range(0, len(data) - _SLICE, step)]
            secrets.append(Secret(
                row, actor, payloads.text_of(persons).encode(), data,
                [p["電話番号"] for p in persons],
                # Few distinct bytes are anybody's.
                [] if _shows_people(data, persons) else
                [s for s in slices if len(set(s)) > 6]))
    seen: collections.Counter[object] = collections.Counter()
    for secret in secrets:
        seen.update(set(secret.phones) | set(secret.slices))
    # What every file of a format has says nothing about whose it is.
    everything = b"\0".join(secret.payload for secret in secrets)
    for secret in secrets:
        secret.phones = [p for p in secret.phones if seen[p] == 1]
        secret.slices = [s for s in secret.slices
                         if everything.find(s, everything.find(s) + 1) < 0]
    return secrets


def _shows_people(data: bytes, persons: payloads.Rows) -> bool:
    """Their phones stand in it as they are; addresses are not theirs alone."""
    phone = persons[0]["電話番号"]
    return any(phone.encode(encoding) in data for encoding in ENCODINGS)


def arrived(stick: Any, secrets: list[Secret]) -> dict[tuple[str, str], int]:
    """How many people of each (row, actor) are in the raw image; a slice of a
    payload that shows nobody by name counts as all of them."""
    owners: dict[bytes, tuple[Secret, str]] = {}
    for secret in secrets:
        for phone in secret.phones:
            for encoding in ENCODINGS:
                owners[phone.encode(encoding)] = (secret, phone)
        for piece in secret.slices:
            owners[piece] = (secret, "")
    people: dict[tuple[str, str], set[str]] = collections.defaultdict(set)
    for needle in stick.find(owners):
        secret, phone = owners[needle]
        people[secret.row.slug, secret.actor].add(phone)
    counts = {}
    for secret in secrets:
        found = people.get((secret.row.slug, secret.actor), set())
        counts[secret.row.slug, secret.actor] = (
            len(secret.phones) if "" in found else len(found))
    return counts


def told(row: Row, actor: str, said: dict[str, Any],
         events: list[dict[str, Any]], alerts: list[dict[str, Any]],
         ) -> float | None:
    """Seconds from the attack to its word at the server; None: none came."""
    word = row.expected_word(actor)
    times = [seconds for seconds, text in _words(row, said, events, alerts)
             if re.search(word, text)]
    return min(times, default=None)


def _words(row: Row, said: dict[str, Any], events: list[dict[str, Any]],
           alerts: list[dict[str, Any]]) -> Iterable[tuple[float, str]]:
    first, last = said["pids"]
    for event in events:
        public, personal = event["public_part"], event["personal_part"]
        received = event["receive_seconds"]
        if received < said["start"] - 1:
            continue
        path = personal.get("file_path", "")
        if public["kind"] == "transfer":
            if f"/{row.slug}-" in path and public["outcome"] == "blocked":
                yield received - said["start"], "transfer"
            continue
        pid = int(personal.get("pid", 0))
        reason = f"{public['kind']} {public.get('reason', '')}"
        # Of a gate that dials a stranger the process is the gate's.
        own = "program" in reason or "refused: socket" in reason
        if reason.startswith("tamper refused: ") and not own:
            # Of what one program was refused within ten seconds the rest is
            # told together, with the first one's process.
            together = re.search(r", \d+ times$", reason)
            if not first <= pid <= last and not together:
                continue
        yield received - said["start"], reason
    for alert in alerts:
        created = alert["create_seconds"]
        if created >= said["start"] - 1:
            yield created - said["start"], f"alert {alert['kind']}"


@dataclass(frozen=True)
class Verdict:
    """How one row ended for one actor; `wrong` if worse than it may."""

    row: Row
    actor: str
    outcome: Outcome
    detail: str
    wrong: bool


def judge(row: Row, actor: str, said: dict[str, Any], persons: int,
          seconds: float | None) -> Verdict:
    problems = []
    if said["result"] == "broken":
        problems.append(f"the attack itself is broken: {said['why']}")
    if said["open"]:
        problems.append(f"not closed afterwards: {said['open']}")
    word = row.expected_word(actor)
    heard = seconds is not None and seconds <= WITHIN_S + row_patience(row)
    if persons > row.may_pass:
        outcome, detail = LIMITATION, f"{persons} people on the medium"
    elif row.channel:
        outcome = LIMITATION if said["result"] == "done" else BLOCKED
        detail = said["why"]
    elif said["result"] == "refused" or row.group in ("content", "paths"):
        outcome, detail = BLOCKED, said["why"]
    elif word and heard:
        outcome, detail = DETECTED, f"told after {seconds:.0f} s"
    else:
        outcome, detail = LIMITATION, "done, and nobody was told"
    if word and not heard and outcome != LIMITATION:
        problems.append("the server was not told " + (
            f"within {WITHIN_S:.0f} s, but after {seconds:.0f}"
            if seconds is not None else f"({word})"))
    if outcome > row.stated(actor):
        problems.append(f"{outcome} is worse than {row.stated(actor)}")
    if problems:
        detail = "; ".join([*problems, detail])
    return Verdict(row, actor, outcome, detail, bool(problems))


def row_patience(row: Row) -> float:
    """Silence is told after two heartbeats."""
    return 40.0 if "silent" in row.expected_word("root") else 0.0


def table(verdicts: list[Verdict]) -> list[str]:
    """The rows of the table, one a line."""
    by_row: dict[str, dict[str, Verdict]] = collections.defaultdict(dict)
    for verdict in verdicts:
        by_row[verdict.row.slug][verdict.actor] = verdict
    lines = []
    for found in by_row.values():
        row = next(iter(found.values())).row
        said = [str(found[actor].outcome) if actor in found else "–"
                for actor in ("operator", "root")]
        lines.append(f"| {row.name} | {row.refs} | {' | '.join(said)} | "
                     f"{row.reason} |".replace("  ", " "))
    return lines


def counts(verdicts: Iterable[Verdict]) -> str:
    found = collections.Counter(v.outcome for v in verdicts)
    return ", ".join(f"{found[outcome]} {outcome}" for outcome in Outcome)


def written(lines: list[str], verdicts: list[Verdict]) -> str:
    head = [BEGIN, f"{len(lines)} ways, each as an ordinary user and as root "
            f"through sudo: {counts(verdicts)}. Detected: the server has an "
            f"alert within {WITHIN_S:.0f} s, and the gate stayed closed.", "",
            "| attack | | ordinary user | root | why |",
            "|---|---|---|---|---|"]
    return "\n".join([*head, *lines, END])


def write_table(text: str) -> None:
    page = DOCS.read_text("utf-8")
    start, end = page.index(BEGIN), page.index(END) + len(END)
    DOCS.write_text(page[:start] + text + page[end:], "utf-8")


def table_in_docs() -> str:
    page = DOCS.read_text("utf-8")
    return page[page.index(BEGIN):page.index(END) + len(END)]


def compile_program(source: Path, *options: str) -> bytes:
    """A C program or library of this folder, for the guest."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        subprocess.run(["gcc", "-O1", "-Wall", "-Werror", *options, "-o",
                        str(out), str(source)], check=True)
        return out.read_bytes()


def make_certificate(name: str) -> bytes:
    """Key and certificate of a stranger who calls himself that."""
    with tempfile.TemporaryDirectory() as folder:
        key, cert = Path(folder) / "key", Path(folder) / "cert"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ed25519",
                        "-nodes", "-keyout", str(key), "-out", str(cert),
                        "-days", "1", "-subj", f"/CN={name}"], check=True,
                       capture_output=True)
        return key.read_bytes() + cert.read_bytes()
