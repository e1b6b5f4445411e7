"""People who do not exist, with every value the detector has a type for.

Check digits are computed here from the published rules, apart from the
detector's own code.
"""

from functools import lru_cache

import names

ZIPCODE = "/usr/share/skk/SKK-JISYO.zipcode"


@lru_cache(maxsize=1)
def places():
    """(postal code, prefecture, rest) of a few thousand real places."""
    found = []
    with open(ZIPCODE, encoding="euc_jis_2004") as lines:
        for i, line in enumerate(lines):
            if line.startswith(";") or " /" not in line or i % 29:
                continue
            code, rest = line.rstrip("/\n").split(" /", 1)
            town = rest.split("/")[0].split(";")[0]
            for end in (3, 4):
                if (town[end - 1:end] in ("都", "道", "府", "県")
                        and len(town) > end + 3 and names._encodable(town)):
                    found.append((f"{code[:3]}-{code[3:]}", town[:end],
                                  town[end:]))
                    break
    return found


def digits(rng, count):
    return "".join(rng.choice("0123456789") for _ in range(count))


def my_number(rng):
    body = digits(rng, 11)
    total = sum(int(d) * w for d, w in
                zip(body, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)))
    rest = total % 11
    return body + str(0 if rest <= 1 else 11 - rest)


def drivers_license(rng):
    body = rng.choice(("30", "62", "10", "45", "54", "90")) + digits(rng, 8)
    total = sum(int(d) * w for d, w in zip(body, (5, 4, 3, 2, 7, 6, 5, 4, 3,
                                                  2)))
    rest = total % 11
    return body + str(0 if rest == 0 else (11 - rest) % 10) + rng.choice("0012")


def luhn(body):
    total = 0
    for i, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if i % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


def card(rng):
    prefix, size = rng.choice((("4", 16), ("4", 16), ("51", 16), ("2221", 16),
                               ("3528", 16), ("3566", 16), ("3589", 16),
                               ("34", 15), ("37", 15), ("36", 14),
                               ("6011", 16)))
    return luhn(prefix + digits(rng, size - len(prefix) - 1))


def insurer(rng):
    body = "06" + f"{rng.randint(1, 47):02}" + digits(rng, 3)
    total = 0
    for i, digit in enumerate(reversed(body)):
        product = int(digit) * (2 if i % 2 == 0 else 1)
        total += product // 10 + product % 10
    return body + str(-total % 10)


def iban(rng):
    body = digits(rng, 18)
    number = int(body + "131400")  # DE00
    return f"DE{98 - number % 97:02}{body}"


def us_ssn(rng):
    return (f"{rng.choice([*range(1, 666), *range(667, 900)]):03}-"
            f"{rng.randint(1, 99):02}-{rng.randint(1, 9999):04}")


def nino(rng):
    return (rng.choice("ABCEGHJKLMNOPRSTWXYZ") + rng.choice("ABCEGHJKLMPRSTWX")
            + digits(rng, 6) + rng.choice("ABCD"))


def rrn(rng, birth):
    year, month, day = birth
    code = "12" if year < 2000 else "34"
    body = f"{year % 100:02}{month:02}{day:02}{rng.choice(code)}{digits(rng, 5)}"
    total = sum(int(d) * w for d, w in
                zip(body, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)))
    return body[:6] + "-" + body[6:] + str((11 - total % 11) % 10)


def chinese_id(rng, birth):
    year, month, day = birth
    body = f"{rng.choice(('110101', '310104', '440305'))}{year}{month:02}{day:02}"
    body += digits(rng, 3)
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(d) * w for d, w in
                                    zip(body, weights)) % 11]


def taiwan_id(rng):
    letter = rng.choice("ABCDEFGHJKLMNPQRSTUVXYWZIO")
    value = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(letter) + 10
    body = rng.choice("12") + digits(rng, 7)
    total = value // 10 + value % 10 * 9
    total += sum(int(d) * w for d, w in zip(body, range(8, 0, -1)))
    return letter + body + str(-total % 10)


VERHOEFF_D = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
              [2, 3, 4, 0, 1, 7, 8, 9, 5, 6], [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
              [4, 0, 1, 2, 3, 9, 5, 6, 7, 8], [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
              [6, 5, 9, 8, 7, 1, 0, 4, 3, 2], [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
              [8, 7, 6, 5, 9, 3, 2, 1, 0, 4], [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]]
VERHOEFF_P = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
for _ in range(6):
    VERHOEFF_P.append([VERHOEFF_P[1][d] for d in VERHOEFF_P[-1]])


def aadhaar(rng):
    body = rng.choice("23456789") + digits(rng, 10)
    check = 0
    for i, digit in enumerate(reversed(body)):
        check = VERHOEFF_D[check][VERHOEFF_P[(i + 1) % 8][int(digit)]]
    body += str([row.index(0) for row in VERHOEFF_D][check])
    return f"{body[:4]} {body[4:8]} {body[8:]}"


def nir(rng, birth):
    body = (rng.choice("12") + f"{birth[0] % 100:02}{birth[1]:02}"
            + f"{rng.randint(1, 95):02}" + digits(rng, 6))
    return body + f"{97 - int(body) % 97:02}"


ERAS = (("令和", "R", 2019, 5, 1), ("平成", "H", 1989, 1, 8),
        ("昭和", "S", 1926, 12, 25), ("大正", "T", 1912, 7, 30))


def era(birth, style):
    year, month, day = birth
    for name, letter, first, month0, day0 in ERAS:
        if birth >= (first, month0, day0):
            number = year - first + 1
            if style == "kanji":
                label = "元" if number == 1 else str(number)
                return f"{name}{label}年{month}月{day}日"
            if style == "letter":
                return f"{letter}{number:02}.{month:02}.{day:02}"
            digit = {"令和": 5, "平成": 4, "昭和": 3, "大正": 2}[name]
            return f"{digit}{number:02}{month:02}{day:02}"
    return f"{year}/{month}/{day}"


NOTES = ["", "", "", "折り返し希望", "契約更新, 要連絡", '通称"さくら"',
         "1行目\n2行目", "引越し予定あり"]
ILLNESS = ["高血圧症", "2型糖尿病", "異常なし", "要精密検査", "気管支喘息", "脂質異常症"]
BUILDINGS = ["", "", "", "コーポ桜", "メゾン青葉", "第2山田ビル", "グランドハイツ緑"]
DOMAINS = ["example.jp", "example.co.jp", "mail.example.ne.jp", "example.com"]
STREETS = ["Oak Street", "Main Road", "Baker Street", "Elm Avenue"]


def subject(rng, number):
    """One person: field -> value."""
    surname, given = names.pick(rng, 0), names.pick(rng, 1)
    postal, prefecture, rest = rng.choice(places())
    block = (f"{rng.randint(1, 9)}-{rng.randint(1, 30)}-{rng.randint(1, 40)}")
    building = rng.choice(BUILDINGS)
    building = building and f"{building}{rng.randint(101, 1205)}"
    birth = (rng.randint(1935, 2007), rng.randint(1, 12), rng.randint(1, 28))
    mobile = (f"{rng.choice(('090', '080', '070', '060'))}-"
              f"{rng.randint(1000, 9999)}-{rng.randint(0, 9999):04}")
    landline = rng.choice((f"03-{rng.randint(3000, 6999)}",
                           f"06-{rng.randint(6000, 6999)}",
                           f"045-{rng.randint(200, 999)}",
                           f"0463-{rng.randint(20, 99)}"))
    roman = (names.romaji(surname[1]), names.romaji(given[1]))
    return {
        "member": f"M{number:08}",
        "name": f"{surname[0]}　{given[0]}",
        "name_joined": surname[0] + given[0],
        "surname": surname[0], "given": given[0],
        "kana": f"{surname[1]} {given[1]}",
        "kana_surname": surname[1], "kana_given": given[1],
        "roman": f"{roman[1]} {roman[0]}",
        "roman_upper": f"{roman[0]} {roman[1]}".upper(),
        "sex": "男" if given[2] == "1" else "女", "sex_code": given[2],
        "birth": f"{birth[0]}/{birth[1]:02}/{birth[2]:02}",
        "birth_iso": f"{birth[0]}-{birth[1]:02}-{birth[2]:02}",
        "birth_bare": f"{birth[0]}{birth[1]:02}{birth[2]:02}",
        "birth_era": era(birth, "kanji"), "birth_letter": era(birth, "letter"),
        "birth_compact": era(birth, "compact"),
        "age": str(2026 - birth[0]),
        "postal": postal, "prefecture": prefecture,
        "address": f"{prefecture}{rest}{block}"
                   + (f" {building}" if building else ""),
        "city": rest + block,
        "phone": mobile, "landline": f"{landline}-{rng.randint(0, 9999):04}",
        "e164": "+81" + mobile[1:].replace("-", ""),
        "email": f"{roman[0].lower()}.{roman[1].lower()}{number % 1000}"
                 f"@{rng.choice(DOMAINS)}",
        "note": rng.choice(NOTES),
        "my_number": my_number(rng), "license": drivers_license(rng),
        "card": card(rng), "insurer": insurer(rng),
        "insured_symbol": digits(rng, 4), "insured_number": digits(rng, 7),
        "pension": f"{digits(rng, 4)}-{digits(rng, 6)}",
        "bank": rng.choice(("0001", "0005", "0009", "9900")),
        "branch": digits(rng, 3), "account": digits(rng, 7),
        "yucho_symbol": "1" + digits(rng, 3) + "0",
        "yucho_number": rng.choice("123") + digits(rng, 6) + "1",
        "passport": rng.choice(("TR", "TK", "TZ", "MU")) + digits(rng, 7),
        "residence": rng.choice(("AB", "UH", "ZX")) + digits(rng, 8)
                     + rng.choice(("CD", "EA", "ZW")),
        "illness": rng.choice(ILLNESS),
        "pressure": f"{rng.randint(100, 170)}/{rng.randint(60, 100)}",
        "height": f"{rng.randint(1400, 1900) / 10}",
        "circuit": "0" + digits(rng, 9), "iban": iban(rng),
        "ssn": us_ssn(rng), "nino": nino(rng), "rrn": rrn(rng, birth),
        "chinese": chinese_id(rng, birth), "taiwan": taiwan_id(rng),
        "aadhaar": aadhaar(rng), "nir": nir(rng, birth),
        "street": f"{rng.randint(1, 999)} {rng.choice(STREETS)}",
    }


def subjects(rng, count):
    """Distinct people, the member number runs."""
    start = rng.randint(10_000, 900_000)
    return [subject(rng, start + i) for i in range(count)]
