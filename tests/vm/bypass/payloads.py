"""Lists of people in every disguise of content.py's rows. Runs on the host."""

from __future__ import annotations

import base64
import bz2
import csv
import gzip
import io
import random
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Callable

_SUPPORT = Path(__file__).resolve().parents[2] / "support"
sys.path.insert(0, str(_SUPPORT))

import make_formats  # noqa: E402
import people  # noqa: E402

Rows = list[dict[str, str]]


def make_people(count: int, seed: int) -> Rows:
    return people.people(count, seed)


def text_of(rows: Rows) -> str:
    return people.to_csv(rows)


def make(form: str, rows: Rows, seed: int) -> bytes:
    """The list in that form; "" is a UTF-8 CSV."""
    return FORMS[form](rows, random.Random(seed))


def _table(rows: Rows) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text_of(rows))))


def _utf8(rows: Rows, _: random.Random) -> bytes:
    return text_of(rows).encode()


def _zip(rows: Rows, _: random.Random) -> bytes:
    return make_formats.pack([("list.csv", text_of(rows))])


def _nested(rows: Rows, _: random.Random) -> bytes:
    data = text_of(rows).encode()
    for depth in range(5):
        data = make_formats.pack([(f"level{depth}.zip", data)])
    return data


def zip_crypto(data: bytes, password: bytes, rng: random.Random) -> bytes:
    """Traditional PKWARE encryption (APPNOTE.TXT 6.1) of one deflated file."""
    packed = zlib.compress(data)[2:-4]
    crc = zlib.crc32(data)
    keys = [0x12345678, 0x23456789, 0x34567890]

    def step(byte: int) -> None:
        # zlib.crc32 with its conditioning taken off is the plain table step.
        keys[0] = zlib.crc32(bytes([byte]), keys[0] ^ 0xFFFFFFFF) ^ 0xFFFFFFFF
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = zlib.crc32(bytes([keys[1] >> 24]),
                             keys[2] ^ 0xFFFFFFFF) ^ 0xFFFFFFFF

    for byte in password:
        step(byte)
    plain = rng.randbytes(11) + bytes([crc >> 24]) + packed
    cipher = bytearray()
    for byte in plain:
        temp = (keys[2] | 2) & 0xFFFF
        cipher.append(byte ^ (temp * (temp ^ 1) >> 8 & 0xFF))
        step(byte)
    name = b"list.csv"
    common = struct.pack("<5H3I2H", 20, 1, 8, 0, 0x21, crc, len(cipher),
                         len(data), len(name), 0)
    local = b"PK\3\4" + common + name + bytes(cipher)
    central = (b"PK\1\2" + struct.pack("<H", 20) + common +
               struct.pack("<3H2I", 0, 0, 0, 0, 0) + name)
    return local + central + b"PK\5\6" + struct.pack(
        "<4H2IH", 0, 0, 1, 1, len(central), len(local), 0)


def _encrypted_zip(rows: Rows, rng: random.Random) -> bytes:
    return zip_crypto(text_of(rows).encode(), b"secret", rng)


def _hex(rows: Rows, _: random.Random) -> bytes:
    return text_of(rows).encode().hex().encode()


def _reversed(rows: Rows, _: random.Random) -> bytes:
    return "\n".join(line[::-1] for line in
                     text_of(rows).splitlines()).encode()


def _shifted(rows: Rows, _: random.Random) -> bytes:
    """Each letter moved by hand: an encoding somebody made himself."""
    def moved(letter: str) -> str:
        if letter in "0123456789":
            return "QWERTYUIOP"[int(letter)]
        return chr(ord(letter) + 3) if ord(letter) > 0x3000 else letter

    return "".join(map(moved, text_of(rows))).replace("@", "!").encode()


def _jpeg_named(rows: Rows, _: random.Random) -> bytes:
    """Begins as a picture and goes on as a list."""
    return b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + \
        text_of(rows).encode()


def png(rows: Rows) -> bytes:
    """A picture whose pixels are the list, as a photographed screen's are."""
    data = text_of(rows).encode()
    width = 256
    lines = [data[i:i + width].ljust(width, b"\0")
             for i in range(0, len(data), width)]
    raw = b"".join(b"\0" + line for line in lines)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (struct.pack(">I", len(body)) + kind + body +
                struct.pack(">I", zlib.crc32(kind + body)))

    return (b"\x89PNG\r\n\x1a\n" +
            chunk(b"IHDR", struct.pack(">2I5B", width, len(lines), 8, 0, 0, 0,
                                       0)) +
            chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))


def _png_in_docx(rows: Rows, _: random.Random) -> bytes:
    plain = make_formats.docx([["件名", "内容"], ["点検", "異常なし"]])
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(plain)) as source, \
            zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, png(rows) if name.endswith(".png")
                            else source.read(name))
    return out.getvalue()


def _damaged_docx(rows: Rows, _: random.Random) -> bytes:
    whole = bytearray(make_formats.docx(_table(rows)))
    at = whole.find(b"PK\1\2")
    whole[at:at + 64] = bytes(64)
    return bytes(whole)


def _openssl(rows: Rows, rng: random.Random) -> bytes:
    return b"Salted__" + rng.randbytes(8 + len(text_of(rows).encode()))


def _noise(rows: Rows, rng: random.Random) -> bytes:
    """What VeraCrypt and age leave: no header at all."""
    return rng.randbytes(max(65536, len(text_of(rows).encode())))


def _luks(rows: Rows, rng: random.Random) -> bytes:
    header = b"LUKS\xba\xbe\0\2" + struct.pack(">2Q", 16384, 3)
    return header.ljust(16384, b"\0") + rng.randbytes(65536)


def _volume(rows: Rows, _: random.Random) -> bytes:
    """A FAT volume in a file, with the list within."""
    with tempfile.TemporaryDirectory() as folder:
        image, inside = Path(folder) / "image", Path(folder) / "list.csv"
        inside.write_bytes(text_of(rows).encode())
        image.write_bytes(bytes(1 << 20))
        for words in (["mkfs.vfat", str(image)],
                      ["mcopy", "-i", str(image), str(inside), "::list.csv"]):
            subprocess.run(words, check=True, capture_output=True)
        return image.read_bytes()


def _bomb(rows: Rows, _: random.Random) -> bytes:
    return make_formats.pack([("big.txt", bytes(64 << 20)),
                              ("list.csv", text_of(rows))])


def _behind_a_log(rows: Rows, _: random.Random) -> bytes:
    log = "".join(f"{n:08d} link up, queue depth {n % 97:4d}, line card "
                  f"{n % 12:2d} ok\n".rjust(64) for n in range(3 << 14))
    return log.encode() + text_of(rows).encode()


def _sqlite(rows: Rows, _: random.Random) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "db"
        make_formats.sqlite(_table(rows), path)
        return path.read_bytes()


def _data_url(rows: Rows, _: random.Random) -> bytes:
    data = base64.b64encode(text_of(rows).encode()).decode()
    return (f"<html><body><p>点検の記録</p><a href=\"data:text/csv;base64,"
            f"{data}\">添付</a></body></html>").encode()


def _utf7(rows: Rows, _: random.Random) -> bytes:
    return text_of(rows).encode("utf-7")


def _pdf(rows: Rows, _: random.Random) -> bytes:
    return make_formats.Pdf(_table(rows), "identity").packed()


FORMS: dict[str, Callable[[Rows, random.Random], bytes]] = {
    "": _utf8,
    "cp932": lambda rows, _: text_of(rows).encode("cp932", "replace"),
    "utf16": lambda rows, _: text_of(rows).encode("utf-16-le"),
    "utf7": _utf7,
    "gzip": lambda rows, _: gzip.compress(text_of(rows).encode(), mtime=0),
    "bzip2": lambda rows, _: bz2.compress(text_of(rows).encode()),
    "zip": _zip,
    "nested": _nested,
    "encrypted-zip": _encrypted_zip,
    "base64": lambda rows, _: base64.encodebytes(text_of(rows).encode()),
    "hex": _hex,
    "data-url": _data_url,
    "reversed": _reversed,
    "shifted": _shifted,
    "polyglot": _jpeg_named,
    "docx": lambda rows, _: make_formats.docx(_table(rows)),
    "xlsx": lambda rows, _: make_formats.xlsx(_table(rows)),
    "pdf": _pdf,
    "sqlite": _sqlite,
    "png": lambda rows, _: png(rows),
    "png-in-docx": _png_in_docx,
    "damaged-docx": _damaged_docx,
    "openssl": _openssl,
    "noise": _noise,
    "luks": _luks,
    "volume": _volume,
    "bomb": _bomb,
    "behind-a-log": _behind_a_log,
}
