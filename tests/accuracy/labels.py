"""People a file lists by name and e-mail address, as changelogs and AUTHORS do:
counted here, apart from the detector, so that such a file is no false alarm."""

import bz2
import gzip
import html
import lzma
import re
import zipfile

MAX_BYTES = 64 << 20
MAIL = (r"[A-Za-z0-9._+%-]+(?:@|\(at\)| at |_AT_|\[at\])"
        r"(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}")
# What a name is made of: capital letters, initials, Japanese characters.
WORD = r"[A-Z\u00c0-\u00de\u0410-\u042f][\w.'\u2019-]*|[\u3041-\u9fff]{2,}"
LINK = r"(?: +(?:van|von|de|der|den|di|la))?"
# Kazu Yamada <kazu@example.jp>; two words need no bracket.
BEFORE = re.compile(
    rf"(?:{WORD})(?:(?:{LINK}[ ,]+(?:{WORD}))+[\s\"',:*]*[<(\[{{ ]+"
    rf"|[\s\"',:*]*[<(\[{{]+)(?:mailto:)?({MAIL})")
# kazu@example.jp (Kazu Yamada)
AFTER = re.compile(rf"({MAIL})[>\s]*[(,:-]+\s*\"?(?:{WORD})")
# <name>Kazu Yamada</name> <email>kazu@example.jp</email>
TAGS = re.compile(r"<(?:mal:|dc:)?name>[^<]{2,80}</(?:mal:|dc:)?name>\s*"
                  rf"<(?:mal:)?email>\s*({MAIL})", re.S)
OPENERS = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open),
           (b"\xfd7zXZ", lzma.open))


def text_of(path):
    """What is in the file as text, of the compressed and the zip as well."""
    with open(path, "rb") as file:
        head = file.read(6)
    try:
        if head.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(path) as archive:
                data = b"\n".join(archive.read(name)[:1 << 20]
                                  for name in archive.namelist()[:500])
        else:
            opener = next((o for magic, o in OPENERS if head.startswith(magic)),
                          open)
            with opener(path, "rb") as file:
                data = file.read(MAX_BYTES)
    except (OSError, EOFError, lzma.LZMAError, zipfile.BadZipFile,
            RuntimeError, NotImplementedError):
        return ""
    for encoding in ("utf-8", "euc_jp", "cp932", "latin-1"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return ""


def listed_people(path):
    """Different addresses that stand beside a name."""
    text = text_of(path)
    if re.search("<html|<!doctype html", text[:2000], re.I):
        # What stands between tags is the text, an item or a row is a line.
        items = re.split(r"</?(?:li|p|tr|div|br|dd|dt|h[1-6])\b[^>]*>", text)
        text = "\n".join(" ".join(html.unescape(re.sub(r"<[^>]*>", " ", item))
                                  .split()) for item in items)
    found = {m.group(1).lower() for m in TAGS.finditer(text)}
    for line in text.splitlines():
        if len(line) > 4000 or not re.search(r"@|\(at\)| at |_AT_", line):
            continue
        found.update(m.group(1).lower() for m in BEFORE.finditer(line))
        found.update(m.group(1).lower() for m in AFTER.finditer(line))
    return len(found)
