#!/usr/bin/env python3
"""Writes one list of people in many formats, with nothing but the standard
library: for tests that say "the format changes nothing".

  make_formats.py --csv customers.csv --out DIR

`--csv` is a UTF-8 CSV with a header. Each file is named FORMAT.bin or by what it
shows (xlsx, ods, ...); the names do not matter to what reads them.
"""

import argparse
import base64
import bz2
import csv
import datetime
import gzip
import html
import io
import json
import lzma
import pathlib
import sqlite3
import tarfile
import zipfile
from xml.sax.saxutils import escape, quoteattr


def column(number):
    name = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(65 + rest) + name
    return name


def pack(entries, stored=()):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            if isinstance(content, str):
                content = content.encode()
            kind = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=kind)
    return out.getvalue()


def serial(text):
    """Day number of 1980/01/31 as a workbook counts; None if it is no date."""
    try:
        day = datetime.datetime.strptime(text, "%Y/%m/%d")
    except ValueError:
        return None
    return (day - datetime.datetime(1899, 12, 30)).days


XLSX_TYPES = """<?xml version="1.0" encoding="UTF-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/xml"/></Types>"""
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def xlsx(rows, shared=True, state="visible"):
    strings, numbers = [], {}
    sheet = io.StringIO()
    sheet.write(f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><worksheet {MAIN}><sheetData>')
    for r, row in enumerate(rows):
        sheet.write(f'<row r="{r + 1}">')
        for c, cell in enumerate(row):
            if cell == "":
                continue
            ref = f"{column(c)}{r + 1}"
            day = serial(cell)
            if day is not None:
                sheet.write(f'<c r="{ref}" s="1"><v>{day}</v></c>')
            elif shared:
                number = numbers.setdefault(cell, len(strings))
                if number == len(strings):
                    strings.append(cell)
                sheet.write(f'<c r="{ref}" t="s"><v>{number}</v></c>')
            else:
                sheet.write(f'<c r="{ref}" t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>')
        sheet.write("</row>")
    sheet.write("</sheetData></worksheet>")
    sst = "".join(
        f"<si><r><t>{escape(s[:1])}</t></r><r><t>{escape(s[1:])}</t></r><rPh sb=\"0\" eb=\"1\"><t>ヨミ</t></rPh></si>"
        if i % 50 == 7 else f'<si><t xml:space="preserve">{escape(s)}</t></si>'
        for i, s in enumerate(strings))
    return pack([
        ("[Content_Types].xml", XLSX_TYPES),
        ("_rels/.rels", '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"/>'),
        ("xl/workbook.xml",
         f'<?xml version="1.0"?><workbook {MAIN} xmlns:r="{REL}"><sheets>'
         f'<sheet name="顧客一覧" sheetId="1" state="{state}" r:id="rId1"/></sheets></workbook>'),
        ("xl/_rels/workbook.xml.rels",
         '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
         f'<Relationship Id="rId1" Type="{REL}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'),
        ("xl/worksheets/sheet1.xml", sheet.getvalue()),
        ("xl/styles.xml",
         f'<?xml version="1.0"?><styleSheet {MAIN}><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy&quot;年&quot;m"/></numFmts>'
         '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs></styleSheet>'),
        ("xl/sharedStrings.xml", f'<?xml version="1.0"?><sst {MAIN}>{sst}</sst>'),
    ])


def docx(rows, people_as_lines=False):
    w = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'

    def paragraph(text):
        return f"<w:p><w:r><w:t>{escape(text[:2])}</w:t></w:r><w:r><w:t xml:space=\"preserve\">{escape(text[2:])}</w:t></w:r></w:p>"

    body = paragraph("お客様名簿（社外秘）")
    if people_as_lines:
        body += "".join(paragraph("、".join(row)) for row in rows)
    else:
        table = "".join(
            "<w:tr>" + "".join(f"<w:tc><w:tcPr/>{paragraph(cell)}</w:tc>" for cell in row) + "</w:tr>"
            for row in rows)
        body += f"<w:tbl><w:tblPr/>{table}</w:tbl>"
    return pack([
        ("[Content_Types].xml", XLSX_TYPES),
        ("_rels/.rels", '<?xml version="1.0"?><Relationships xmlns="x"/>'),
        ("word/document.xml", f'<?xml version="1.0"?><w:document {w}><w:body>{body}</w:body></w:document>'),
        ("word/media/image1.png", b"\x89PNG\r\n\x1a\n" + bytes(100)),
    ])


def pptx(rows):
    a = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
    slides = []
    for begin in range(1, len(rows), 40):
        table = "".join(
            '<a:tr h="1">' + "".join(f"<a:tc><a:txBody><a:p><a:r><a:t>{escape(cell)}</a:t></a:r></a:p></a:txBody></a:tc>" for cell in row) + "</a:tr>"
            for row in [rows[0]] + rows[begin:begin + 40])
        slides.append((f"ppt/slides/slide{len(slides) + 1}.xml",
                       f'<?xml version="1.0"?><p:sld {a}><p:cSld><a:tbl>{table}</a:tbl></p:cSld></p:sld>'))
    return pack([("[Content_Types].xml", XLSX_TYPES), ("_rels/.rels", "<?xml version=\"1.0\"?><Relationships/>"),
                 ("ppt/presentation.xml", "<?xml version=\"1.0\"?><presentation/>")] + slides)


ODF = ('xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
       'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"')


def odf(rows, mime, root, encrypted=False):
    def cell(text):
        day = serial(text)
        if day is not None:
            return (f'<table:table-cell office:value-type="date" office:date-value="{text.replace("/", "-")}">'
                    f"<text:p>{text[2:]}</text:p></table:table-cell>")
        return f'<table:table-cell office:value-type="string"><text:p>{escape(text)}</text:p></table:table-cell>'

    table = "".join("<table:table-row>" + "".join(cell(c) for c in row) +
                    '<table:table-cell table:number-columns-repeated="1000"/></table:table-row>' for row in rows)
    content = (f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {ODF}><office:body><office:{root}>'
               f'<text:p>名簿</text:p><table:table table:name="顧客">{table}</table:table></office:{root}></office:body></office:document-content>')
    secret = "<manifest:encryption-data/>" if encrypted else ""
    return pack([
        ("mimetype", f"application/vnd.oasis.opendocument.{mime}"),
        ("META-INF/manifest.xml", '<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
         f'<manifest:file-entry manifest:full-path="content.xml">{secret}</manifest:file-entry></manifest:manifest>'),
        ("content.xml", content),
    ], stored=("mimetype",))


def sql(rows, copy=False):
    names = ["no", "name", "kana", "sex", "birthday", "zip", "address", "tel", "email", "note"]
    head = f"-- dump\nCREATE TABLE customers ({', '.join(n + ' text' for n in names[:len(rows[0])])});\n"
    if copy:
        return head + f"COPY public.customers ({', '.join(names[:len(rows[0])])}) FROM stdin;\n" + "".join(
            "\t".join(cell or "\\N" for cell in row) + "\n" for row in rows[1:]) + "\\.\n"
    out = head
    for begin in range(1, len(rows), 100):
        values = ",".join("(" + ",".join("'" + cell.replace("'", "''") + "'" for cell in row) + ")" for row in rows[begin:begin + 100])
        out += f"INSERT INTO `customers` VALUES {values};\n"
    return out


def sqlite(rows, path, encoding="UTF-8"):
    path.unlink(missing_ok=True)
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA encoding = '{encoding}'")
    db.execute("CREATE TABLE customers (" + ", ".join(f'"{name}" TEXT' for name in rows[0]) + ")")
    db.executemany("INSERT INTO customers VALUES (" + ",".join("?" * len(rows[0])) + ")", rows[1:])
    db.execute("CREATE TABLE settings (key TEXT PRIMARY KEY, value) WITHOUT ROWID")
    db.execute("INSERT INTO settings VALUES ('version', 3)")
    db.execute("CREATE INDEX byname ON customers(\"" + rows[0][1] + "\")")
    db.commit()
    db.close()


def eml(attachment, name):
    body = base64.encodebytes(attachment).decode()
    return ("From: =?UTF-8?B?" + base64.b64encode("総務部".encode()).decode() + "?= <info@example.co.jp>\r\n"
            "To: info@example.jp\r\nSubject: list\r\nMIME-Version: 1.0\r\n"
            "Content-Type: multipart/mixed; boundary=\"=_cut\"\r\n\r\npreamble\r\n--=_cut\r\n"
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
            "=E5=90=8D=E7=B0=BF=E3=81=A7=E3=81=99\r\n--=_cut\r\n"
            f"Content-Type: application/octet-stream; name=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            f"{body}\r\n--=_cut--\r\n").encode()


def tar(entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in entries:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def rtf(rows):
    def text(cell):
        return "".join(c if c.isascii() and c not in "\\{}" else f"\\u{(ord(c) + 32768) % 65536 - 32768}?" for c in cell)

    return ("{\\rtf1\\ansi\\ansicpg932{\\fonttbl{\\f0 MS Gothic;}}\n" + "\n".join(
        "\\trowd " + "".join(text(cell) + "\\cell " for cell in row) + "\\row" for row in rows) + "}").encode()


def write_all(rows, out):
    csv_bytes = io.StringIO()
    csv.writer(csv_bytes).writerows(rows)
    csv_bytes = csv_bytes.getvalue().encode()
    records = [dict(zip(rows[0], row)) for row in rows[1:]]
    tags = ["no", "name", "kana", "sex", "birthday", "zip", "address", "tel", "email", "note"]
    files = {
        "csv": csv_bytes,
        "xlsx": xlsx(rows),
        "inline.xlsx": xlsx(rows, shared=False),
        "hidden.xlsx": xlsx(rows, state="veryHidden"),
        "docx": docx(rows),
        "pptx": pptx(rows),
        "ods": odf(rows, "spreadsheet", "spreadsheet"),
        "odt": odf(rows, "text", "text"),
        "json": json.dumps({"customers": records}, ensure_ascii=False, indent=1).encode(),
        "escaped.json": json.dumps(records).encode(),
        "ndjson": "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records).encode(),
        "arrays.json": json.dumps({"rows": rows}, ensure_ascii=False).encode(),
        "xml": ('<?xml version="1.0" encoding="UTF-8"?>\n<customers>' + "".join(
            "<customer>" + "".join(f"<{t}>{escape(c)}</{t}>" for t, c in zip(tags, row)) + "</customer>\n"
            for row in rows[1:]) + "</customers>").encode(),
        "attributes.xml": ("<?xml version='1.0'?><list>" + "".join(
            "<customer " + " ".join(f"{t}={quoteattr(c)}" for t, c in zip(tags, row)) + "/>" for row in rows[1:]) + "</list>").encode(),
        "html": ("<!DOCTYPE html><html><head><title>list</title></head><body><p>名簿<table>" + "".join(
            "<tr>" + "".join(f"<td>{html.escape(c)}" for c in row) for row in rows) + "</table></body></html>").encode(),
        "entities.html": ("<html><body><table>" + "".join(
            "<tr>" + "".join("<td>" + "".join(f"&#x{ord(x):x};" for x in c) + "</td>" for c in row) + "</tr>" for row in rows)
            + "</table></body></html>").encode(),
        "sql": sql(rows).encode(),
        "copy.sql": sql(rows, copy=True).encode(),
        "rtf": rtf(rows),
        "zip": pack([("名簿/顧客.csv", csv_bytes)]),
        "xlsx.zip": pack([("a.txt", "読んでください"), ("顧客.xlsx", xlsx(rows))]),
        "tar": tar([("customers.csv", csv_bytes)]),
        "csv.gz": gzip.compress(csv_bytes),
        "tar.gz": gzip.compress(tar([("customers.csv", csv_bytes)])),
        "csv.bz2": bz2.compress(csv_bytes),
        "csv.xz": lzma.compress(csv_bytes),
        "xlsx.tar.xz": lzma.compress(tar([("a/customers.xlsx", xlsx(rows))])),
        "zip.zip.gz": gzip.compress(pack([("in.zip", pack([("顧客.csv", csv_bytes)]))])),
        "eml": eml(xlsx(rows), "list.xlsx"),
        "csv.eml": eml(csv_bytes, "list.csv"),
    }
    for name, content in files.items():
        (out / name).write_bytes(content)
    sqlite(rows, out / "sqlite")
    sqlite(rows, out / "utf16.sqlite", "UTF-16le")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--csv", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    with open(args.csv, encoding="utf-8-sig", newline="") as file:
        write_all(list(csv.reader(file)), out)


if __name__ == "__main__":
    main()
