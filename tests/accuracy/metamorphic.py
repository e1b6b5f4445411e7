#!/usr/bin/env python3
"""What changes nothing: one list of people, written in chains of changes.

  metamorphic.py --scan build/release/tests/accuracy/accuracy_scan
                 [--count 60] [--seed 1]

Encoding, order of columns and of rows, delimiter, quoting, line ends, language
of the header, extension and compression: people and values of each type must be
those of the plain list, exactly. Exits 1 and names the chains otherwise.
"""

import argparse
import csv
import os
import random
import sys
import tempfile

import corpus
import quiet
import shapes

PEOPLE = 200
# What a delimiter that stands in a value would break without quotes.
DELIMITERS = (",", "\t", ";", "|", "^")
# Text that stands for bytes is looked into once.
ENCODED = {"base64", "hex"}
EXTENSIONS = ("csv", "txt", "jpg", "xlsx", "zip", "log", "", "dat", "exe")


def written(rows, rng, steps):
    """The list after one choice of each kind."""
    order = list(range(len(rows[0])))
    body = list(rows[1:])
    header = rows[0]
    if rng.random() < 0.5:
        rng.shuffle(order)
        steps.append("columns")
    if rng.random() < 0.5:
        rng.shuffle(body)
        steps.append("rows")
    if rng.random() < 0.3:
        header = [corpus.COLUMNS[c][1]
                  for c in corpus.SCHEMAS["customers"].split()]
        steps.append("header")
    delimiter = rng.choice(DELIMITERS)
    quoting = rng.choice((csv.QUOTE_ALL, csv.QUOTE_MINIMAL))
    end = rng.choice(("\r\n", "\n"))
    steps += [repr(delimiter), f"quoting {quoting}", repr(end)]
    out = shapes.io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting,
                        lineterminator=end)
    for row in [header] + body:
        writer.writerow([row[i] for i in order])
    text = out.getvalue()
    encoding = rng.choice([e for e in corpus.ENCODINGS if e != "mixed"])
    steps.append(encoding)
    return corpus.encode(text, encoding)


def chain(rows, rng):
    """Bytes, extension, and the steps that made them."""
    steps = []
    data = written(rows, rng, steps)
    for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
        name = rng.choice([n for n in shapes.CONTAINERS
                           if n not in ENCODED or not ENCODED & set(steps)])
        packed = shapes.CONTAINERS[name](data)
        if packed:
            data = packed
            steps.append(name)
    extension = rng.choice(EXTENSIONS)
    steps.append("." + extension)
    return data, extension, steps


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scan", required=True)
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    rows, _ = shapes.people(rng, PEOPLE)
    with tempfile.TemporaryDirectory() as folder:
        plain = os.path.join(folder, "plain")
        with open(plain, "w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows(rows)
        chains = {}
        for i in range(args.count):
            data, extension, steps = chain(rows, rng)
            path = os.path.join(folder, f"{i}.{extension}")
            with open(path, "wb") as out:
                out.write(data)
            chains[path] = steps
        said = quiet.scan(args.scan, [plain, *chains])
    wanted = said[plain]
    bad = 0
    for path, steps in chains.items():
        one = said.get(path)
        same = one is not None and all(
            one[key] == wanted[key] for key in ("persons", "data",
                                                "inspection"))
        if not same:
            bad += 1
            print(" ".join(steps), ":", one and (
                one["persons"], one["inspection"], one["reason"], one["data"]))
    print(f"{len(chains)} chains of one list ({wanted['persons']} people, "
          f"{sum(wanted['data'].values())} values), {bad} that changed it")
    # A list of which nothing was found could not change.
    return 1 if bad or wanted["persons"] < 0.98 * PEOPLE else 0


if __name__ == "__main__":
    sys.exit(main())
