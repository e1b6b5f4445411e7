#!/usr/bin/env python3
"""Makes lists of people who do not exist, from a seed.

The names are our own short lists, not taken from the dictionary the detector is
built from, so that a test never checks the dictionary against itself.

  people.py --count 1500 --encoding cp932 --seed 7 --out customers.csv
            [--needles needles.txt]

`--needles` writes every name, phone number and address, one a line, UTF-8: what
must not be found on a medium afterwards.
"""

import argparse
import csv
import io
import random

SURNAMES = [line.split() for line in """
佐藤 サトウ|鈴木 スズキ|高橋 タカハシ|髙橋 タカハシ|田中 タナカ|伊藤 イトウ|渡辺 ワタナベ|渡邊 ワタナベ
山本 ヤマモト|中村 ナカムラ|小林 コバヤシ|加藤 カトウ|吉田 ヨシダ|山田 ヤマダ|佐々木 ササキ|山口 ヤマグチ
松本 マツモト|井上 イノウエ|木村 キムラ|林 ハヤシ|斎藤 サイトウ|清水 シミズ|山崎 ヤマザキ|山﨑 ヤマザキ
森 モリ|池田 イケダ|橋本 ハシモト|阿部 アベ|石川 イシカワ|山下 ヤマシタ|中島 ナカジマ|石井 イシイ
小川 オガワ|前田 マエダ|岡田 オカダ|長谷川 ハセガワ|藤田 フジタ|後藤 ゴトウ|近藤 コンドウ|村上 ムラカミ
遠藤 エンドウ|青木 アオキ|坂本 サカモト|福田 フクダ|太田 オオタ|西村 ニシムラ|藤井 フジイ|岡本 オカモト
金子 カネコ|藤原 フジワラ|中野 ナカノ|三浦 ミウラ|原田 ハラダ|中川 ナカガワ|松田 マツダ|竹内 タケウチ
小野 オノ|田村 タムラ|中山 ナカヤマ|和田 ワダ|石田 イシダ|森田 モリタ|上田 ウエダ|原 ハラ
柴田 シバタ|酒井 サカイ|工藤 クドウ|横山 ヨコヤマ|宮崎 ミヤザキ|宮本 ミヤモト|内田 ウチダ|高木 タカギ
安藤 アンドウ|谷口 タニグチ|大野 オオノ|丸山 マルヤマ|今井 イマイ|高田 タカダ|濵田 ハマダ|栁田 ヤナギダ
""".replace("\n", "|").strip("|").split("|")]

GIVEN = [line.split() for line in """
翔太 ショウタ 1|大翔 ヒロト 1|蓮 レン 1|健一 ケンイチ 1|誠 マコト 1|浩二 コウジ 1|直樹 ナオキ 1|拓也 タクヤ 1
和夫 カズオ 1|清 キヨシ 1|達也 タツヤ 1|雄大 ユウダイ 1|悠真 ユウマ 1|湊 ミナト 1|隆 タカシ 1|正樹 マサキ 1
学 マナブ 1|亮 リョウ 1|剛 ツヨシ 1|秀明 ヒデアキ 1|康平 コウヘイ 1|修 オサム 1|哲也 テツヤ 1|啓介 ケイスケ 1
陽菜 ヒナ 2|結衣 ユイ 2|さくら サクラ 2|美咲 ミサキ 2|花子 ハナコ 2|由美 ユミ 2|恵子 ケイコ 2|裕子 ユウコ 2
真由美 マユミ 2|智子 トモコ 2|久美子 クミコ 2|愛 アイ 2|彩香 アヤカ 2|葵 アオイ 2|凛 リン 2|幸子 サチコ 2
明美 アケミ 2|直美 ナオミ 2|麻衣 マイ 2|千尋 チヒロ 2|香織 カオリ 2|典子 ノリコ 2|ひかり ヒカリ 2|七海 ナナミ 2
""".replace("\n", "|").strip("|").split("|")]

PLACES = [line.split() for line in """
100-0001 東京都 千代田区 千代田|150-0002 東京都 渋谷区 渋谷|160-0023 東京都 新宿区 西新宿
530-0001 大阪府 大阪市北区 梅田|540-0008 大阪府 大阪市中央区 大手前|604-8571 京都府 京都市中京区 上本能寺前町
460-0008 愛知県 名古屋市中区 栄|060-0001 北海道 札幌市中央区 北一条西|812-0011 福岡県 福岡市博多区 博多駅前
980-0811 宮城県 仙台市青葉区 一番町|220-0012 神奈川県 横浜市西区 みなとみらい|330-0854 埼玉県 さいたま市大宮区 桜木町
260-0013 千葉県 千葉市中央区 中央|730-0011 広島県 広島市中区 基町|650-0001 兵庫県 神戸市中央区 加納町
700-0901 岡山県 岡山市北区 本町|900-0015 沖縄県 那覇市 久茂地|920-0961 石川県 金沢市 香林坊
380-0845 長野県 長野市 西後町|420-0851 静岡県 静岡市葵区 黒金町|860-0806 熊本県 熊本市中央区 花畑町
""".replace("\n", "|").strip("|").split("|")]

BUILDINGS = ["", "", "", "コーポ桜", "メゾン青葉", "第2山田ビル", "グランドハイツ緑"]
DOMAINS = ["example.jp", "example.co.jp", "mail.example.ne.jp", "example.com"]

HEADER = ["会員番号", "氏名", "フリガナ", "性別", "生年月日", "郵便番号", "住所",
          "電話番号", "メールアドレス", "備考"]


def person(rng, number):
    surname, surname_kana = rng.choice(SURNAMES)
    given, given_kana, sex = rng.choice(GIVEN)
    postal, prefecture, city, town = rng.choice(PLACES)
    address = (f"{prefecture}{city}{town}{rng.randint(1, 9)}-"
               f"{rng.randint(1, 30)}-{rng.randint(1, 40)}")
    building = rng.choice(BUILDINGS)
    if building:
        address += f" {building}{rng.randint(101, 1205)}"
    phone = (f"{rng.choice(['090', '080', '070', '060'])}-"
             f"{rng.randint(1000, 9999)}-{rng.randint(0, 9999):04}")
    year = rng.randint(1940, 2004)
    month, day = rng.randint(1, 12), rng.randint(1, 28)
    if rng.random() < 0.3:
        birth = (f"昭和{year - 1925}年{month}月{day}日" if 1927 <= year <= 1988
                 else f"平成{year - 1988}年{month}月{day}日" if year >= 1990
                 else f"{year}/{month:02}/{day:02}")
    else:
        birth = f"{year}/{month:02}/{day:02}"
    return {
        "会員番号": f"M{number:08}",
        "氏名": f"{surname}　{given}",
        "フリガナ": f"{surname_kana} {given_kana}",
        "性別": "男" if sex == "1" else "女",
        "生年月日": birth,
        "郵便番号": postal,
        "住所": address,
        "電話番号": phone,
        "メールアドレス": f"user{number}.{rng.randint(10, 99)}@"
                          f"{rng.choice(DOMAINS)}",
        "備考": rng.choice(["", "", "", "折り返し希望", "契約更新, 要連絡",
                            '通称"さくら"', "1行目\n2行目"]),
    }


def people(count, seed):
    rng = random.Random(seed)
    start = rng.randint(10_000, 900_000)
    return [person(rng, start + i) for i in range(count)]


def to_csv(rows, delimiter=",", header=True, columns=None, line_end="\r\n"):
    columns = columns or HEADER
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=line_end)
    if header:
        writer.writerow(columns)
    writer.writerows([row[c] for c in columns] for row in rows)
    return out.getvalue()


def nec_rows():
    """Characters of CP932's rows ED and EE at their place in Windows' EUC."""
    table = {}
    for lead in (0xED, 0xEE):
        for trail in range(0x40, 0xFD):
            try:
                char = bytes((lead, trail)).decode("cp932")
            except UnicodeDecodeError:
                continue
            row = (lead - 0xC1) * 2 + (trail >= 0x9F)
            cell = (trail - 0x9F if trail >= 0x9F
                    else trail - 0x40 - (trail > 0x7F))
            table[char] = bytes((0xA1 + row, 0xA1 + cell))
    return table


def encode(text, encoding):
    """Python's euc_jp lacks the NEC rows that hold 髙, 﨑 and 栁."""
    if encoding != "euc-jp":
        return text.encode(encoding)
    rows = nec_rows()
    return b"".join(rows[c] if c in rows else c.encode("euc_jp") for c in text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--encoding", default="utf-8",
                        choices=["utf-8", "utf-8-sig", "cp932", "euc-jp",
                                 "utf-16", "utf-16-le", "utf-16-be"])
    parser.add_argument("--delimiter", default=",")
    parser.add_argument("--no-header", action="store_true")
    parser.add_argument("--out", required=True)
    parser.add_argument("--needles")
    args = parser.parse_args()

    rows = people(args.count, args.seed)
    text = to_csv(rows, args.delimiter, header=not args.no_header)
    with open(args.out, "wb") as out:
        out.write(encode(text, args.encoding))
    if args.needles:
        needles = set()
        for row in rows:
            needles.update((row["氏名"], row["電話番号"], row["住所"]))
        with open(args.needles, "w", encoding="utf-8") as out:
            out.writelines(needle + "\n" for needle in sorted(needles))


if __name__ == "__main__":
    main()
