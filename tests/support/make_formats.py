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
import struct
import tarfile
import zipfile
import zlib
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
    names = ["memberid", "name", "kana", "sex", "birthday", "zip", "address", "tel", "email", "note"]
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


def number_7z(value):
    if value < 0x80:
        return bytes([value])
    return b"\xff" + struct.pack("<Q", value)


def seven_zip(data, name="list.csv", dictionary=0x10, unpacked=None):
    """One file, LZMA2; `dictionary` is the byte of its properties."""
    size = len(data) if unpacked is None else unpacked
    packed = lzma.compress(data, format=lzma.FORMAT_RAW, filters=[
        {"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}])
    names = b"\0" + (name + "\0").encode("utf-16le")
    header = (b"\x01\x04\x06\0\x01\x09" + number_7z(len(packed)) + b"\0"
              + b"\x07\x0b\x01\0\x01\x21\x21\x01" + bytes([dictionary])
              + b"\x0c" + number_7z(size) + b"\0"
              + b"\x08\x0a\x01" + struct.pack("<I", zlib.crc32(data)) + b"\0\0"
              + b"\x05\x01\x11" + number_7z(len(names)) + names + b"\0\0")
    start = struct.pack("<QQI", len(packed), len(header), zlib.crc32(header))
    return (b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack("<I", zlib.crc32(start))
            + start + packed + header)


def rtf(rows):
    def text(cell):
        return "".join(c if c.isascii() and c not in "\\{}" else f"\\u{(ord(c) + 32768) % 65536 - 32768}?" for c in cell)

    return ("{\\rtf1\\ansi\\ansicpg932{\\fonttbl{\\f0 MS Gothic;}}\n" + "\n".join(
        "\\trowd " + "".join(text(cell) + "\\cell " for cell in row) + "\\row" for row in rows) + "}").encode()


def compound(streams):
    """A compound file [MS-CFB] with 512-byte sectors; short streams are padded
    to where they need no mini stream."""
    sector = 512
    data, fat, entries = b"", [], []
    for name, content in streams:
        content += bytes(max(0, 4096 - len(content)))
        start = len(fat)
        count = -(-len(content) // sector)
        fat += list(range(start + 1, start + count)) + [0xFFFFFFFE]
        data += content + bytes(count * sector - len(content))
        entries.append((name, 2, start, len(content)))
    directory_start = len(fat)
    directory = b""
    entries.insert(0, ("Root Entry", 5, 0xFFFFFFFE, 0))
    for i, (name, kind, start, size) in enumerate(entries):
        wide = (name + "\0").encode("utf-16le")
        right = i + 1 if 0 < i < len(entries) - 1 else 0xFFFFFFFF
        child = 1 if i == 0 else 0xFFFFFFFF
        directory += (wide + bytes(64 - len(wide)) + struct.pack("<HBBIII", len(wide), kind, 1, 0xFFFFFFFF, right, child)
                      + bytes(36) + struct.pack("<IQ", start, size))
    directory += bytes(-len(directory) % sector)
    count = len(directory) // sector
    fat += list(range(directory_start + 1, directory_start + count)) + [0xFFFFFFFE]
    data += directory
    tables = 1
    while tables * 128 < len(fat) + tables:
        tables += 1
    first = len(fat)
    fat += [0xFFFFFFFD] * tables
    fat += [0xFFFFFFFF] * (tables * 128 - len(fat))
    data += struct.pack(f"<{len(fat)}I", *fat)
    numbers = list(range(first, first + tables)) + [0xFFFFFFFF] * (109 - tables)
    header = (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
              + struct.pack("<IIIIIIIIII", 0, tables, directory_start, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, numbers[0])
              + struct.pack("<108I", *numbers[1:]))
    return header + data


def xls(rows):
    def record(kind, content):
        return struct.pack("<HH", kind, len(content)) + content

    strings, numbers = [], {}
    sheet = record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0))
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            if cell == "":
                continue
            day = serial(cell)
            if day is not None and r % 2:
                sheet += record(0x203, struct.pack("<HHHd", r, c, 1, day))
            elif day is not None:
                sheet += record(0x27E, struct.pack("<HHHI", r, c, 1, day << 2 | 2))
            else:
                number = numbers.setdefault(cell, len(strings))
                if number == len(strings):
                    strings.append(cell)
                sheet += record(0xFD, struct.pack("<HHHI", r, c, 0, number))
    sheet += record(0x0A, b"")
    # The table of strings goes on in Continue records, cut within characters.
    blocks, block = [], struct.pack("<II", len(strings), len(strings))
    for text in strings:
        wide = not text.isascii()
        head = struct.pack("<HB", len(text), int(wide))
        if len(block) + len(head) + 2 > 8000:
            blocks.append(block)
            block = b""
        block += head
        for c in text:
            raw = c.encode("utf-16le") if wide else c.encode()
            if len(block) + len(raw) > 8000:
                blocks.append(block)
                block = bytes([int(wide)])
            block += raw
    blocks.append(block)
    sst = record(0xFC, blocks[0]) + b"".join(record(0x3C, b) for b in blocks[1:])
    name = "顧客".encode("utf-16le")
    front = (record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0)) + record(0x22, b"\0\0")
             + record(0xE0, struct.pack("<HH", 0, 0) + bytes(16)) + record(0xE0, struct.pack("<HH", 0, 14) + bytes(16)))
    bound = 4 + 8 + len(name)
    begin = len(front) + bound + len(sst) + 4
    globals_ = front + record(0x85, struct.pack("<IBBBB", begin, 2, 0, 2, 1) + name) + sst + record(0x0A, b"")
    return compound([("Workbook", globals_ + sheet)])


def doc(rows):
    text = "名簿\r" + "".join("".join(cell + "\x07" for cell in row) + "\x07" for row in rows) + "以上\r"
    raw = text.encode("utf-16le")
    fib = bytearray(0x400)
    struct.pack_into("<H", fib, 0, 0xA5EC)
    struct.pack_into("<H", fib, 10, 0x200)
    clx = b"\x02" + struct.pack("<I", 16) + struct.pack("<II", 0, len(text)) + struct.pack("<HIH", 0, 0x400, 0)
    struct.pack_into("<II", fib, 0x1A2, 0, len(clx))
    return compound([("WordDocument", bytes(fib) + raw), ("1Table", clx)])


class Pdf:
    """A PDF with a table of 40 rows a page, each cell placed by itself."""

    COLUMNS = [0, 60, 130, 200, 220, 290, 340, 560, 640, 760]

    def __init__(self, rows, encoding):
        self.encoding, self.objects = encoding, [b""] * 4
        self.codes = {}
        pages = []
        for begin in range(1, len(rows), 40):
            content = "BT /F1 6 Tf 1 0 0 1 30 810 Tm " + self.show("顧客名簿") + " Tj ET\n"
            for r, row in enumerate([rows[0]] + rows[begin:begin + 40]):
                for c, cell in enumerate(row):
                    if cell:
                        content += f"BT /F1 6 Tf 1 0 0 1 {30 + self.COLUMNS[c]} {780 - r * 14} Tm {self.cell(cell)} ET\n"
            pages.append(self.add(self.stream(b"", content.encode())))
        numbers = [self.add(f"<</Type/Page/Parent 2 0 R/Contents {n} 0 R>>".encode()) for n in pages]
        self.objects[0] = b"<</Type/Catalog/Pages 2 0 R>>"
        kids = " ".join(f"{n} 0 R" for n in numbers)
        self.objects[1] = (f"<</Type/Pages/Count {len(numbers)}/Kids[{kids}]/MediaBox[0 0 1200 842]"
                           "/Resources<</Font<</F1 3 0 R>>>>>>").encode()
        cmap = {"identity": "Identity-H", "cp932": "90ms-RKSJ-H", "utf-16-be": "UniJIS-UTF16-H"}[encoding]
        map_ = " /ToUnicode 4 0 R" if encoding == "identity" else ""
        self.objects[2] = (f"<</Type/Font/Subtype/Type0/BaseFont/Gothic/Encoding/{cmap}"
                           f"/DescendantFonts[<</Type/Font/Subtype/CIDFontType2/BaseFont/Gothic>>]{map_}>>").encode()
        self.objects[3] = self.stream(b"", self.to_unicode().encode())

    def show(self, text):
        if self.encoding != "identity":
            return "<" + text.encode(self.encoding, "replace").hex() + ">"
        return "<" + "".join(f"{self.codes.setdefault(c, len(self.codes) + 3):04x}" for c in text) + ">"

    def cell(self, text):
        if len(text) < 4:
            return self.show(text) + " Tj"
        return f"[{self.show(text[:2])} -20 {self.show(text[2:])}] TJ"

    def to_unicode(self):
        lines = [f"<{code:04x}> <{c.encode('utf-16-be').hex()}>" for c, code in self.codes.items()]
        half = len(lines) // 2
        ranges = "".join(f"{line.split()[0]} {line}\n" for line in lines[half:])
        return ("1 begincodespacerange <0000> <ffff> endcodespacerange\n"
                + "100 beginbfchar\n" + "\n".join(lines[:half]) + "\nendbfchar\n100 beginbfrange\n" + ranges + "endbfrange\n")

    def stream(self, extra, data):
        packed = zlib.compress(data)
        return b"<<" + extra + b"/Filter/FlateDecode/Length " + str(len(packed)).encode() + b">>stream\n" + packed + b"\nendstream"

    def add(self, body):
        self.objects.append(body)
        return len(self.objects)

    def plain(self):
        out = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
        for number, body in enumerate(self.objects, 1):
            out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
        return out + b"trailer<</Root 1 0 R>>\nstartxref\n0\n%%EOF\n"

    def packed(self):
        """Objects without a stream stand in an object stream."""
        out, inner = b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n", []
        for number, body in enumerate(self.objects, 1):
            if b"stream\n" in body:
                out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
            else:
                inner.append((number, body))
        offsets, data = [], b""
        for number, body in inner:
            offsets.append(f"{number} {len(data)}")
            data += body + b"\n"
        head = (" ".join(offsets) + "\n").encode()
        number = len(self.objects) + 1
        extra = f"/Type/ObjStm/N {len(inner)}/First {len(head)}".encode()
        return out + f"{number} 0 obj\n".encode() + self.stream(extra, head + data) + b"\nendobj\nstartxref\n0\n%%EOF\n"


def write_all(rows, out):
    csv_bytes = io.StringIO()
    csv.writer(csv_bytes).writerows(rows)
    csv_bytes = csv_bytes.getvalue().encode()
    records = [dict(zip(rows[0], row)) for row in rows[1:]]
    tags = ["memberid", "name", "kana", "sex", "birthday", "zip", "address", "tel", "email", "note"]
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
        "pdf": Pdf(rows, "identity").plain(),
        "packed.pdf": Pdf(rows, "identity").packed(),
        "cp932.pdf": Pdf(rows, "cp932").plain(),
        "utf16.pdf": Pdf(rows, "utf-16-be").plain(),
        "xls": xls(rows),
        "doc": doc(rows),
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
