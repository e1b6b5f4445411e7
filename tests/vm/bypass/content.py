"""Rows that hide people in what a file is, is called, or looks like.

Most of them copy one of payloads.py's forms as `cp` does; the form is all there
is to them.
"""

from __future__ import annotations

import csv
import io
import os
import time

from .rows import LIMITATION, Place, Refused, Row, ROWS, row, write_file

TRANSFER = "transfer"  # the server must hear of a refused copy
OWN_ENCODING = ("an encoding somebody made himself is text like any other; "
                "bounded by the volume budgets")
IMAGE = ("pictures of text are not read; alone policy stops them as not "
         "inspected, within a document they pass; bounded by the volume "
         "budgets")
METADATA = ("numbers, sizes, times and order of harmless files are not read; "
            "bounded by the volume budgets")


def copy(at: Place, name: str = "list.bin") -> None:
    with open(at.payload, "rb") as source:
        write_file(at.file(name), source.read())


def _copies(slug: str, name: str, payload: str, file_name: str = "list.bin",
            **more: object) -> None:
    more = {"told": TRANSFER} | more
    ROWS.append(Row(slug, name, "content", lambda at: copy(at, file_name),
                    payload=payload, **more))  # type: ignore[arg-type]


_copies("csv", "a CSV in CP932, as it is", "cp932", "list.csv", short=True)
_copies("gzip", "gzip", "gzip", refs="A23", short=True)
_copies("bzip2", "bzip2", "bzip2", refs="A23")
_copies("zip", "zip", "zip", refs="A23")
_copies("nested", "zip in zip, five deep", "nested", refs="A25")
_copies("enczip", "encrypted zip", "encrypted-zip", refs="A23", short=True)
_copies("openssl", "encrypted with openssl", "openssl", refs="A23")
_copies("noise", "a container without a header", "noise", refs="A23",
        short=True)
_copies("luksfile", "a LUKS container on the medium", "luks", refs="A23")
_copies("loopfile", "a loop image on the medium", "volume", refs="A10",
        short=True)
_copies("bomb", "a zip bomb with a list behind it", "bomb", refs="A25")
_copies("damaged", "a damaged document", "damaged-docx", refs="A26")
_copies("base64", "base64", "base64", short=True)
_copies("dataurl", "base64 within a web page", "data-url")
_copies("hex", "hex", "hex")
_copies("reversed", "reversed lines", "reversed", operator=LIMITATION,
        root=LIMITATION, reason=OWN_ENCODING, told="", short=True)
_copies("shifted", "digits and letters replaced by hand", "shifted",
        operator=LIMITATION, root=LIMITATION, reason=OWN_ENCODING, told="")
_copies("utf7", "UTF-7", "utf7")
_copies("utf16", "UTF-16 without a byte order mark", "utf16", short=True)
_copies("jpgname", "a list named .jpg", "", "photo.jpg", refs="A22")
_copies("polyglot", "a picture's first bytes, then a list", "polyglot",
        "photo.jpg", refs="A22")
_copies("docx", "wrapped in docx", "docx", short=True)
_copies("xlsx", "wrapped in xlsx", "xlsx")
_copies("pdf", "wrapped in PDF", "pdf")
_copies("sqlite", "wrapped in SQLite", "sqlite")
_copies("png", "a screenshot", "png", "shot.png", short=True)
_copies("pngdocx", "a screenshot in a docx", "png-in-docx", "report.docx",
        operator=LIMITATION, root=LIMITATION, reason=IMAGE, told="")
_copies("behindlog", "a list at the end of 3 MB of log", "behind-a-log",
        "large.log")


def _persons(at: Place) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(at.people.decode(), newline="")))


@row("names", "data in file names", "content", told=TRANSFER, short=True,
     refs="A21")
def in_file_names(at: Place) -> None:
    for person in _persons(at):
        write_file(at.file(f"{person['氏名']} {person['電話番号']}.txt"), "ok\n")


@row("dirnames", "data in directory names", "content")
def in_directory_names(at: Place) -> None:
    for person in _persons(at):
        os.mkdir(at.file(f"{person['氏名']} {person['電話番号']}"))


@row("renamed", "data in a name given afterwards", "content", refs="A21")
def in_a_name_given_afterwards(at: Place) -> None:
    for number, person in enumerate(_persons(at)):
        harmless = at.file(f"{number}.txt")
        write_file(harmless, "ok\n")
        os.rename(harmless,
                  at.file(f"{person['氏名']} {person['電話番号']}.txt"))


@row("xattr", "data in extended attributes", "content")
def in_extended_attributes(at: Place) -> None:
    name = at.file("harmless.txt")
    write_file(name, "ok\n")
    os.setxattr(name, "user.list", at.people[:60000])


@row("split", "split into files of 10 people each", "content", refs="A24",
     persons=150, may_pass=100, told=TRANSFER, short=True)
def split_into_tens(at: Place) -> None:
    persons = _persons(at)
    for start in range(0, len(persons), 10):
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, list(persons[0]))
        writer.writeheader()
        writer.writerows(persons[start:start + 10])
        write_file(at.file(f"part{start:03}.csv"), out.getvalue())


@row("drip", "one person a file", "content", refs="A24", told=TRANSFER,
     may_pass=5)
def one_person_a_file(at: Place) -> None:
    """Runs after `split`: of its hundred nothing is left, but for the few that
    a sum of estimates is off."""
    refused = 0
    for number, person in enumerate(_persons(at)):
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, list(person))
        writer.writeheader()
        writer.writerow(person)
        try:
            write_file(at.file(f"one{number:03}.csv"), out.getvalue())
        except OSError:
            refused += 1
    if refused:
        raise Refused(f"{refused} of them")


def _digits(at: Place) -> list[int]:
    return [int(p["電話番号"].replace("-", "")) for p in _persons(at)]


@row("times", "data in timestamps", "content", persons=5, channel=True,
     operator=LIMITATION, root=LIMITATION, reason=METADATA)
def in_timestamps(at: Place) -> None:
    """A phone number a file, in steps of two seconds from 1980 on."""
    epoch = int(time.mktime((1980, 1, 2, 0, 0, 0, 0, 0, 0)))
    for number, digits in enumerate(_digits(at)):
        name = at.file(f"{number}.txt")
        write_file(name, "ok\n")
        moment = epoch + 2 * (digits % 10**8)
        os.utime(name, (moment, moment))
        if int(os.stat(name).st_mtime) != moment:
            raise OSError("the time was not kept")


@row("sizes", "data in file sizes", "content", persons=5, channel=True,
     operator=LIMITATION, root=LIMITATION, reason=METADATA)
def in_sizes(at: Place) -> None:
    for number, digits in enumerate(_digits(at)):
        write_file(at.file(f"{number}.txt"), "." * (digits % 10**4))


@row("order", "data in the order of files", "content", persons=5,
     channel=True, operator=LIMITATION, root=LIMITATION, reason=METADATA)
def in_order(at: Place) -> None:
    for digit in f"{_digits(at)[0]:011}":
        write_file(at.file(f"{digit}-{time.monotonic_ns()}.txt"), "ok\n")
