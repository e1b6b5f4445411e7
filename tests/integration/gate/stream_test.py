#!/usr/bin/env python3
"""Large new files that are released while they are written, with the real scan
worker, onto a small ext4 and vfat image that is read raw afterwards.

usage: stream_test.py GATE_UNDER_TEST SEKISHO_SCAN [unittest options]
"""

import contextlib
import errno
import fcntl
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import rig

GATE = SCAN = ""
MIB = 1 << 20
random.seed(20261126)

SURNAMES = "佐藤 鈴木 高橋 田中 伊藤 渡辺 山本 中村 小林 加藤".split()
GIVEN = "健一 花子 太郎 美咲 翔太 由美 大輔 陽子 拓也 恵子".split()


def prose(size):
    """English text without people, at least `size` bytes of whole lines."""
    lines = [f"Section {i}: the pump was checked and the valve was closed.\n"
             for i in range(size // 50)]
    return "".join(lines).encode()


def person(i):
    """A line of prose that is one person, whose phone occurs only here."""
    return (f"{SURNAMES[i % 10]} {GIVEN[i // 10 % 10]}さんの電話番号は"
            f"090-{1000 + i:04}-{5000 + i:04}です。\n").encode()


def customers(first, count):
    rows = ["会員番号,氏名,電話番号,メールアドレス\n"] if first == 0 else []
    rows += [f"M{100000 + i},{SURNAMES[i % 10]} {GIVEN[i // 10 % 10]},"
             f"090-{1000 + i // 9000:04}-{1000 + i % 9000:04},"
             f"user{i}@example.jp\n" for i in range(first, first + count)]
    return "".join(rows).encode()


def phone_of(i):
    return f"090-{1000 + i:04}-{5000 + i:04}".encode()


class Medium:
    """A filesystem in an image file, on a loop device."""

    def __init__(self, kind, mib):
        self.dir = tempfile.mkdtemp(prefix="stream-test-", dir="/var/tmp")
        self.image = self.dir + "/image"
        self.path = self.dir + "/medium"
        os.mkdir(self.path)
        with open(self.image, "wb") as file:
            file.truncate(mib * MIB)
        make = {"ext4": ["mkfs.ext4", "-q", "-F"], "vfat": ["mkfs.vfat"]}[kind]
        subprocess.run([*make, self.image], check=True, capture_output=True)
        options = "loop,utf8=1" if kind == "vfat" else "loop"
        subprocess.run(["mount", "-t", kind, "-o", options, self.image,
                        self.path], check=True)

    def close(self):
        subprocess.run(["umount", self.path], check=False)
        subprocess.run(["rm", "-rf", self.dir], check=True)

    def raw(self):
        """Every byte of the medium once it is unmounted."""
        subprocess.run(["umount", self.path], check=True)
        return self.raw_now()

    def raw_now(self):
        os.sync()
        with open(self.image, "rb") as file:
            return file.read()


def mount_works(kind):
    try:
        medium = Medium(kind, 16)
    except (subprocess.CalledProcessError, FileNotFoundError):
        return False
    medium.close()
    return True


class Streams(unittest.TestCase):
    kind = "ext4"

    def setUp(self):
        if not mount_works(self.kind):
            self.skipTest(f"this kernel mounts no {self.kind}")
        self.medium = Medium(self.kind, 192)
        self.addCleanup(self.medium.close)
        self.rig = rig.Rig(GATE, real=self.medium.path, scan=SCAN, options={
            "staging_bytes": 16 * MIB, "file_bytes": 16 * MIB})
        self.rig.core.block = lambda q: (q["persons"] > 20 or
                                         q["inspection"] != "full")
        self.rig.__enter__()
        self.addCleanup(self.rig.__exit__)

    def write(self, name, content, piece=MIB):
        """The errno of the first failing step, or 0."""
        fd = os.open(self.rig.path(name), os.O_WRONLY | os.O_CREAT, 0o644)
        failed = 0
        try:
            for at in range(0, len(content), piece):
                os.write(fd, content[at:at + piece])
        except OSError as error:
            failed = error.errno
        try:
            os.close(fd)
        except OSError as error:
            failed = failed or error.errno
        return failed

    def released_file(self):
        for name in os.listdir(self.medium.path):
            if name.startswith(".sekisho-"):
                return os.path.join(self.medium.path, name)
        return None

    def raw(self):
        self.rig.finish()
        return self.medium.raw()

    def test_file_larger_than_the_staging_bound(self):
        content = prose(96 * MIB)
        self.assertEqual(self.write("log.txt", content), 0)
        self.assertTrue(self.rig.on_medium("log.txt") == content)
        question = self.rig.core.questions[-1]
        self.assertEqual(question["persons"], 0)
        self.assertEqual(question["bytes"], len(content))
        self.assertEqual(question["inspection"], "full")
        self.assertEqual(len(question["hash"]), 32)
        self.assertEqual([n for n in os.listdir(self.medium.path)
                          if n.startswith(".")], [])

    def test_small_writes_stream_as_well(self):
        content = prose(24 * MIB)
        self.assertEqual(self.write("log.txt", content, piece=4096), 0)
        self.assertTrue(self.rig.on_medium("log.txt") == content)
        self.assertGreater(len(self.rig.core.releases), 0)

    def test_few_people_pass_and_are_counted_before_they_are_released(self):
        content = prose(4 * MIB) + person(1) + person(2) + prose(28 * MIB)
        self.assertEqual(self.write("log.txt", content), 0)
        self.assertTrue(self.rig.on_medium("log.txt") == content)
        counted = [r for r in self.rig.core.releases if r["released"] == 2]
        self.assertTrue(counted, "nobody asked for the two people")
        self.assertEqual(len(counted[0]["people"]), 16)
        # What is released is behind what was looked at.
        self.assertLess(counted[0]["bytes"], counted[0]["findings"]["bytes"])
        self.assertEqual(self.rig.core.questions[-1]["released"], 2)

    def test_list_in_the_middle_is_held_back_from_its_first_person(self):
        fd = os.open(self.rig.path("log.txt"), os.O_WRONLY | os.O_CREAT)
        for content in (prose(8 * MIB), customers(0, 50_000)):
            for at in range(0, len(content), MIB):
                os.write(fd, content[at:at + MIB])
        before = self.medium.raw_now()
        self.assertTrue(b"Section 7:" in before)
        self.assertFalse(b"user0@" in before)
        with self.assertRaises(PermissionError):
            os.close(fd)
        question = self.rig.core.questions[-1]
        self.assertAlmostEqual(question["persons"], 50_000, delta=1_500)
        self.assertEqual(question["released"], 0)
        raw = self.raw()
        for i in (0, 1, 25_000, 49_999):
            self.assertFalse(f"user{i}@".encode() in raw)
        self.assertFalse(b"Section 7:" in raw)  # the prefix is overwritten

    def test_people_before_the_one_too_many_are_written_and_overwritten(self):
        some = b"".join(prose(MIB) + person(i) for i in range(6))
        many = b"".join(person(i) for i in range(100, 200))
        path = self.rig.path("log.txt")
        fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
        for at in range(0, len(some), MIB):
            os.write(fd, some[at:at + MIB])
        os.write(fd, prose(2 * MIB))
        with open(self.released_file(), "rb") as file:
            on_medium = file.read()
        self.assertTrue(phone_of(3) in on_medium)
        self.assertTrue(phone_of(3) in self.medium.raw_now())
        os.write(fd, many + prose(4 * MIB))
        with open(self.released_file(), "rb") as file:
            self.assertFalse(phone_of(120) in file.read())
        with self.assertRaises(PermissionError):
            os.close(fd)
        question = self.rig.core.questions[-1]
        self.assertEqual(question["persons"], 106)
        self.assertEqual(question["released"], 6)
        raw = self.raw()
        for i in list(range(6)) + list(range(100, 200)):
            self.assertFalse(phone_of(i) in raw)

    def test_at_most_what_sekishod_lets_through_is_ever_on_the_medium(self):
        """Twenty people spread over the file, and a twenty-first."""
        content = b"".join(person(i) + prose(MIB) for i in range(24))
        fd = os.open(self.rig.path("a.txt"), os.O_WRONLY | os.O_CREAT)
        most = 0
        for at in range(0, len(content), MIB):
            os.write(fd, content[at:at + MIB])
            if name := self.released_file():
                with open(name, "rb") as file:
                    on_medium = file.read()
                most = max(most, sum(phone_of(i) in on_medium
                                     for i in range(24)))
        with self.assertRaises(PermissionError):
            os.close(fd)
        self.assertGreater(most, 10)
        self.assertLessEqual(most, 20)
        self.assertEqual(self.rig.core.questions[-1]["released"], most)
        raw = self.raw()
        self.assertFalse([i for i in range(24) if phone_of(i) in raw])

    def test_encoding_that_changes_stops_the_release(self):
        sjis = "佐藤 健一さんの電話番号は090-9999-8888です。\n".encode("cp932")
        content = (prose(4 * MIB) + "日本語の説明です。\n".encode() * 1000 +
                   prose(2 * MIB) + sjis * 20 + prose(MIB))
        fd = os.open(self.rig.path("a.txt"), os.O_WRONLY | os.O_CREAT)
        for at in range(0, len(content), MIB):
            os.write(fd, content[at:at + MIB])
        with open(self.released_file(), "rb") as file:
            self.assertFalse(b"090-9999-8888" in file.read())
        with contextlib.suppress(OSError):
            os.close(fd)

    def test_structured_text_and_containers_are_staged(self):
        rows = b",\n".join(b'{"n": %d, "t": "nothing"}' % i
                           for i in range(200_000))
        for name, content in (
                ("a.json", b"[" + rows + b"]"),
                ("a.html", b"<html><body>" + b"<p>text</p>\n" * 400_000),
                ("b.json", b"[" + rows[:MIB + 5] + b"{}]"),
                ("a.zip", b"PK\3\4" + os.urandom(4 * MIB)),
                ("a.bin", b"\0\1" + os.urandom(4 * MIB))):
            self.rig.core.releases.clear()
            failed = self.write(name, content)
            if name.endswith((".json", ".html")):
                self.assertEqual(failed, 0, name)
            allowed = [r for r in self.rig.core.releases
                       if r["findings"]["inspection"] == "full"]
            self.assertEqual(allowed, [], name)
        self.assertIsNone(self.released_file())

    def test_binary_is_released_where_policy_lets_it_pass(self):
        self.rig.core.access = b"audit"
        self.rig.core.send(b"\x09\x04" + rig.text(b"audit"))
        content = b"\x7fELF" + os.urandom(40 * MIB)
        self.assertEqual(self.write("a.bin", content), 0)
        self.assertTrue(self.rig.on_medium("a.bin") == content)
        self.assertEqual(self.rig.core.questions[-1]["inspection"], "none")

    def test_kill_of_the_worker_in_the_middle(self):
        fd = os.open(self.rig.path("a.txt"), os.O_WRONLY | os.O_CREAT)
        content = prose(8 * MIB)
        for at in range(0, len(content), MIB):
            os.write(fd, content[at:at + MIB])
        for pid in self.rig.worker.children():
            os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            os.write(fd, customers(0, 20_000))
            os.write(fd, prose(MIB))
        with self.assertRaises(PermissionError):
            os.close(fd)
        self.assertEqual(self.rig.core.questions[-1]["reason"], "crash")
        raw = self.raw()
        self.assertFalse(b"user10@example.jp" in raw)

    def test_kill_of_the_gate_in_the_middle(self):
        """Whenever it comes: what is there was judged and may pass."""
        content = (prose(6 * MIB) + b"".join(person(i) for i in range(5)) +
                   prose(2 * MIB) + customers(0, 100_000))
        path = self.rig.path("a.txt")

        def copy():
            with contextlib.suppress(OSError), open(path, "wb") as file:
                for at in range(0, len(content), 65536):
                    file.write(content[at:at + 65536])

        writer = threading.Thread(target=copy)
        writer.start()
        time.sleep(random.random() * 0.4)
        self.rig.process.kill()
        writer.join(20)
        self.assertFalse(writer.is_alive(), "a writer hangs")
        self.rig.unmount()
        self.rig.process.wait(20)  # it holds the medium until it is gone
        raw = self.medium.raw()
        for i in (0, 1, 50_000, 99_999):
            self.assertFalse(f"user{i}@".encode() in raw)

    def test_random_patterns_end_as_on_a_plain_filesystem(self):
        """Appends, now and then something else; the end is the same."""
        self.rig.core.file_bytes = 64 * MIB
        for seed in range(6):
            rng = random.Random(seed)
            plain = bytearray()
            name = f"f{seed}"
            fd = os.open(self.rig.path(name), os.O_RDWR | os.O_CREAT)
            for _ in range(rng.randrange(10, 60)):
                piece = prose(rng.choice([4096, 65536, 300_000, MIB]))
                at = len(plain)
                if rng.random() < 0.04:
                    at = rng.randrange(len(plain) + 1)
                plain[at:at + len(piece)] = piece
                os.pwrite(fd, piece, at)
                if rng.random() < 0.03:
                    os.ftruncate(fd, len(plain) // 2)
                    del plain[len(plain) // 2:]
                if rng.random() < 0.1 and plain:
                    start = rng.randrange(len(plain))
                    self.assertTrue(os.pread(fd, 200_000, start) ==
                                    bytes(plain[start:start + 200_000]), seed)
                if len(plain) > 14 * MIB:
                    break
            os.close(fd)
            self.assertTrue(self.rig.on_medium(name) == bytes(plain), seed)
            os.unlink(self.rig.path(name))


class StreamsOnFat(Streams):
    kind = "vfat"


class Names(unittest.TestCase):
    """People in the names of files and directories."""

    def setUp(self):
        self.rig = rig.Rig(GATE, scan=SCAN)
        self.rig.__enter__()
        self.addCleanup(self.rig.__exit__)

    def test_of_a_file(self):
        with self.assertRaises(PermissionError):
            with open(self.rig.path("山田太郎_090-1234-5678.txt"), "wb") as file:
                file.write(b"nothing\n")
        question = self.rig.core.questions[-1]
        self.assertEqual((question["persons"], question["bytes"]), (1, 8))
        self.assertEqual(os.listdir(self.rig.real), [])

    def test_of_an_empty_file(self):
        name = self.rig.path("山田太郎 090-1234-5678")
        with open(name, "wb"):
            pass
        self.rig.finish()
        self.assertEqual(os.listdir(self.rig.real), [])

    def test_of_a_directory(self):
        os.mkdir(self.rig.path("報告書 2026年"))
        with self.assertRaises(PermissionError):
            os.mkdir(self.rig.path("個人番号_123456789018"))
        self.assertEqual(self.rig.core.questions[-1]["persons"], 1)
        self.assertEqual(os.listdir(self.rig.real), ["報告書 2026年"])

    def test_given_by_a_rename(self):
        with open(self.rig.path("a"), "wb") as file:
            file.write(b"nothing\n")
        with self.assertRaises(PermissionError):
            os.rename(self.rig.path("a"),
                      self.rig.path("佐藤 健一 03-1234-5678 東京都新宿区"))
        self.assertEqual(os.listdir(self.rig.real), ["a"])
        os.rename(self.rig.path("a"), self.rig.path("2026-11 report"))

    def test_of_a_stream_that_is_renamed_open(self):
        with self.assertRaises(PermissionError):
            with open(self.rig.path("a"), "wb") as file:
                file.write(prose(4 * MIB))
                os.rename(self.rig.path("a"),
                          self.rig.path("山田太郎 090-1234-5678"))
        self.rig.finish()
        self.assertEqual(os.listdir(self.rig.real), ["a"])

    def test_given_to_the_volume(self):
        """FS_IOC_SETFSLABEL does not get through to the medium."""
        fd = os.open(self.rig.user, os.O_RDONLY)
        self.addCleanup(os.close, fd)
        with self.assertRaises(OSError) as refused:
            fcntl.ioctl(fd, 0x41009432, "山田太郎".encode().ljust(256, b"\0"))
        self.assertEqual(refused.exception.errno, errno.ENOTTY)

    def test_without_a_worker_no_name_that_could_hold_somebody_passes(self):
        self.rig.worker.stop()
        os.unlink(self.rig.worker.path)
        os.mkdir(self.rig.path("plain"))
        with self.assertRaises(PermissionError):
            os.mkdir(self.rig.path("0123456789"))


if __name__ == "__main__":
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        print("needs root and /dev/fuse")
        sys.exit(77)
    GATE, SCAN = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
