"""Names of people for the accuracy kit, from Debian's enamdict and SKK jinmei.

The detector's dictionaries are built from mecab-ipadic: a detector must not be
tested with its own names. Both files are read while testing and never shipped.
"""

import random
import re
import sys
from functools import lru_cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import people  # noqa: E402  our own list of the most common names

ENAMDICT = "/usr/share/edict/enamdict"
JINMEI = "/usr/share/skk/SKK-JISYO.jinmei"

ROMAJI = {}
for _row in """ア a イ i ウ u エ e オ o カ ka キ ki ク ku ケ ke コ ko サ sa シ shi ス su セ se ソ so
タ ta チ chi ツ tsu テ te ト to ナ na ニ ni ヌ nu ネ ne ノ no ハ ha ヒ hi フ fu ヘ he ホ ho
マ ma ミ mi ム mu メ me モ mo ヤ ya ユ yu ヨ yo ラ ra リ ri ル ru レ re ロ ro ワ wa ヲ o ン n
ガ ga ギ gi グ gu ゲ ge ゴ go ザ za ジ ji ズ zu ゼ ze ゾ zo ダ da ヂ ji ヅ zu デ de ド do
バ ba ビ bi ブ bu ベ be ボ bo パ pa ピ pi プ pu ペ pe ポ po ヴ vu""".splitlines():
    _words = _row.split()
    ROMAJI.update(zip(_words[::2], _words[1::2]))


def romaji(kana):
    """Hepburn without long vowels, as passports write it."""
    out = ""
    double = False
    for char in kana:
        if char == "ッ":
            double = True
            continue
        if char in "ャュョ" and out:
            vowel = {"ャ": "a", "ュ": "u", "ョ": "o"}[char]
            soft = out.endswith(("shi", "chi", "ji"))
            out = out[:-1] + (vowel if soft else "y" + vowel)
            continue
        part = ROMAJI.get(char, "")
        out += (part[:1] if double else "") + part
        double = False
    return re.sub("(ou|oo)", "o", out).replace("uu", "u").capitalize()


def katakana(hiragana):
    return "".join(chr(ord(c) + 0x60) if "ぁ" <= c <= "ゖ" else c
                   for c in hiragana)


def _encodable(text):
    """In the character set of CP932 without half-width kana: every encoding of
    the kit can write it."""
    try:
        text.encode("cp932")
        return True
    except UnicodeEncodeError:
        return False


@lru_cache(maxsize=1)
def sources():
    """(common, skk, enamdict) lists of surnames and of given names, each entry
    (kanji, kana[, sex])."""
    common = ([tuple(n) for n in people.SURNAMES],
              [(n[0], n[1], n[2]) for n in people.GIVEN])
    skk = ([], [])
    with open(JINMEI, encoding="euc_jp", errors="replace") as lines:
        for line in lines:
            if line.startswith(";") or " /" not in line:
                continue
            kana, rest = line.rstrip("/\n").split(" /", 1)
            kana = katakana(kana)
            if not re.fullmatch("[ァ-ヴ]{2,}", kana):
                continue
            for entry in rest.split("/"):
                word, _, part = entry.partition(";")
                if (not re.fullmatch("[一-龠々ケヶ]{1,4}", word)
                        or not _encodable(word)):
                    continue
                if part == "姓":
                    skk[0].append((word, kana))
                elif part == "名":
                    skk[1].append((word, kana, "2" if kana[-1] in "コミエカ"
                                   else "1"))
    wide = ([], [])
    pattern = re.compile(r"^(\S+) \[(\S+)\] /\(([a-z,]+)\)")
    with open(ENAMDICT, encoding="euc_jp", errors="replace") as lines:
        for line in lines:
            match = pattern.match(line)
            if not match:
                continue
            word, kana, kinds = match.groups()
            kana = katakana(kana)
            kinds = kinds.split(",")
            if (not re.fullmatch("[ァ-ヴ]{2,}", kana) or not _encodable(word)):
                continue
            if "s" in kinds and re.fullmatch("[一-龠々]{1,4}", word):
                wide[0].append((word, kana))
            elif (("f" in kinds or "m" in kinds)
                  and re.fullmatch("[一-龠々ぁ-ん]{1,4}", word)):
                wide[1].append((word, kana, "1" if "m" in kinds else "2"))
    return common, skk, wide


def pick(rng, part):
    """A third of all people share the most common names; the rest is long."""
    source = rng.choices(sources(), weights=(40, 40, 20))[0]
    return rng.choice(source[part])


if __name__ == "__main__":
    chosen = random.Random(1)
    for _ in range(10):
        surname, given = pick(chosen, 0), pick(chosen, 1)
        print(surname, given, romaji(surname[1]), romaji(given[1]))
    print([tuple(map(len, s)) for s in sources()])
