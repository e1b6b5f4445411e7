"""Files that hold nobody's personal data: tables made here, and what Debian's
packages and logs put on the machine."""

import os
import random

import subjects

# Of this machine, beside the packages that are fetched.
ROOTS = ("/var/log", "/etc", "/usr/share/common-licenses", "/usr/share/misc",
         "/usr/share/i18n", "/usr/share/mecab", "/usr/share/skk")
PER_FOLDER = 60
PER_PACKAGE = 450
MAX_BYTES = 64 << 20
# Named, not read, and a condition of their own: no part of this corpus.
MEDIA = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"OggS",
         b"\0\0\1\0", b"\x1a\x45\xdf\xa3")


def under(root, kind, most):
    """At most `most` regular files with something in them, a few of each
    folder."""
    rng = random.Random(5)
    found = []
    for place, _, names in sorted(os.walk(root)):
        names.sort()
        rng.shuffle(names)
        taken = 0
        for name in names:
            path = os.path.join(place, name)
            if (os.path.islink(path) or not os.path.isfile(path)
                    or not 0 < os.path.getsize(path) <= MAX_BYTES
                    or not os.access(path, os.R_OK)):
                continue
            with open(path, "rb") as file:
                if file.read(8).startswith(MEDIA):
                    continue
            found.append((path, kind))
            taken += 1
            if taken == PER_FOLDER:
                break
    rng.shuffle(found)
    return found[:most]


def corpus(folder, cache):
    """(path, kind) of the long form: everything generated, made and fetched.
    `cache` keeps the packages."""
    import made
    import packages
    found = list(generated(folder, short=False)) + list(made.files(folder))
    for tree, kind in packages.fetch(cache):
        found += under(tree, kind, PER_PACKAGE)
    for root in ROOTS:
        found += under(root, "this machine", PER_PACKAGE)
    return found


def ean13(rng):
    body = "49" + subjects.digits(rng, 10)
    total = sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(body))
    return body + str(-total % 10)


def imei(rng):
    return subjects.luhn("35" + subjects.digits(rng, 12))


def iccid(rng):
    return subjects.luhn("8981" + subjects.digits(rng, 14))


def corporate(rng):
    body = subjects.digits(rng, 12)
    total = sum(int(d) * (1 if i % 2 == 0 else 2)
                for i, d in enumerate(reversed(body)))
    return str(9 - total % 9) + body


COMPANY = ("山田", "佐藤", "東洋", "三和", "日進", "高橋", "共栄", "北斗", "青葉", "田中")
TRADE = ("商事", "工業", "電機", "建設", "物産", "運輸", "製作所", "印刷")
PRODUCTS = ("六角ボルト", "光終端装置", "LANケーブル", "電源ユニット", "ルータ", "交換機盤")
CITIES = ("本店", "札幌支店", "仙台支店", "大阪支店", "福岡営業所")


def _company(rng):
    return "株式会社" + rng.choice(COMPANY) + rng.choice(TRADE)


def _place(rng):
    code, prefecture, rest = rng.choice(subjects.places())
    return code, prefecture, rest


def _call(rng):
    return (f"sip:0{rng.randint(30, 69)}{subjects.digits(rng, 7)}@"
            f"10.{rng.randint(0, 9)}.0.{rng.randint(1, 254)}:5060")


def tables(rng, rows):
    """Name -> (header, row maker)."""
    def row_of(*makers):
        return [[str(make(i)) for make in makers] for i in range(rows)]
    return {
        "random12": (["管理番号", "数量"],
                     row_of(lambda i: subjects.digits(rng, 12),
                            lambda i: rng.randint(1, 99))),
        "random12_bare": (None, row_of(lambda i: subjects.digits(rng, 12))),
        "random10_bare": (None, row_of(lambda i: subjects.digits(rng, 10))),
        "random11_bare": (None, row_of(lambda i: subjects.digits(rng, 11))),
        "random16_bare": (None, row_of(lambda i: subjects.digits(rng, 16))),
        "serial16": (["シリアル", "型番"],
                     row_of(lambda i: 4000000000000000 + i * 7,
                            lambda i: f"TX-{i:05}")),
        "imei": (["端末", "製造番号"], row_of(lambda i: "SH-01", lambda i:
                                         imei(rng))),
        "imei_bare": (None, row_of(lambda i: imei(rng), lambda i: iccid(rng))),
        "iccid": (["ICCID"], row_of(lambda i: iccid(rng))),
        "iccid_bare": (None, row_of(lambda i: iccid(rng))),
        "jan": (["JANコード", "商品名", "単価"],
                row_of(lambda i: ean13(rng), lambda i: rng.choice(PRODUCTS),
                       lambda i: rng.randint(10, 9999))),
        "jan_bare": (None, row_of(lambda i: ean13(rng))),
        "epoch": (["time", "value"],
                  row_of(lambda i: 1700000000000 + i * 997,
                         lambda i: f"{rng.random():.4f}")),
        "epoch_bare": (None, row_of(lambda i: 1700000000000 + i * 1009)),
        "seconds_bare": (None, row_of(lambda i: 1700000000 + i * 61,
                                      lambda i: rng.randint(0, 100))),
        "corporate": (["法人番号", "法人名", "所在地"],
                      row_of(lambda i: corporate(rng), lambda i: _company(rng),
                             lambda i: "".join(_place(rng)[1:]))),
        "corporate_bare": (None, row_of(lambda i: corporate(rng))),
        "companies": (["会社名", "代表者氏名", "郵便番号", "住所", "電話番号",
                       "メールアドレス"],
                      row_of(lambda i: _company(rng) + str(i),
                             lambda i: subjects.subject(rng, i)["name"],
                             lambda i: _place(rng)[0],
                             lambda i: "".join(_place(rng)[1:]) + "1-2-3",
                             lambda i: f"03-3{i % 1000:03}-{i % 10000:04}",
                             lambda i: f"info@company{i}.example.jp")),
        "shops": (["店舗名", "住所", "電話番号", "営業時間"],
                  row_of(lambda i: f"{_place(rng)[2][-3:]}店",
                         lambda i: "".join(_place(rng)[1:]) + f"{i % 9 + 1}-2",
                         lambda i: f"06-6{i % 1000:03}-{i % 10000:04}",
                         lambda i: "10:00-20:00")),
        "shops_bare": (None, row_of(
            lambda i: f"{rng.choice(COMPANY)}{_place(rng)[2][-2:]}店",
            lambda i: "".join(_place(rng)[1:]) + f"{i % 9 + 1}-2",
            lambda i: f"06-6{i % 1000:03}-{i % 10000:04}")),
        "postal": (["郵便番号", "都道府県", "市区町村"],
                   row_of(lambda i: subjects.places()[i % 4000][0],
                          lambda i: subjects.places()[i % 4000][1],
                          lambda i: subjects.places()[i % 4000][2])),
        "postal_bare": (None, row_of(
            lambda i: subjects.places()[i % 4000][0].replace("-", ""),
            lambda i: subjects.places()[i % 4000][1],
            lambda i: subjects.places()[i % 4000][2])),
        "name_dictionary": (["読み", "表記"],
                            row_of(lambda i: subjects.names.pick(rng, 0)[1],
                                   lambda i: subjects.names.pick(rng, 0)[0])),
        "name_dictionary_bare": (None, row_of(
            lambda i: subjects.names.pick(rng, 0)[0],
            lambda i: subjects.names.pick(rng, 0)[1], lambda i: "姓")),
        "full_names_bare": (None, row_of(
            lambda i: subjects.subject(rng, i)["name_joined"])),
        "sensors": (["日時", "温度", "湿度", "気圧"],
                    row_of(lambda i: f"2026/{i % 12 + 1:02}/{i % 28 + 1:02} "
                                     f"{i % 24:02}:00",
                           lambda i: f"{rng.uniform(10, 40):.2f}",
                           lambda i: rng.randint(20, 90),
                           lambda i: f"{rng.uniform(980, 1030):.1f}")),
        "assets": (["資産番号", "機器名", "設置場所", "購入日", "IPアドレス", "MACアドレス"],
                   row_of(lambda i: f"A{i:06}", lambda i: rng.choice(PRODUCTS),
                          lambda i: rng.choice(CITIES),
                          lambda i: f"{2001 + i % 20}/04/01",
                          lambda i: f"10.1.{i // 250 % 250}.{i % 250}",
                          lambda i: f"00:1a:2b:{i // 65536 % 256:02x}:"
                                    f"{i // 256 % 256:02x}:{i % 256:02x}")),
        "orders": (["受注番号", "受注日", "商品コード", "数量", "金額"],
                   row_of(lambda i: f"{20240000 + i}",
                          lambda i: f"1999/{i % 12 + 1:02}/{i % 28 + 1:02}",
                          lambda i: f"P{i % 97:04}",
                          lambda i: rng.randint(1, 9),
                          lambda i: rng.randint(100, 90000))),
        "branches": (["銀行コード", "支店コード", "支店名"],
                     row_of(lambda i: f"{i % 99 + 1:04}",
                            lambda i: f"{i % 999:03}",
                            lambda i: _place(rng)[2][-2:] + "支店")),
        "health_statistics": (["病名", "男", "女", "合計"],
                              row_of(lambda i: rng.choice(subjects.ILLNESS),
                                     lambda i: rng.randint(0, 9999),
                                     lambda i: rng.randint(0, 9999),
                                     lambda i: rng.randint(0, 19999))),
        "insurers": (["保険者番号", "保険者名", "所在地"],
                     row_of(lambda i: subjects.insurer(rng),
                            lambda i: rng.choice(COMPANY) + "健康保険組合",
                            lambda i: "".join(_place(rng)[1:]))),
        "calls": (["time", "from", "to", "status", "ms"],
                  row_of(lambda i: f"2026-11-25T10:{i % 60:02}:{i % 60:02}Z",
                         lambda i: _call(rng), lambda i: _call(rng),
                         lambda i: rng.choice((200, 486, 404)),
                         lambda i: rng.randint(1, 90000))),
        "desks": (["部署", "内線", "メール"],
                  row_of(lambda i: rng.choice(CITIES),
                         lambda i: f"{1000 + i % 9000}",
                         lambda i: rng.choice(("info", "support", "sales"))
                         + "@example.co.jp")),
        "freephone": (["窓口", "電話番号"],
                      row_of(lambda i: rng.choice(CITIES) + "窓口",
                             lambda i: f"0120-{i % 900 + 100}-{i % 1000:03}")),
        "stations": (["駅名", "路線", "住所"],
                     row_of(lambda i: f"{_place(rng)[2][-2:]}駅",
                            lambda i: "中央線",
                            lambda i: "".join(_place(rng)[1:]))),
        "hosts": (["name", "address", "os"],
                  row_of(lambda i: f"web-{i:03}", lambda i: f"10.0.{i % 250}.1",
                         lambda i: "Debian 12")),
        "versions": (None, row_of(lambda i: f"lib{i}",
                                  lambda i: f"1.{i % 20}.{i % 7}-{i % 3}",
                                  lambda i: f"{rng.getrandbits(128):032x}")),
        "coordinates": (["緯度", "経度", "町名"],
                        row_of(lambda i: f"{rng.uniform(30, 45):.6f}",
                               lambda i: f"{rng.uniform(130, 145):.6f}",
                               lambda i: _place(rng)[2])),
    }


def sip_trace(rng, rows):
    return "".join(
        f"INVITE {_call(rng)} SIP/2.0\r\nCall-ID: {rng.getrandbits(64):016x}@"
        f"10.0.0.{i % 250}\r\nFrom: <{_call(rng)}>;tag={i}\r\nTo: "
        f"<{_call(rng)}>\r\nCSeq: {i} INVITE\r\nContact: <{_call(rng)}>\r\n\r\n"
        for i in range(rows // 6))


def system_log(rng, rows):
    return "".join(
        f"Nov 25 10:{i % 60:02}:{i % 60:02} pbx-{i % 4} asterisk[{rng.randint(1, 32768)}]: "
        f"channel SIP/{rng.getrandbits(48):012x} duration "
        f"{rng.randint(0, 10**9)} ref 1700{rng.randint(0, 999999999):09}\n"
        for i in range(rows))


def generated(folder, short):
    """Writes tables with and without header, in several encodings."""
    rng = random.Random(11)
    rows = 300 if short else 2000
    for name, (header, body) in tables(rng, rows).items():
        lines = ([header] if header else []) + body
        for mark, encoding in ((",", "utf-8"), ("\t", "cp932"),
                               (",", "utf-16-le")):
            text = "".join(mark.join(line) + "\r\n" for line in lines)
            path = os.path.join(folder, f"harmless_{name}_{encoding}")
            with open(path, "wb") as out:
                out.write(text.encode(encoding, "replace"))
            yield path, "generated"
            if short:
                break
    for name, make in (("sip", sip_trace), ("syslog", system_log)):
        path = os.path.join(folder, f"harmless_{name}")
        with open(path, "w", encoding="utf-8") as out:
            out.write(make(rng, rows))
        yield path, "generated"
    for i, size in enumerate((1000, 70000, 400000)):
        path = os.path.join(folder, f"harmless_noise{i}")
        with open(path, "wb") as out:
            out.write(rng.randbytes(size))
        # Cannot be told from an encrypted file.
        yield path, "noise"
