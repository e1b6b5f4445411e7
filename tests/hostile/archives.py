"""Archives: bombs, nesting, directories that lie, dictionaries, polyglots."""

import bz2
import gzip
import io
import lzma
import random
import shutil
import struct
import subprocess
import tarfile
import zipfile
import zlib

import make_formats
from make_formats import seven_zip
from sample import PEOPLE, Sample, csv_of, rows

MEGABYTE = 1 << 20


def external(*command):
    """What a program makes of its input; None without the program."""
    def run(data):
        if not shutil.which(command[0]):
            return None
        return subprocess.run(command, input=data, stdout=subprocess.PIPE,
                              check=True).stdout
    return run


def xz(data, preset=0):
    return lzma.compress(data, preset=preset)


def lzma_alone(data):
    return lzma.compress(data, format=lzma.FORMAT_ALONE, preset=0)


PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": xz,
           "zst": external("zstd", "-q", "-1", "-c"),
           "lz4": external("lz4", "-q", "-c")}


def zip_of(entries, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method, compresslevel=9) as archive:
        for name, data in entries:
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return out.getvalue()


def tar_of(entries, kind=tarfile.USTAR_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as archive:
        for name, data in entries:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def bombs():
    zeros = bytes(MEGABYTE)
    for name, pack in PACKERS.items():
        small = pack(zeros * 48)
        if small is None:
            continue
        yield Sample(f"zeros48m.{name}", small, short=name == "gz")
        data = pack(small * 40)
        yield Sample(f"bomb-of-bombs.{name}.{name}", pack(pack(zeros * 300)),
                     full=False, short=name == "gz")
        yield Sample(f"bomb-inside.{name}", data, full=False)
    text = csv_of(rows(1)).encode() + b"\n" * (64 * MEGABYTE)
    for name, pack in PACKERS.items():
        data = pack(text)
        if data:
            yield Sample(f"people-then-bomb.{name}", data, full=False)
    yield Sample("bomb.zip", zip_of([("a.txt", zeros * 120)]), full=False,
                 short=True)
    yield Sample("bomb.many.zip", zip_of(
        [(f"{i}.txt", zeros * 4) for i in range(40)]), full=False)
    yield Sample("bomb.bz2.zip", zip_of([("a.txt", zeros * 120)],
                                        zipfile.ZIP_BZIP2), full=False)
    yield Sample("bomb.lzma.zip", zip_of([("a.txt", zeros * 120)],
                                         zipfile.ZIP_LZMA), full=False)
    inner = zip_of([(f"{i}", zeros * 16) for i in range(16)])
    for level in range(4):
        inner = zip_of([(f"{i}.zip", inner) for i in range(16)])
        yield Sample(f"bomb.layers{level}.zip", inner, full=False,
                     short=level == 1)
    yield Sample("bomb.7z", seven_zip(zeros * 120), full=False, short=True)
    yield Sample("bomb.tar.gz", gzip.compress(
        tar_of([(f"{i}", zeros) for i in range(200)])), full=False)
    yield Sample("bomb.tar.xz", xz(tar_of([(f"{i}", zeros)
                                           for i in range(200)])), full=False)
    yield Sample("bomb.gz.members", gzip.compress(zeros * 2) * 200, full=False)


def nesting():
    text = csv_of(rows(2)).encode()
    for kind, wrap in (("zip", lambda d: zip_of([("in", d)])),
                       ("gz", gzip.compress), ("tar", lambda d: tar_of(
                           [("in", d)])), ("xz", xz), ("bz2", bz2.compress),
                       ("7z", seven_zip)):
        data = text
        for depth in range(1, 41):
            data = wrap(data)
            if depth in (8, 15, 16, 17, 18, 25, 40):
                yield Sample(f"nested{depth}.{kind}", data,
                             persons=PEOPLE,
                             short=kind in ("zip", "gz") and depth in (16, 17))
    data = text
    for i in range(12):
        data = (gzip.compress, bz2.compress, lambda d: zip_of([("in", d)]),
                xz)[i % 4](data)
    yield Sample("nested.mixed", data, persons=PEOPLE)
    wide = zip_of([(f"{i}", b"x") for i in range(500)])
    yield Sample("nested.wide.zip", zip_of(
        [(f"{i}.zip", wide) for i in range(500)]), full=False)


def patched(data, at, value):
    return data[:at] + value + data[at + len(value):]


def lying():
    """Headers that say something else than what is there."""
    text = csv_of(rows(3)).encode()
    good = zip_of([("list.csv", text)])
    central = good.rindex(b"PK\1\2")
    end = good.rindex(b"PK\5\6")
    for label, at in (("local-size", 22), ("local-packed", 18),
                      ("local-crc", 14), ("local-method", 8),
                      ("local-name", 26), ("central-size", central + 24),
                      ("central-packed", central + 20),
                      ("central-method", central + 10),
                      ("central-offset", central + 42),
                      ("central-name", central + 28),
                      ("central-extra", central + 30),
                      ("end-entries", end + 10), ("end-size", end + 12),
                      ("end-offset", end + 16), ("end-comment", end + 20)):
        for word in (b"\0\0", b"\1\0", b"\xff\xff", b"\xff\xff\xff\x7f"):
            yield Sample(f"zip.{label}.{word.hex()}", patched(good, at, word),
                         persons=PEOPLE, short=word == b"\xff\xff")
    packed = gzip.compress(text)
    for label, data in (
            ("flags", patched(packed, 3, b"\xff")),
            ("extra", patched(packed, 3, b"\4") + b"\xff\xff"),
            ("method", patched(packed, 2, b"\7"))):
        yield Sample(f"gz.{label}", data, full=False, short=True)
    for label, data in (("size", packed[:-4] + b"\1\0\0\0"),
                        ("crc", packed[:-8] + bytes(4) + packed[-4:])):
        yield Sample(f"gz.{label}", data, persons=PEOPLE, short=True)
    tape = tar_of([("list.csv", text)])
    for label, at, word in (("size", 124, b"77777777777"),
                            ("size256", 124, b"\x80" + b"\xff" * 11),
                            ("negative", 124, b"\xff" * 12),
                            ("kind", 156, b"K"), ("link", 156, b"1"),
                            ("sparse", 156, b"S"), ("pax", 156, b"x")):
        bad = bytearray(patched(tape, at, word))
        bad[148:156] = b" " * 8
        bad[148:156] = b"%06o\0 " % sum(bad[:512])
        yield Sample(f"tar.{label}", bytes(bad), persons=PEOPLE, short=True)
    for label, data in (
            ("dictionary", seven_zip(text, dictionary=40)),
            ("dictionary-bad", seven_zip(text, dictionary=99)),
            ("size", seven_zip(text, unpacked=1 << 40)),
            ("size-small", seven_zip(text, unpacked=10)),
            ("name", seven_zip(text, name="a" * 70000))):
        yield Sample(f"7z.{label}", data, persons=PEOPLE, short=True)


def dictionaries():
    text = csv_of(rows(4)).encode()
    for bits in (27, 28, 30, 31):
        data = lzma.compress(text, format=lzma.FORMAT_XZ, filters=[
            {"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}])
        # Block header: size, flags, filter, size of properties, dictionary.
        header = bytearray(data[12:24])
        header[4] = (bits - 12) * 2
        header[8:12] = struct.pack("<I", zlib.crc32(bytes(header[:8])))
        yield Sample(f"dictionary{bits}.xz", data[:12] + bytes(header)
                     + data[24:], persons=PEOPLE, short=True)
        alone = bytearray(lzma_alone(text))
        alone[1:5] = struct.pack("<I", (1 << bits) & 0xFFFFFFFF)
        yield Sample(f"dictionary{bits}.lzma", bytes(alone), full=False)
        # RFC 8878: no content size, a window of 2^bits.
        window = bytes([(bits - 10) << 3])
        block = len(text) << 3 | 1
        yield Sample(f"window{bits}.zst", b"\x28\xb5\x2f\xfd\0" + window
                     + struct.pack("<I", block)[:3] + text, persons=PEOPLE,
                     short=True)


def many_entries():
    empty = io.BytesIO()
    with zipfile.ZipFile(empty, "w") as archive:
        for i in range(60_000):
            archive.writestr(zipfile.ZipInfo(str(i)), b"")
    yield Sample("entries60k.zip", empty.getvalue())
    head = tar_of([("a", b"")])[:512]
    yield Sample("entries250k.tar", head * 250_000, full=False)
    yield Sample("entries250k.tar.gz", gzip.compress(head * 250_000, 1),
                 full=False)
    long = tar_of([("a" * 250_000, b"x")], tarfile.PAX_FORMAT)
    yield Sample("long-name.tar", long, short=True)
    overlap = bytearray(zip_of([("a.txt", b"x" * 1000)]))
    central = bytes(overlap[overlap.rindex(b"PK\1\2"):overlap.rindex(b"PK\5\6")])
    count = 50_000
    front = bytes(overlap[:overlap.rindex(b"PK\1\2")])
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, count, count,
                                  len(central) * count, len(front), 0)
    yield Sample("overlap.zip", front + central * count + end, full=False)


def polyglots():
    text = csv_of(rows(5)).encode()
    packed = zip_of([("list.csv", text)])
    png = (b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0"
           b"\x3a\x7e\x9b\x55\0\0\0\nIDAT\x78\x9c\x63\0\0\0\2\0\1\x48\xaf\xa4\x71"
           b"\0\0\0\0IEND\xaeB\x60\x82")
    pdf = make_formats.Pdf([["a"] * 10, ["b"] * 10], "cp932").plain()
    elf = b"\x7fELF\2\1\1" + bytes(57) + b"hello world\0" * 40
    fronts = {"png": png, "pdf": pdf, "elf": elf, "gif": b"GIF89a" + bytes(40),
              "jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(50),
              "html": b"<html><body>nothing</body></html>\n",
              "text": b"nothing to see here\n" * 20,
              "mz": b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0"
                    + bytes(300),
              "gz": gzip.compress(b"nothing"), "tar": tar_of([("a", b"b")]),
              "zip": zip_of([("a.txt", b"nothing")]),
              "sqlite": b"SQLite format 3\0" + bytes(84),
              "rtf": b"{\\rtf1 nothing}", "ole": make_formats.xls([["a", "b"]])}
    for front, bytes_ in fronts.items():
        for back, hidden in (("zip", packed), ("csv", text),
                             ("gz", gzip.compress(text)),
                             ("7z", seven_zip(text)),
                             ("xlsx", make_formats.xlsx(rows(5)))):
            yield Sample(f"polyglot.{front}.{back}", bytes_ + hidden,
                         persons=PEOPLE, short=back == "zip")
    for name, data in (("comment", packed[:-2] + struct.pack("<H", len(text))
                        + text),
                       ("between", zip_of([("a.txt", b"x")])[:-22] + text
                        + zip_of([("a.txt", b"x")])[-22:])):
        yield Sample(f"polyglot.zip.{name}", data, persons=PEOPLE, short=True)


def samples(seed):
    random.Random(seed)
    for make in (bombs, nesting, lying, dictionaries, many_entries, polyglots):
        yield from make()
