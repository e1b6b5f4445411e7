"""Labelled files for the accuracy kit: what is in them is known.

A file is one combination of schema, dialect, encoding and evasion; `cases`
yields them. Everything follows from the seed.
"""

import csv
import io
import random
import sys
from dataclasses import dataclass
from pathlib import Path

import subjects

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import people  # noqa: E402

# Column: header in Japanese, in English, type of the contract ("" for none).
COLUMNS = {
    "member": ("会員番号", "member_id", "member_id"),
    "name": ("氏名", "name", "person_name"),
    "name_joined": ("お名前", "full_name", "person_name"),
    "surname": ("姓", "last_name", "person_name"),
    "given": ("名", "first_name", "person_name"),
    "kana": ("フリガナ", "name_kana", "name_kana"),
    "kana_surname": ("セイ", "last_kana", "name_kana"),
    "kana_given": ("メイ", "first_kana", "name_kana"),
    "roman": ("ローマ字氏名", "full name", "person_name"),
    "roman_upper": ("名義人", "cardholder", "person_name"),
    "sex": ("性別", "sex", "sex"),
    "sex_code": ("性別コード", "gender", "sex"),
    "birth": ("生年月日", "birthday", "birth_date"),
    "birth_iso": ("生年月日", "date_of_birth", "birth_date"),
    "birth_bare": ("生年月日", "dob", "birth_date"),
    "birth_era": ("生年月日", "birth date", "birth_date"),
    "birth_letter": ("生年月日", "birthdate", "birth_date"),
    "birth_compact": ("生年月日", "birth_ymd", "birth_date"),
    "age": ("年齢", "age", "age"),
    "postal": ("郵便番号", "zip", "postal_code"),
    "address": ("住所", "address", "address"),
    "prefecture": ("都道府県", "prefecture", "address"),
    "city": ("市区町村番地", "city", "address"),
    "phone": ("電話番号", "phone", "phone"),
    "landline": ("自宅電話", "tel", "phone"),
    "e164": ("携帯電話", "mobile", "phone"),
    "email": ("メールアドレス", "email", "email"),
    "note": ("備考", "note", ""),
    "my_number": ("個人番号", "my_number", "my_number"),
    "license": ("免許証番号", "drivers_license", "drivers_license"),
    "card": ("カード番号", "card_number", "credit_card"),
    "insurer": ("保険者番号", "insurer_number", "health_insurance"),
    "insured_symbol": ("被保険者証記号", "insured_symbol", "health_insurance"),
    "insured_number": ("被保険者証番号", "insured_number", "health_insurance"),
    "pension": ("基礎年金番号", "pension_number", "basic_pension"),
    "bank": ("銀行コード", "bank_code", ""),
    "branch": ("支店番号", "branch", ""),
    "account": ("口座番号", "account_number", "bank_account"),
    "yucho_symbol": ("ゆうちょ記号", "yucho_symbol", "bank_account"),
    "yucho_number": ("ゆうちょ番号", "yucho_number", "bank_account"),
    "passport": ("旅券番号", "passport_no", "passport"),
    "residence": ("在留カード番号", "residence_card", "residence_card"),
    "illness": ("診断名", "diagnosis", "health_record"),
    "pressure": ("血圧", "blood_pressure", "health_record"),
    "height": ("身長", "height", ""),
    "circuit": ("回線番号", "circuit_id", "member_id"),
    "iban": ("IBAN", "iban", "iban"),
    "ssn": ("SSN", "ssn", "us_ssn"),
    "nino": ("NINO", "nino", "national_id"),
    "rrn": ("住民登録番号", "rrn", "national_id"),
    "chinese": ("身分証番号", "id_number", "national_id"),
    "taiwan": ("身分證字號", "national id", "national_id"),
    "aadhaar": ("Aadhaar", "aadhaar", "national_id"),
    "nir": ("NIR", "nir", "national_id"),
    "street": ("Street", "street", "address"),
}

SCHEMAS = {
    "customers": "member name kana sex birth postal address phone email note",
    "employees": "surname given kana_surname kana_given age sex_code my_number "
                 "account",
    "insured": "insurer insured_symbol insured_number name kana birth_era sex",
    "health_check": "member name_joined age height pressure illness",
    "health_bare": "name_joined illness",
    "cards": "card roman_upper",
    "foreign": "roman residence passport birth_iso",
    "licences": "name license birth_letter",
    "pension": "pension name birth_compact",
    "bank": "bank branch account kana",
    "yucho": "yucho_symbol yucho_number name",
    "contacts": "name landline note",
    "addresses": "name_joined postal prefecture city",
    "english": "roman street email e164",
    "american": "roman ssn birth_iso",
    "european": "roman iban email",
    "british": "roman nino birth_iso",
    "korean": "roman rrn",
    "chinese": "roman chinese",
    "taiwanese": "roman taiwan e164",
    "indian": "roman aadhaar",
    "french": "roman nir",
    "phones": "phone note",
    "members": "member note",
    "circuits": "circuit note",
    "emails": "email",
    "my_numbers": "my_number",
    "roster": "name_joined",
    "calls": "phone name_joined kana birth_bare",
}

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-be-sig", "utf-16-le",
             "utf-16-be", "cp932", "euc-jp", "iso-2022-jp", "cp932-half",
             "mixed")


@dataclass
class Case:
    """One labelled file."""
    name: str
    data: bytes
    persons: int
    types: dict
    schema: str = "customers"
    encoding: str = "utf-8"
    dialect: str = "comma"
    evasion: str = "none"
    prose: bool = False
    limit: float = 0.02  # of the number of people
    shape: str = ""  # format, where it is no delimited text


# ------------------------------------------------------------------ encodings

def half_width(text):
    """Full-width katakana as half-width, marks apart."""
    import unicodedata
    table = {unicodedata.normalize("NFKC", chr(c)): chr(c)
             for c in range(0xFF66, 0xFF9E)}
    out = []
    for char in text:
        plain = unicodedata.normalize("NFD", char)
        base, marks = plain[0], plain[1:]
        if base in table:
            out.append(table[base] + marks.replace("\u3099", "ﾞ")
                       .replace("\u309a", "ﾟ"))
        else:
            out.append(char)
    return "".join(out)


def iso_2022_jp(text):
    """With the NEC rows, as Windows' code page 50221 writes it."""
    rows = people.nec_rows()
    out, mode = bytearray(), "ascii"
    for char in text:
        if char < "\x80":
            wanted, raw = "ascii", char.encode()
        else:
            pair = rows.get(char) or char.encode("euc_jp")
            wanted, raw = "jis", bytes(b & 0x7F for b in pair)
        if wanted != mode:
            out += b"\x1b(B" if wanted == "ascii" else b"\x1b$B"
            mode = wanted
        out += raw
    if mode != "ascii":
        out += b"\x1b(B"
    return bytes(out)


def encode(text, encoding):
    if encoding == "utf-16":
        return b"\xff\xfe" + text.encode("utf-16-le")
    if encoding == "utf-16-be-sig":
        return b"\xfe\xff" + text.encode("utf-16-be")
    if encoding == "cp932-half":
        return half_width(text).encode("cp932")
    if encoding == "iso-2022-jp":
        return iso_2022_jp(text)
    if encoding == "mixed":
        # Two exports in one file, the second from Windows.
        lines = text.split("\r\n")
        middle = len(lines) // 2
        return ("\r\n".join(lines[:middle]) + "\r\n").encode() + \
            "\r\n".join(lines[middle:]).encode("cp932")
    return people.encode(text, encoding)


# ------------------------------------------------------------------- evasions

HYPHENS = "ー−‐‑‒–—―－─"
ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"
VARIANTS = str.maketrans("高崎浜辺斎沢広吉桜国島関徳辻", "髙﨑濵邊齋澤廣𠮷櫻國嶋關德辻")


def full_width(text):
    return "".join(chr(ord(c) + 0xFEE0) if c.isdigit() and c < "\x80" else c
                   for c in text)


def apart(text):
    import unicodedata
    return "".join(unicodedata.normalize("NFD", c) if "ァ" <= c <= "ヴ" else c
                   for c in text).replace("\u3099", "゛").replace("\u309a", "゜")


def evade(kind, rng, column, value):
    """How somebody, or a program, writes `value` in its place."""
    if kind == "none" or not value:
        return value
    ascii_digits = value[:1].isdigit() and value.isascii()
    if kind == "full_width_digits":
        return full_width(value)
    if kind == "hyphens" and ascii_digits:
        return value.replace("-", rng.choice(HYPHENS))
    if kind == "kana_hyphens":
        return full_width(value).replace("-", "ー") if ascii_digits else value
    if kind == "zero_width":
        at = rng.randint(1, len(value))
        return value[:at] + rng.choice(ZERO_WIDTH) + value[at:]
    if kind == "excel" and ascii_digits:
        return f'="{value}"'
    if kind == "marks_apart" and column.startswith("kana"):
        return apart(value)
    if kind == "combining":
        import unicodedata
        return unicodedata.normalize("NFD", value)
    if kind == "half_width":
        return half_width(value)
    if kind == "variant_kanji" and column.startswith(("name", "surname",
                                                      "given")):
        return value.translate(VARIANTS)
    if kind == "no_hyphens" and ascii_digits:
        return value.replace("-", "")
    if kind == "lost_zero" and column in ("phone", "landline"):
        return value.replace("-", "").lstrip("0")
    if kind == "plus81" and column in ("phone", "landline"):
        return "+81-" + value[1:]
    if kind == "brackets" and column in ("phone", "landline"):
        first, second, third = value.split("-")
        return f"{first}({second}){third}"
    if kind == "spaces" and ascii_digits:
        return value.replace("-", " ")
    if kind == "honorific" and column.startswith("name"):
        return value + "様"
    return value


EVASIONS = ("none", "full_width_digits", "hyphens", "kana_hyphens",
            "zero_width", "excel", "marks_apart", "combining", "half_width",
            "variant_kanji", "no_hyphens", "lost_zero", "plus81", "brackets",
            "spaces", "honorific")

# ------------------------------------------------------------------- dialects

DIALECTS = {
    "comma": {}, "tab": {"delimiter": "\t"}, "semicolon": {"delimiter": ";"},
    "pipe": {"delimiter": "|"}, "caret": {"delimiter": "^"},
    "control_a": {"delimiter": "\x01"}, "colon": {"delimiter": ":"},
    "quoted": {"quoting": csv.QUOTE_ALL}, "single_quoted": {"single": True},
    "escaped": {"escaped": True}, "unix": {"line_end": "\n"},
    "mac": {"line_end": "\r"}, "no_header": {"header": "none"},
    "english_header": {"header": "en"}, "unknown_header": {"header": "odd"},
    "titled": {"titled": True}, "ragged": {"ragged": True},
    "blank_lines": {"blank": True}, "repeated_header": {"repeat": True},
    "fixed_width": {"fixed": True, "gap": 2},
    # Cells touch, and every line is as long as the others.
    "fixed_touching": {"fixed": True, "gap": 0}, "markdown": {"markdown": True},
    "shuffled": {"shuffled": True}, "spaced": {"spaced": True},
    "no_final_newline": {"cut": True}, "doubled": {"doubled": True},
}


def one_line(rows):
    return [[value.replace("\n", " ") for value in row] for row in rows]


def width(text):
    return sum(2 if ord(c) > 0xFF else 1 for c in text)


def plain(rows, options):
    """Rows in a dialect that the csv module does not write."""
    rows = one_line(rows)
    if options.get("fixed"):
        gap = options["gap"]
        sizes = [max(width(row[c]) for row in rows) + gap
                 for c in range(len(rows[0]))]
        lines = ["".join(v + " " * (s - width(v)) for v, s in zip(row, sizes))
                 for row in rows]
        return "".join((line.rstrip() if gap else line) + "\r\n"
                       for line in lines)
    if options.get("markdown"):
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        lines.insert(1, "|" + "---|" * len(rows[0]))
        return "\r\n".join(lines) + "\r\n"
    if options.get("single"):
        return "".join(",".join("'" + v.replace("'", "''") + "'" for v in row)
                       + "\r\n" for row in rows)
    mark = options.get("delimiter", ",")
    joint = f" {mark} " if options.get("spaced") else mark
    return "".join(joint.join(v.replace(mark, "、").replace('"', "”")
                              for v in row) + "\r\n" for row in rows)


def write(header, rows, options, rng):
    rows = [list(row) for row in rows]
    if options.get("shuffled"):
        order = list(range(len(header)))
        rng.shuffle(order)
        header = [header[i] for i in order]
        rows = [[row[i] for i in order] for row in rows]
    if options.get("doubled"):
        rows = rows + rows
    if options.get("ragged"):
        for i, row in enumerate(rows):
            if i % 7 == 3:
                row.append("追記")
            if i % 11 == 5 and len(row) > 3:
                del row[-1]
    if any(options.get(k) for k in ("fixed", "markdown", "single", "spaced")) \
            or options.get("delimiter") in ("\x01", "^", ":"):
        return plain([header] + rows, options)
    out = io.StringIO(newline="")
    end = options.get("line_end", "\r\n")
    writer = csv.writer(out, delimiter=options.get("delimiter", ","),
                        lineterminator=end,
                        quoting=options.get("quoting", csv.QUOTE_MINIMAL),
                        doublequote=not options.get("escaped"),
                        escapechar="\\" if options.get("escaped") else None)
    if options.get("titled"):
        out.write(f"会員一覧{end}出力日：2026年11月25日{end}{end}")
    if options.get("header") != "none":
        writer.writerow(header)
    for i, row in enumerate(rows):
        if options.get("blank") and i % 9 == 4:
            out.write(end)
        if options.get("repeat") and i and i % 50 == 0:
            writer.writerow(header)
        writer.writerow(row)
    text = out.getvalue()
    return text[:-len(end)] if options.get("cut") else text


def table(rng, schema, count, encoding="utf-8", dialect="comma",
          evasion="none"):
    columns = SCHEMAS[schema].split()
    options = DIALECTS[dialect]
    rows, types = [], {}
    group = subjects.subjects(rng, count)
    for person in group:
        row = []
        for column in columns:
            value = person[column]
            if value and COLUMNS[column][2]:
                kind = COLUMNS[column][2]
                types[kind] = types.get(kind, 0) + 1
            row.append(evade(evasion, rng, column, value))
        rows.append(row)
    style = options.get("header", "ja")
    header = [COLUMNS[c][1 if style == "en" else 0] for c in columns]
    if style == "odd":
        header = [f"項目{i + 1}" for i in range(len(columns))]
    if options.get("doubled"):
        types = {kind: 2 * n for kind, n in types.items()}
    text = write(header, rows, options, rng)
    return Case(f"{schema}.{dialect}.{evasion}.{encoding}.{count}",
                encode(text, encoding), count, types, schema, encoding,
                dialect, evasion)


# ---------------------------------------------------------------------- prose

SENTENCES = (
    "{name_joined}様（電話{phone}）より、開通工事の日程について問い合わせがあった。\r\n",
    "本日、{name_joined}さん {phone} から折り返しの依頼を受けました。\r\n",
    "担当の{name_joined}が{email}宛に資料をお送りします。\r\n",
    "契約者は{name_joined}、生年月日は{birth_era}、住所は{address}である。\r\n",
    "{surname} {given} <{email}> 様から返信あり。\r\n",
)
FORM = ("氏名：{name}\r\nフリガナ：{kana}\r\n生年月日：{birth}\r\n"
        "電話番号：{phone}\r\n住所：{address}\r\n\r\n")
MAIL = "From: {roman} <{email}>\r\nTo: desk@example.co.jp\r\n\r\n"
LETTER = "{roman} called from {e164} and asked us to write to {email}.\r\n"
PROSE = {"sentences": SENTENCES, "form": (FORM,), "mail": (MAIL,),
         "letter": (LETTER,)}
FILLER = "以上の内容を確認し、翌営業日までに回答すること。\r\n"


def prose(rng, kind, count, encoding="utf-8"):
    text = ""
    for i, person in enumerate(subjects.subjects(rng, count)):
        text += PROSE[kind][i % len(PROSE[kind])].format(**person)
        if i % 3 == 0 and kind == "sentences":
            text += FILLER
    return Case(f"prose_{kind}.{encoding}.{count}", encode(text, encoding),
                count, {}, f"prose_{kind}", encoding, "prose", "none", True,
                0.05)


# ---------------------------------------------------------------------- cases

def unicode_only(evasion):
    return evasion in ("zero_width", "combining", "variant_kanji", "hyphens")


def cases(seed, short=False):
    rng = random.Random(seed)
    count = 120 if short else 400
    for schema in SCHEMAS:
        yield table(rng, schema, count)
        yield table(rng, schema, count, dialect="english_header")
        if not short:
            yield table(rng, schema, 30, "cp932")
            yield table(rng, schema, 5)
            yield table(rng, schema, count, "utf-16-le", "tab")
            yield table(rng, schema, count, "cp932", "no_header")
    for encoding in ENCODINGS:
        for dialect in ("comma",) if short else ("comma", "tab", "quoted",
                                                 "no_header"):
            yield table(rng, "customers", count, encoding, dialect)
        yield table(rng, "calls", count, encoding)
        yield prose(rng, "sentences", count, encoding)
        if not short:
            yield table(rng, "customers", 3000, encoding)
            yield table(rng, "customers", 1, encoding)
            yield table(rng, "calls", 12, encoding)
            yield prose(rng, "form", count, encoding)
    for dialect in DIALECTS:
        yield table(rng, "customers", count, dialect=dialect)
        yield table(rng, "calls", count, "cp932" if not short else "utf-8",
                    dialect)
    for evasion in EVASIONS:
        yield table(rng, "customers", count, evasion=evasion)
        if not short:
            yield table(rng, "contacts", count, evasion=evasion)
            yield table(rng, "customers", count, dialect="no_header",
                        evasion=evasion)
            if not unicode_only(evasion):
                yield table(rng, "customers", count, "cp932", evasion=evasion)
    for kind in PROSE:
        yield prose(rng, kind, count)
        yield prose(rng, kind, count, "cp932")
