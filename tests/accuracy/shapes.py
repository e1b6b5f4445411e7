"""Labelled files in every format, and in every encoding that a format has."""

import base64
import bz2
import csv
import gzip
import html
import io
import json
import lzma
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

import corpus
import subjects

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import make_formats  # noqa: E402

TAGS = ("memberid", "name", "kana", "sex", "birthday", "zip", "address", "tel",
        "email", "note")
# As XML and MIME name them; half of a mixed file is in another one.
NAMES = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "utf-16": "UTF-16",
         "utf-16-be-sig": "UTF-16", "utf-16-le": "UTF-16LE",
         "utf-16-be": "UTF-16BE", "cp932": "Shift_JIS", "euc-jp": "EUC-JP",
         "iso-2022-jp": "ISO-2022-JP", "cp932-half": "Shift_JIS"}
PDF_LIMIT = 0.05


def external(*command):
    """What a program makes of its input; None without it."""
    def run(data):
        if not shutil.which(command[0]):
            return None
        return subprocess.run(command, input=data, stdout=subprocess.PIPE,
                              check=True).stdout
    return run


def cpio(name, data):
    def entry(path, content, mode):
        path = path.encode() + b"\0"
        numbers = (1, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0)
        head = b"070701" + b"".join(b"%08x" % n for n in numbers) + path
        return (head + bytes(-len(head) % 4) + content
                + bytes(-len(content) % 4))
    return entry(name, data, 0o100644) + entry("TRAILER!!!", b"", 0)


def ar(name, data):
    head = f"{name + '/':<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n"
    return b"!<arch>\n" + head.encode() + data + b"\n" * (len(data) % 2)


def mbox(data):
    return (b"From a@example.jp Thu Nov 26 03:00:00 2026\n"
            + make_formats.eml(data, "list.csv").replace(b"\r\n", b"\n") + b"\n")


# Around a CSV in any encoding.
CONTAINERS = {
    "zip": lambda d: make_formats.pack([("名簿/list.csv", d)]),
    "tar": lambda d: make_formats.tar([("list.csv", d)]),
    "7z": lambda d: make_formats.seven_zip(d),
    "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress,
    "zst": external("zstd", "-q", "-c"), "lz4": external("lz4", "-q", "-c"),
    "cpio": lambda d: cpio("list.csv", d), "ar": lambda d: ar("list.csv", d),
    "tar.gz": lambda d: gzip.compress(make_formats.tar([("list.csv", d)])),
    "zip.zip": lambda d: make_formats.pack(
        [("in.zip", make_formats.pack([("list.csv", d)]))]),
    "eml": lambda d: make_formats.eml(d, "list.csv"), "mbox": mbox,
    "base64": base64.encodebytes, "hex": lambda d: d.hex().encode(),
}


def texts(rows):
    """Format -> text, in which ENC stands for the encoding's name."""
    records = [dict(zip(rows[0], row)) for row in rows[1:]]
    cards = "".join(
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{r[0]}\r\nFN:{r[1]}\r\n"
        f"X-PHONETIC-FIRST-NAME:{r[2]}\r\nBDAY:{r[4]}\r\nADR:;;{r[6]};;;"
        f"{r[5]};\r\nTEL:{r[7]}\r\nEMAIL:{r[8]}\r\nEND:VCARD\r\n"
        for r in rows[1:])
    return {
        "json": json.dumps({"customers": records}, ensure_ascii=False,
                           indent=1),
        "ndjson": "".join(json.dumps(r, ensure_ascii=False) + "\n"
                          for r in records),
        "arrays.json": json.dumps({"rows": rows}, ensure_ascii=False),
        "xml": '<?xml version="1.0" encoding="ENC"?>\n<customers>' + "".join(
            "<customer>" + "".join(f"<{t}>{escape(c)}</{t}>"
                                   for t, c in zip(TAGS, row)) + "</customer>\n"
            for row in rows[1:]) + "</customers>",
        "html": '<html><head><meta charset="ENC"></head><body><table>'
        + "".join("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row)
                  + "</tr>\n" for row in rows) + "</table></body></html>",
        "sql": make_formats.sql(rows), "copy.sql": make_formats.sql(rows, True),
        "vcf": cards,
    }


def sqlite_of(rows, encoding):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list"
        make_formats.sqlite(rows, path, encoding)
        return path.read_bytes()


def ldif(rows):
    def value(name, text):
        return f"{name}:: {base64.b64encode(text.encode()).decode()}\n"
    return "version: 1\n\n" + "".join(
        f"dn: uid={r[0]},dc=example\nobjectClass: person\n" + value("cn", r[1])
        + value("postalAddress", r[6]) + f"telephoneNumber: {r[7]}\n"
        f"mail: {r[8]}\n\n" for r in rows[1:])


def documents(rows):
    """Formats that have an encoding of their own."""
    return {
        "xlsx": make_formats.xlsx(rows),
        "inline.xlsx": make_formats.xlsx(rows, shared=False),
        "docx": make_formats.docx(rows), "pptx": make_formats.pptx(rows),
        "ods": make_formats.odf(rows, "spreadsheet", "spreadsheet"),
        "odt": make_formats.odf(rows, "text", "text"),
        "xls": make_formats.xls(rows), "doc": make_formats.doc(rows),
        "rtf": make_formats.rtf(rows), "ldif": ldif(rows).encode(),
        "sqlite": sqlite_of(rows, "UTF-8"),
        "utf16.sqlite": sqlite_of(rows, "UTF-16le"),
        "utf16be.sqlite": sqlite_of(rows, "UTF-16be"),
        "pdf": make_formats.Pdf(rows, "identity").plain(),
        "packed.pdf": make_formats.Pdf(rows, "identity").packed(),
        "cp932.pdf": make_formats.Pdf(rows, "cp932").plain(),
        "utf16.pdf": make_formats.Pdf(rows, "utf-16-be").plain(),
        "xlsx.zip": make_formats.pack([("顧客.xlsx", make_formats.xlsx(rows))]),
        "xlsx.eml": make_formats.eml(make_formats.xlsx(rows), "list.xlsx"),
    }


def people(rng, count):
    """Header and rows, and how many values of each type."""
    columns = corpus.SCHEMAS["customers"].split()
    rows = [[corpus.COLUMNS[c][0] for c in columns]]
    types = {}
    for person in subjects.subjects(rng, count):
        row = [person[c].replace("\n", " ") for c in columns]
        rows.append(row)
        for column, value in zip(columns, row):
            kind = corpus.COLUMNS[column][2]
            if value and kind:
                types[kind] = types.get(kind, 0) + 1
    return rows, types


def case(shape, data, count, types, encoding="of its own"):
    limit = PDF_LIMIT if shape.endswith("pdf") else 0.02
    counted = {} if shape in ("vcf", "ldif") or limit > 0.02 else types
    return corpus.Case(f"{shape}.{encoding}.{count}", data, count, counted,
                       encoding=encoding, dialect="format", limit=limit,
                       shape=shape)


def cases(rng, short):
    count = 120 if short else 400
    rows, types = people(rng, count)
    for shape, data in documents(rows).items():
        yield case(shape, data, count, types)
    written = texts(rows)
    plain = io.StringIO(newline="")
    csv.writer(plain).writerows(rows)
    for encoding in corpus.ENCODINGS:
        if short and encoding not in ("utf-8", "cp932", "utf-16-le"):
            continue
        data = corpus.encode(plain.getvalue(), encoding)
        yield case("csv", data, count, types, encoding)
        for shape, wrap in CONTAINERS.items():
            packed = wrap(data)
            if packed:
                yield case(shape, packed, count, types, encoding)
        if encoding == "mixed":
            continue  # of lines; these have none, or say which one they have
        for shape, text in written.items():
            text = text.replace("ENC", NAMES[encoding], 1)
            yield case(shape, corpus.encode(text, encoding), count, types,
                       encoding)
