"""Texts: what has no end, no line, or no sense."""

import base64
import random

import make_formats
from sample import PEOPLE, Sample, csv_of, rows

MEGABYTE = 1 << 20


def samples(seed):
    rng = random.Random(seed)
    text = csv_of(rows(10))
    yield Sample("quote-without-end.csv", ('"' + "a,b\n" * 3_000_000).encode())
    yield Sample("quote-then-people.csv", ('"a' + "\n" * 5 + text).encode(),
                 persons=PEOPLE, short=True)
    yield Sample("quotes.csv", b'"' * (4 * MEGABYTE), short=True)
    yield Sample("quoted-fields.csv", b'"",' * (3 * MEGABYTE))
    yield Sample("one-line.csv", b"a" * (48 * MEGABYTE))
    yield Sample("one-line-of-cells.csv", b"a," * (16 * MEGABYTE))
    yield Sample("columns.csv", (",".join(f"c{i}" for i in range(300_000))
                                 + "\n").encode() * 5)
    yield Sample("lines.csv", b"\n" * (24 * MEGABYTE))
    yield Sample("delimiters.csv", b",;|\t^" * (3 * MEGABYTE))
    yield Sample("ragged.csv", b"".join(b"," * (i % 3000) + b"\n"
                                        for i in range(6000)))
    yield Sample("headers.csv", ("氏名,電話番号,住所\n" * 300_000).encode())
    for name, unit in (("digits", b"0123456789"), ("hyphens", b"090-"),
                       ("ats", b"a@"), ("dots", b"a@b."), ("slashes", b"1/"),
                       ("brackets", b"03("), ("plus", b"+81"),
                       ("spaces", b" "), ("colons", b"a: "),
                       ("surnames", "佐藤".encode()),
                       ("honorifics", "佐藤様".encode()),
                       ("addresses", "東京都千代田区".encode()),
                       ("kana", "サトウ ".encode()),
                       ("marks", "゛".encode()), ("zero", "\u200b".encode()),
                       ("combining", "か\u3099\u3099".encode()),
                       ("era", "昭和".encode()), ("wide", "０９０－".encode()),
                       ("brackets2", "（".encode()),
                       ("reading", "氏名：".encode())):
        yield Sample(f"repeat.{name}.txt", unit * (6 * MEGABYTE // len(unit)),
                     short=name in ("ats", "surnames", "digits", "era"))
    for name, data in (
            ("surrogates.utf16", b"\xff\xfe" + b"\0\xd8" * MEGABYTE),
            ("odd.utf16", b"\xff\xfe" + text.encode("utf-16-le")[:-1]),
            ("escapes.jis", b"\x1b$B" * MEGABYTE),
            ("escape-without-end.jis", b"\x1b$B" + b"!" * MEGABYTE),
            ("overlong.utf8", b"\xc0\xaf\xe0\x80\xaf" * 400_000),
            ("cut.utf8", "漢".encode()[:2] * MEGABYTE),
            ("lead.cp932", b"\x81" * MEGABYTE), ("high", b"\xff" * MEGABYTE),
            ("noise", rng.randbytes(4 * MEGABYTE)),
            ("controls", bytes(range(1, 32)) * 60_000),
            ("zeros", bytes(16 * MEGABYTE)), ("empty", b""), ("one", b"\0")):
        yield Sample(f"bytes.{name}", data, short=len(data) < 3 * MEGABYTE)
    for name, data in (
            ("arrays", b"[" * 2_000_000), ("objects", b'{"a":' * 500_000),
            ("string", b'["' + b"a" * 8_000_000),
            ("escapes", b'["' + b"\\u5b57" * 500_000 + b'"]'),
            ("keys", b"{" + b",".join(b'"k%d":%d' % (i, i)
                                      for i in range(300_000)) + b"}"),
            ("records", b"[" + b",".join(b'{"k%d":"a"}' % i
                                         for i in range(200_000)) + b"]"),
            ("numbers", b"[" + b"1" * 4_000_000 + b",2]"),
            ("mixed", b'[{"a":[' * 200_000)):
        yield Sample(f"{name}.json", data, short=name in ("arrays", "objects"))
    for name, data in (
            ("cells", b"<html><table>" + b"<td>" * 1_000_000),
            ("tables", b"<html>" + b"<table><tr><td>" * 300_000),
            ("entities", b"<html><body>" + b"&#x5b57;" * 500_000),
            ("entity", b"<html>&" + b"a" * 3_000_000),
            ("comment", b"<html><!--" + b"-" * 3_000_000),
            ("script", b"<html><script>" + b"</scrip" * 500_000),
            ("attribute", b"<html><a b=\"" + b"x" * 3_000_000)):
        yield Sample(f"{name}.html", data, short=name in ("cells", "tables"))
    insert = "INSERT INTO a VALUES "
    for name, data in (
            ("values", insert + "(1)," * 1_000_000),
            ("columns", insert + "(" + "1," * 1_000_000),
            ("string", insert + "('" + "a" * 5_000_000),
            ("backslashes", insert + "('" + "\\" * 3_000_000),
            ("comment", insert + "/*" + "*" * 3_000_000),
            ("copy", "COPY a (b) FROM stdin;\n" + "\t" * 3_000_000),
            ("names", "CREATE TABLE t (" + "a int," * 300_000 + "b int);\n"
             + insert + "(1);")):
        yield Sample(f"{name}.sql", data.encode(), short=name == "columns")
    mail = ("From: a@example.jp\r\nTo: b@example.jp\r\nSubject: x\r\n"
            "MIME-Version: 1.0\r\nContent-Type: ")
    nested = "".join(f'multipart/mixed; boundary="b{i}"\r\n\r\n--b{i}\r\n'
                     "Content-Type: " for i in range(3000))
    messages = "message/rfc822\r\n\r\nFrom: a@example.jp\r\nContent-Type: " * 3000
    for name, data in (
            ("multiparts", mail + nested), ("messages", mail + messages),
            ("boundaries", mail + "multipart/mixed; boundary=b\r\n\r\n"
             + "--b\r\n\r\n" * 200_000),
            ("header", mail + "text/plain\r\nX: " + "a" * 8_000_000),
            ("headers", mail + "text/plain\r\n" + "X: y\r\n" * 500_000),
            ("words", "From: " + "=?utf-8?B?5a2X?= " * 200_000 + "\r\n"
             + mail + "text/plain\r\n\r\n"),
            ("base64", mail + "text/plain\r\nContent-Transfer-Encoding: base64"
             "\r\n\r\n" + "A" * 8_000_000),
            ("printable", mail + "text/plain\r\nContent-Transfer-Encoding: "
             "quoted-printable\r\n\r\n" + "=\r\n" * 1_000_000)):
        yield Sample(f"{name}.eml", data.encode(),
                     short=name in ("multiparts", "messages"))
    data = text.encode()
    for i in range(30):
        data = base64.encodebytes(data) if i < 12 else data
    yield Sample("twelve-times.base64", data)
    yield Sample("base64", base64.encodebytes(text.encode()), persons=PEOPLE,
                 short=True)
    yield Sample("cards.vcf", b"BEGIN:VCARD\r\n" * 300_000)
    yield Sample("fields.vcf", b"BEGIN:VCARD\r\n" + b"TEL:1\r\n" * 300_000)
    yield Sample("folded.ldif", b"dn: a\nobjectclass: b\ncn: " + b"\n a"
                 * 1_000_000)
    yield Sample("people.eml", make_formats.eml(text.encode(), "a.csv"),
                 persons=PEOPLE, short=True)
