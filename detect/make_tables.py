#!/usr/bin/env python3
"""Builds the tables that detect/tables.cc links in.

From Debian's packages mecab-ipadic (names) and skkdic-extra (postal codes and
addresses, public domain) and from Python's own codecs and Unicode data. The
tables are made at build time and never committed.

Layout, little endian: "SKT1", count of sections (u32), then for each section
offset (u32) and size (u32), then the sections in the order of SECTIONS.
"""

import argparse
import re
import struct
import unicodedata

# Variant forms of kanji in names, variant first; NFKC leaves these alone.
VARIANTS = """
髙高 﨑崎 嵜崎 埼崎 濵浜 濱浜 栁柳 桺柳 德徳 邊辺 邉辺 齋斎 齊斉 澤沢 櫻桜 廣広 國国 嶋島
嶌島 眞真 惠恵 壽寿 榮栄 實実 龍竜 瀧滝 圓円 萬万 與与 豐豊 學学 冨富 彌弥 藏蔵 禮礼 靜静
傳伝 邨村 峯峰 舘館 條条 賴頼 頼頼 隆隆 淸清 晴晴 神神 祥祥 福福 都都 增増 德徳 塚塚 鐵鉄
黑黒 郞郎 朗朗 穗穂 渕淵 淵淵 關関 觀観 曾曽 會会 將将 齒歯 收収 來来 兒児 單単 圖図 爲為
應応 戶戸 拂払 擴拡 顯顕 嚴厳 寬寛 縣県 麥麦 峽峡 狹狭 莊荘 薰薫 冝宜 吳呉 內内 步歩 渚渚
""".split()


def fold_table():
    """Code point -> text, for the BMP, where folding changes it."""
    table = {}
    for cp in range(0x80, 0x10000):
        if 0xD800 <= cp < 0xE000 or 0xAC00 <= cp < 0xD7A4:
            continue
        char = chr(cp)
        folded = unicodedata.normalize("NFKC", char)
        if folded != char:
            table[cp] = folded
    for pair in VARIANTS:
        variant, standard = pair[0], pair[1:]
        if variant != standard and ord(variant) < 0x10000:
            table[ord(variant)] = standard
    # Voiced marks typed apart: NFKC gives a space before the combining mark.
    table[0x309B] = "\u3099"
    table[0x309C] = "\u309A"
    for cp in (0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0xAD,
               *range(0x200E, 0x2010), *range(0x202A, 0x202F),
               *range(0xFE00, 0xFE10)):
        table[cp] = ""
    table[0x301C] = "~"
    # Ligatures and squared words longer than this are no part of a record.
    return {cp: text for cp, text in table.items() if len(text) <= 8}


def fold(text, table):
    text = "".join(table.get(ord(c), c) for c in text)
    return unicodedata.normalize("NFC", text)


def fnv(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    value = (value ^ value >> 32) & 0xFFFFFFFF
    return value or 1


def hash_set(words):
    hashes = {fnv(word) for word in words}
    size = 16
    while size < 2 * len(hashes):
        size *= 2
    slots = [0] * size
    for value in sorted(hashes):
        at = value & size - 1
        while slots[at]:
            at = at + 1 & size - 1
        slots[at] = value
    return struct.pack(f"<{size}I", *slots)


def names(ipadic):
    """Words, their readings, and which reading belongs to which word."""
    surnames, given, kana_surnames, kana_given = set(), set(), set(), set()
    readings = set()
    with open(f"{ipadic}/Noun.name.csv", encoding="euc_jp") as lines:
        for line in lines:
            field = line.rstrip("\n").split(",")
            word, part, reading = field[0], field[7], field[11]
            if part == "姓":
                surnames.add(word)
                kana_surnames.add(reading)
                readings.add((word, reading))
            elif part == "名":
                given.add(word)
                kana_given.add(reading)
                readings.add((word, reading))
    return surnames, given, kana_surnames, kana_given, readings


# Municipalities whose name holds 市, 郡, 町 or 村 where the rule below would cut.
WHOLE = ("市原市", "市川市", "郡山市", "郡上市", "大和郡山市", "蒲郡市", "小郡市",
         "佐波郡玉村町", "杵島郡大町町", "三宅島三宅村", "八丈島八丈町")


HEPBURN = dict(zip(
    "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロ"
    "ワヲンガギグゲゴザジズゼゾダヂヅデドバビブベボパピプペポヴ",
    "a i u e o ka ki ku ke ko sa shi su se so ta chi tsu te to na ni nu ne no "
    "ha hi fu he ho ma mi mu me mo ya yu yo ra ri ru re ro wa o n ga gi gu ge "
    "go za ji zu ze zo da ji zu de do ba bi bu be bo pa pi pu pe po vu".split()
))


def roman(kana):
    """Hepburn, lower case, long vowels short: what passports have, and what
    the detector makes of Satou, Satoh and Satoo."""
    out, double = "", False
    for char in kana:
        if char == "ッ":
            double = True
        elif char in "ャュョ" and out:
            vowel = "auo"["ャュョ".index(char)]
            out = out[:-1] + ("" if out.endswith(("shi", "chi", "ji"))
                              else "y") + vowel
        elif char in HEPBURN:
            out += HEPBURN[char][0] * double + HEPBURN[char]
            double = False
        elif char != "ー":
            return None
    plain = ""
    for char in out:
        if not (plain[-1:] == "o" and char in "uo"
                or plain[-1:] == "u" and char == "u"):
            plain += char
    return plain if len(plain) >= 2 else None


def name_map(table):
    """Code point -> UTF-16 unit in a name's normal form: 0 dropped, 0xFFFF not
    that simple."""
    units = []
    for cp in range(0x10000):
        text = table.get(cp, chr(cp))
        if 0x3041 <= cp <= 0x3096:
            text = chr(cp + 0x60)
        if 0xD800 <= cp < 0xE000 or cp in (0x3001, 0x3002, 0x3099, 0x309A,
                                           0xFF9E, 0xFF9F, 0xFFFD):
            units.append(0xFFFF)
        elif text == "" or text == " ":
            units.append(0)
        elif (len(text) > 1 or ord(text) > 0xFFFF
              or (text < "\x80" and not text.isalpha())):
            units.append(0xFFFF)
        else:
            units.append(ord(text.lower()) if text < "\x80" else ord(text))
    return struct.pack("<65536H", *units)


# What a folded cell cannot hold as it stands, beyond what the table changes.
HYPHENS = (*range(0x2010, 0x2016), 0x2212, 0x30FC, 0x2500, 0x2501, 0xFE63,
           0xFF0D, 0xFF70, 0x207B, 0x02D7)


def unfolded_bits(table):
    """Bitmap of the code points that Fold has to look at."""
    bits = bytearray(8192)
    for cp in (*table, *HYPHENS, 0x3099, 0x309A, 0xFFFD,
               *range(0xD800, 0xE000)):
        bits[cp >> 3] |= 1 << (cp & 7)
    return bytes(bits)


def municipality(rest):
    """'札幌市北区' of '札幌市北区麻生町'; None where there is none."""
    for name in WHOLE:
        if rest.startswith(name):
            return name
    found = (re.match(r".{1,5}?郡.{1,6}?[町村]", rest)
             or re.match(r".{1,6}?市(?!市)(?:.{1,4}?区)?", rest)
             or re.match(r".{1,4}?[区町村]", rest))
    return found.group() if found else None


def addresses(zipcode):
    """Postal codes, municipalities with and without their prefecture, and
    which of them lie behind the first three digits of a code."""
    codes, towns, area_towns = set(), set(), set()
    with open(zipcode, encoding="euc_jis_2004") as lines:
        for line in lines:
            if line.startswith(";") or " /" not in line:
                continue
            code, places = line.split(" /", 1)
            if len(code) != 7 or not code.isdigit():
                continue
            codes.add(int(code))
            for place in places.strip("/\n").split("/"):
                town = place.split(";")[0]
                towns.add(town)
                area_towns.add((code[:3], town))
    found, areas = set(), set()
    for area, town in area_towns:
        for end in (3, 4):
            if town[end - 1:end] in ("都", "道", "府", "県"):
                areas.add((area, town[:end]))
                rest = municipality(town[end:])
                if rest is not None:
                    areas.add((area, rest))
                    county = rest.find("郡", 1)
                    if 0 < county < len(rest) - 2:
                        areas.add((area, rest[county + 1:]))
                break
    for town in towns:
        for end in (3, 4):
            if town[end - 1:end] in ("都", "道", "府", "県") and len(town) > end:
                rest = municipality(town[end:])
                if rest is None:
                    break
                town = town[:end] + rest
                found.update((town, rest))
                city = rest.find("市", 1)
                if rest.endswith("区") and 0 < city < len(rest) - 1:
                    found.update((town[:end + city + 1], rest[:city + 1]))
                county = rest.find("郡", 1)
                if 0 < county < len(rest) - 2:
                    found.add(rest[county + 1:])
                break
    return codes, {t for t in found if 2 <= len(t) <= 12}, areas


def double_byte(codec, leads, trails, prefix=b""):
    table = []
    for lead in leads:
        for trail in trails:
            try:
                char = (prefix + bytes((lead, trail))).decode(codec)
            except UnicodeDecodeError:
                char = "\0"
            table.append(ord(char) if len(char) == 1 and ord(char) < 0x10000
                         else 0)
    return struct.pack(f"<{len(table)}H", *table)


def fold_sections(table):
    """pages: 256 page numbers (u8); cells: u16 per cell, 0 same, else index+1
    into the pool of (length u8, UTF-8) at 'offset' = cell * 1."""
    pool, offsets = bytearray(b"\0"), {}
    pages, cells = [0], [[0] * 256]
    page_of = []
    for high in range(256):
        page = []
        for low in range(256):
            cp = high << 8 | low
            if cp not in table:
                page.append(0)
                continue
            text = table[cp].encode()
            if text not in offsets:
                offsets[text] = len(pool)
                pool += bytes((len(text),)) + text
            page.append(offsets[text])
        if any(page):
            page_of.append(len(cells))
            cells.append(page)
        else:
            page_of.append(0)
    del pages
    assert len(pool) < 65536 and len(cells) < 256
    flat = [c for page in cells for c in page]
    return bytes(page_of), struct.pack(f"<{len(flat)}H", *flat), bytes(pool)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ipadic", required=True)
    parser.add_argument("--zipcode", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()

    table = fold_table()
    surnames, given, kana_surnames, kana_given, readings = names(args.ipadic)
    codes, towns, areas = addresses(args.zipcode)
    bitmap = bytearray(10_000_000 // 8)
    for code in codes:
        bitmap[code >> 3] |= 1 << (code & 7)
    pages, cells, pool = fold_sections(table)

    def folded(words):
        return {fold(word, table) for word in words}

    sections = [
        hash_set(folded(surnames)),
        hash_set(folded(given)),
        hash_set(folded(kana_surnames)),
        hash_set(folded(kana_given)),
        hash_set(folded(towns)),
        bytes(bitmap),
        pages,
        cells,
        pool,
        double_byte("cp932", range(0x81, 0xFD), range(0x40, 0xFD)),
        double_byte("euc_jp", range(0xA1, 0xFF), range(0xA1, 0xFF), b"\x8f"),
        hash_set(filter(None, map(roman, kana_surnames))),
        hash_set(filter(None, map(roman, kana_given))),
        name_map(table),
        unfolded_bits(table),
        hash_set(f"{fold(word, table)}\t{reading}"
                 for word, reading in readings),
        hash_set(f"{area}{fold(town, table)}" for area, town in areas),
    ]
    offset = 8 + 8 * len(sections)
    head, body = b"", b""
    for section in sections:
        pad = -(offset + len(body)) % 8
        body += b"\0" * pad
        head += struct.pack("<II", offset + len(body), len(section))
        body += section
    with open(args.out, "wb") as out:
        out.write(b"SKT1" + struct.pack("<I", len(sections)) + head + body)


if __name__ == "__main__":
    main()
