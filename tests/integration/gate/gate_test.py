#!/usr/bin/env python3
"""The gate on a real FUSE mount: what reaches the medium, and what does not.

usage: gate_test.py GATE_UNDER_TEST [unittest options]
"""

import errno
import mmap
import os
import shutil
import subprocess
import sys
import threading
import time
import unittest

import rig

GATE = ""
CLEAN = b"nothing to see here\n" * 1000
SECRET = b"name,phone\n" + b"SECRET,090-0000-0000\n" * 50


def sh(command, cwd=None):
    return subprocess.run(command, shell=True, cwd=cwd, capture_output=True,
                          timeout=60)


def write(path, content, flags=os.O_WRONLY | os.O_CREAT | os.O_TRUNC):
    """Returns the errno of the first failing step, closing included, or 0."""
    try:
        fd = os.open(path, flags, 0o644)
    except OSError as error:
        return error.errno
    failed = 0
    try:
        at = 0
        while at < len(content):
            at += os.write(fd, content[at:at + (1 << 20)])
    except OSError as error:
        failed = error.errno
    try:
        os.close(fd)
    except OSError as error:
        failed = failed or error.errno
    return failed


class Copying(unittest.TestCase):
    def setUp(self):
        self.rig = rig.Rig(GATE)
        self.rig.__enter__()
        self.addCleanup(self.rig.__exit__)
        self.source = self.rig.dir + "/source"

    def source_file(self, content):
        with open(self.source, "wb") as file:
            file.write(content)
        return self.source

    def test_clean_copy_is_identical(self):
        content = os.urandom(5 << 20)
        done = sh(f"cp {self.source_file(content)} {self.rig.user}/a")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.rig.on_medium("a"), content)
        question = self.rig.core.questions[-1]
        self.assertEqual(question["operation"], "create")
        self.assertEqual(question["path"], b"a")
        self.assertGreater(question["who"], 0)

    def test_refused_copy_says_permission_denied_and_leaves_nothing(self):
        done = sh(f"cp {self.source_file(SECRET)} {self.rig.user}/list.csv")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"Permission denied", done.stderr)
        self.assertEqual(os.listdir(self.rig.user), [])
        self.assertEqual(os.listdir(self.rig.real), [])

    def test_large_file_is_staged_on_disk_and_judged(self):
        for content, expected in ((CLEAN * 200, 0),
                                  (CLEAN * 200 + SECRET, errno.EACCES)):
            self.assertEqual(write(self.rig.path("big"), content), expected)
        self.assertEqual(self.rig.on_medium("big"), CLEAN * 200)
        self.assertEqual(os.listdir(self.rig.staging), [])

    def test_nothing_reaches_the_medium_before_the_verdict(self):
        fd = os.open(self.rig.path("a"), os.O_WRONLY | os.O_CREAT)
        os.write(fd, SECRET)
        self.assertEqual(os.listdir(self.rig.real), [])
        self.assertEqual(os.listdir(self.rig.user), ["a"])
        with self.assertRaises(PermissionError):
            os.fsync(fd)
        with self.assertRaises(PermissionError):
            os.write(fd, b"more")
        with self.assertRaises(PermissionError):
            os.close(fd)
        self.assertEqual(os.listdir(self.rig.real), [])
        self.assertFalse(os.path.exists(self.rig.path("a")))

    def test_shell_redirection(self):
        ok = sh(f"echo hello > {self.rig.user}/a")
        self.assertEqual(ok.returncode, 0, ok.stderr)
        self.assertEqual(self.rig.on_medium("a"), b"hello\n")
        bad = sh(f"cat {self.source_file(SECRET)} > {self.rig.user}/b")
        self.assertNotEqual(bad.returncode, 0)
        self.rig.finish()
        self.assertEqual(os.listdir(self.rig.real), ["a"])

    def test_append_to_committed_file(self):
        write(self.rig.path("a"), CLEAN)
        self.assertEqual(sh(f"echo more >> {self.rig.user}/a").returncode, 0)
        self.assertEqual(self.rig.on_medium("a"), CLEAN + b"more\n")
        sh(f"cat {self.source_file(SECRET)} >> {self.rig.user}/a")
        self.assertEqual(self.rig.on_medium("a"), CLEAN + b"more\n")
        with open(self.rig.path("a"), "rb") as file:
            self.assertEqual(file.read(), CLEAN + b"more\n")

    def test_refused_overwrite_keeps_the_old_content(self):
        write(self.rig.path("a"), CLEAN)
        self.assertEqual(write(self.rig.path("a"), SECRET), errno.EACCES)
        self.assertEqual(self.rig.on_medium("a"), CLEAN)
        self.assertEqual(os.listdir(self.rig.real), ["a"])
        done = sh(f"cat {self.source_file(SECRET)} > {self.rig.user}/a")
        self.assertNotEqual(done.returncode, 0)
        self.rig.finish()
        self.assertEqual(self.rig.on_medium("a"), CLEAN)

    def test_overwrite_in_the_middle(self):
        write(self.rig.path("a"), CLEAN)
        fd = os.open(self.rig.path("a"), os.O_RDWR)
        os.pwrite(fd, b"HERE", 100)
        self.assertEqual(os.pread(fd, 4, 100), b"HERE")
        self.assertEqual(self.rig.on_medium("a"), CLEAN)
        os.close(fd)
        self.assertEqual(self.rig.on_medium("a"),
                         CLEAN[:100] + b"HERE" + CLEAN[104:])
        self.assertEqual(self.rig.core.questions[-1]["operation"],
                         "overwrite")

    def test_one_secret_split_over_two_openings_is_seen_whole(self):
        self.assertEqual(write(self.rig.path("a"), b"x SEC"), 0)
        failed = write(self.rig.path("a"), b"RET",
                       os.O_WRONLY | os.O_APPEND)
        self.assertEqual(failed, errno.EACCES)
        self.assertEqual(self.rig.on_medium("a"), b"x SEC")

    def test_temporary_file_and_rename(self):
        path = self.rig.path
        self.assertEqual(write(path(".a.tmp"), CLEAN), 0)
        os.rename(path(".a.tmp"), path("a"))
        self.assertEqual(os.listdir(self.rig.real), ["a"])
        self.assertEqual(self.rig.on_medium("a"), CLEAN)
        self.assertEqual(self.rig.core.questions[-1]["operation"], "rename")
        self.assertEqual(self.rig.core.questions[-1]["path"], b"a")

    def test_rename_of_undecided_content_is_a_verdict_point(self):
        path = self.rig.path
        write(path("a"), CLEAN)
        fd = os.open(path("tmp"), os.O_WRONLY | os.O_CREAT)
        os.write(fd, SECRET)
        with self.assertRaises(PermissionError):
            os.rename(path("tmp"), path("a"))
        with self.assertRaises(PermissionError):
            os.close(fd)
        self.assertEqual(os.listdir(self.rig.real), ["a"])
        self.assertEqual(self.rig.on_medium("a"), CLEAN)
        fd = os.open(path("tmp"), os.O_WRONLY | os.O_CREAT)
        os.write(fd, b"fine")
        os.rename(path("tmp"), path("a"))
        os.close(fd)
        self.assertEqual(os.listdir(self.rig.real), ["a"])
        self.assertEqual(self.rig.on_medium("a"), b"fine")

    def test_refused_name(self):
        self.rig.core.block = lambda q: b"SECRET" in q["path"]
        write(self.rig.path("a"), CLEAN)
        with self.assertRaises(PermissionError):
            os.rename(self.rig.path("a"), self.rig.path("SECRET"))
        with self.assertRaises(PermissionError):
            os.mkdir(self.rig.path("SECRET"))
        self.assertEqual(write(self.rig.path("SECRET"), b"x"), errno.EACCES)
        self.assertEqual(os.listdir(self.rig.real), ["a"])

    def test_symlink_target_is_inspected(self):
        os.symlink("some/where", self.rig.path("link"))
        self.assertEqual(os.readlink(self.rig.path("link")), "some/where")
        with self.assertRaises(PermissionError):
            os.symlink("SECRET", self.rig.path("bad"))
        self.assertEqual(os.listdir(self.rig.real), ["link"])

    def test_mapped_store_before_close(self):
        for content, expected in ((b"fine", b"fine"), (b"SECRET", None)):
            fd = os.open(self.rig.path("m"), os.O_RDWR | os.O_CREAT)
            os.ftruncate(fd, 4096)
            with mmap.mmap(fd, 4096) as memory:
                memory[:len(content)] = content
                if expected:
                    os.close(fd)
                else:
                    with self.assertRaises(PermissionError):
                        os.close(fd)
            if expected:
                self.assertEqual(self.rig.on_medium("m")[:4], expected)
        self.assertFalse(self.rig.medium_holds(b"SECRET"))

    def test_mapped_store_after_close(self):
        for content in (b"fine", b"SECRET"):
            fd = os.open(self.rig.path(content.decode().lower()),
                         os.O_RDWR | os.O_CREAT)
            os.ftruncate(fd, 4096)
            memory = mmap.mmap(fd, 4096)
            os.close(fd)
            memory[:len(content)] = content
            memory.close()
        self.rig.finish()
        self.assertEqual(self.rig.on_medium("fine")[:4], b"fine")
        self.assertFalse(self.rig.medium_holds(b"SECRET"))

    def test_empty_file_appears(self):
        sh(f"touch {self.rig.user}/empty")
        self.rig.wait(lambda: self.rig.medium_has("empty"), "empty file")
        self.assertEqual(self.rig.on_medium("empty"), b"")

    def test_empty_file_of_a_closing_unmount(self):
        sh(f"touch {self.rig.user}/empty")
        self.rig.finish()
        self.assertTrue(self.rig.medium_has("empty"))

    def test_truncate_by_path_and_by_descriptor(self):
        write(self.rig.path("a"), CLEAN)
        os.truncate(self.rig.path("a"), 100)
        self.assertEqual(self.rig.on_medium("a"), CLEAN[:100])
        os.truncate(self.rig.path("a"), 200)
        self.assertEqual(self.rig.on_medium("a"), CLEAN[:100] + b"\0" * 100)
        with open(self.rig.path("a"), "r+b") as file:
            file.truncate(10)
            self.assertEqual(os.fstat(file.fileno()).st_size, 10)
        self.assertEqual(self.rig.on_medium("a"), CLEAN[:10])

    def test_many_small_files_at_once(self):
        failed = []

        def one(i):
            content = SECRET if i % 10 == 0 else CLEAN + str(i).encode()
            expected = errno.EACCES if i % 10 == 0 else 0
            if write(self.rig.path(f"f{i}"), content) != expected:
                failed.append(i)

        threads = [threading.Thread(target=one, args=(i,))
                   for i in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failed, [])
        self.assertEqual(len(os.listdir(self.rig.real)), 90)
        self.assertEqual(sorted(os.listdir(self.rig.user)),
                         sorted(os.listdir(self.rig.real)))
        self.assertFalse(self.rig.medium_holds(b"SECRET"))

    def test_write_while_it_is_judged(self):
        held = threading.Event()
        go = threading.Event()

        def before_answer(_):
            held.set()
            go.wait(5)
            return True

        fd = os.open(self.rig.path("a"), os.O_RDWR | os.O_CREAT)
        os.write(fd, b"clean")
        self.rig.worker.before_answer = before_answer
        judged = threading.Thread(target=os.fsync, args=(fd,))
        judged.start()
        self.assertTrue(held.wait(5))
        os.pwrite(fd, b"SECRET", 0)  # after it was looked at
        self.rig.worker.before_answer = None
        go.set()
        judged.join()
        self.assertEqual(self.rig.on_medium("a"), b"clean")
        with self.assertRaises(PermissionError):
            os.close(fd)
        self.assertEqual(self.rig.on_medium("a"), b"clean")

    def test_others_are_served_while_one_is_judged(self):
        go = threading.Event()
        write(self.rig.path("old"), CLEAN)
        self.rig.worker.before_answer = lambda size: go.wait(20)
        threads = [threading.Thread(target=write, args=(
            self.rig.path(f"slow{i}"), CLEAN)) for i in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        start = time.monotonic()
        os.listdir(self.rig.user)
        with open(self.rig.path("old"), "rb") as file:
            self.assertEqual(file.read(), CLEAN)
        fd = os.open(self.rig.path("new"), os.O_WRONLY | os.O_CREAT)
        os.write(fd, b"fine")
        self.assertLess(time.monotonic() - start, 2)
        go.set()
        os.close(fd)
        for thread in threads:
            thread.join()

    def test_unlink_before_close_writes_nothing(self):
        fd = os.open(self.rig.path("a"), os.O_RDWR | os.O_CREAT)
        os.write(fd, SECRET)
        os.unlink(self.rig.path("a"))
        self.assertEqual(os.pread(fd, 4, 0), SECRET[:4])
        os.close(fd)
        self.assertEqual(os.listdir(self.rig.real), [])

    def test_unlinked_file_is_still_read(self):
        write(self.rig.path("a"), CLEAN)
        with open(self.rig.path("a"), "rb") as file:
            os.unlink(self.rig.path("a"))
            self.assertEqual(file.read(), CLEAN)
        self.assertEqual(os.listdir(self.rig.real), [])

    def test_times_and_mode_are_kept(self):
        source = self.source_file(CLEAN)
        os.utime(source, (1_000_000_000, 1_100_000_000))
        os.chmod(source, 0o640)
        done = sh(f"cp --preserve=mode,timestamps {source} "
                  f"{self.rig.user}/a")
        self.assertEqual(done.returncode, 0, done.stderr)
        made = os.stat(os.path.join(self.rig.real, "a"))
        self.assertEqual(made.st_mtime, 1_100_000_000)
        self.assertEqual(made.st_mode & 0o777, 0o640)

    def test_git(self):
        done = sh("export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory "
                  "GIT_CONFIG_VALUE_0='*' && git init -q . && git config user.email a@example.org && "
                  "git config user.name a && cp -r /usr/share/common-licenses"
                  " l && git add . && git commit -qm first && git status "
                  "--porcelain && git fsck && git gc -q && git log --oneline",
                  cwd=self.rig.user)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"first", done.stdout)

    def test_tar_and_rsync_like_tools(self):
        sh(f"mkdir {self.rig.dir}/t && cp /etc/passwd /etc/services "
           f"{self.rig.dir}/t")
        done = sh(f"tar -C {self.rig.dir} -cf {self.rig.user}/t.tar t && "
                  f"tar -C {self.rig.user} --no-same-owner -xf "
                  f"{self.rig.user}/t.tar && diff -r {self.rig.dir}/t "
                  f"{self.rig.user}/t && mv {self.rig.user}/t "
                  f"{self.rig.user}/u && rm -r {self.rig.user}/u")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(os.listdir(self.rig.real), ["t.tar"])

    def test_direct_io_and_copy_file_range(self):
        source = self.source_file(CLEAN * 50)
        done = sh(f"dd if={source} of={self.rig.user}/a bs=4096 oflag=direct "
                  f"conv=notrunc iflag=fullblock count=16")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.rig.on_medium("a"), (CLEAN * 50)[:65536])
        one = os.open(self.rig.path("a"), os.O_RDONLY)
        two = os.open(self.rig.path("b"), os.O_WRONLY | os.O_CREAT)
        try:
            os.copy_file_range(one, two, 65536)
        except OSError as error:
            self.assertIn(error.errno, (errno.EXDEV, errno.EOPNOTSUPP))
        os.close(one)
        os.close(two)


class Worker(unittest.TestCase):
    def test_crash_is_a_refusal_and_the_next_one_is_asked(self):
        with rig.Rig(GATE) as r:
            def die(_):
                r.worker.drop()
                return False
            r.worker.before_answer = die
            self.assertEqual(write(r.path("a"), CLEAN), errno.EACCES)
            question = r.core.questions[-1]
            self.assertEqual((question["inspection"], question["reason"]),
                             ("none", "crash"))
            self.assertEqual(os.listdir(r.real), [])
            r.worker.before_answer = None
            self.assertEqual(write(r.path("a"), CLEAN), 0)

    def test_absent_worker_is_a_refusal(self):
        with rig.Rig(GATE) as r:
            r.worker.stop()
            self.assertEqual(write(r.path("a"), CLEAN), errno.EACCES)
            self.assertEqual(r.core.questions[-1]["reason"], "crash")

    def test_idle_worker_that_left_is_replaced(self):
        with rig.Rig(GATE) as r:
            self.assertEqual(write(r.path("a"), CLEAN), 0)
            r.worker.drop()
            self.assertEqual(write(r.path("b"), CLEAN), 0)


class Core(unittest.TestCase):
    def test_away_refuses_and_back_serves(self):
        with rig.Rig(GATE) as r:
            self.assertEqual(write(r.path("a"), CLEAN), 0)
            r.core.stop()
            start = time.monotonic()
            self.assertEqual(write(r.path("b"), CLEAN), errno.EACCES)
            self.assertLess(time.monotonic() - start, 12)
            with open(r.path("a"), "rb") as file:
                self.assertEqual(file.read(), CLEAN)
            r.core.start()
            r.wait(lambda: (7, 1) in r.core.hellos, "second hello")
            self.assertEqual(write(r.path("b"), CLEAN), 0)
            self.assertEqual(sorted(os.listdir(r.real)), ["a", "b"])

    def test_restart_while_a_question_waits(self):
        with rig.Rig(GATE) as r:
            r.core.answering = False
            fd = []
            opening = threading.Thread(target=lambda: fd.append(
                write(r.path("a"), CLEAN)))
            opening.start()
            time.sleep(0.3)
            r.core.stop()
            r.core.answering = True
            r.core.start()
            opening.join()
            self.assertEqual(fd, [0])

    def test_person_of_another_sekishod_is_unknown(self):
        with rig.Rig(GATE) as r:
            fd = os.open(r.path("a"), os.O_WRONLY | os.O_CREAT)
            os.write(fd, CLEAN)
            r.core.stop()
            r.core.start()
            r.wait(lambda: (7, 1) in r.core.hellos, "second hello")
            os.close(fd)
            self.assertEqual(r.core.questions[-1]["who"], 0)

    def test_no_open_waits_longer_than_ten_seconds(self):
        with rig.Rig(GATE) as r:
            r.core.answering = False
            times = []

            def one(i):
                start = time.monotonic()
                write(r.path(f"f{i}"), b"x")
                times.append(time.monotonic() - start)

            threads = [threading.Thread(target=one, args=(i,))
                       for i in range(12)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertLess(max(times), 11)
            self.assertEqual(os.listdir(r.real), [])
            r.core.answering = True
            write(r.path("a"), b"x")  # its answer shows that sekishod is back
            r.wait(lambda: write(r.path("a"), b"x") == 0, "service")

    def test_stop_leaves_nothing_half(self):
        with rig.Rig(GATE) as r:
            write(r.path("a"), CLEAN)
            fd = os.open(r.path("b"), os.O_WRONLY | os.O_CREAT)
            os.write(fd, CLEAN)
            r.core.send(b"\x08\x04" + rig.text(b"test"))
            self.assertEqual(r.process.wait(10), 0)
            with self.assertRaises(OSError):
                os.write(fd, b"x")
            with self.assertRaises(OSError):
                os.close(fd)
            self.assertEqual(os.listdir(r.real), ["a"])

    def test_killed_gate_leaves_nothing_undecided(self):
        with rig.Rig(GATE) as r:
            fd = os.open(r.path("b"), os.O_WRONLY | os.O_CREAT)
            os.write(fd, SECRET * 100_000)
            r.process.kill()
            r.process.wait()
            with self.assertRaises(OSError):
                os.close(fd)
            self.assertEqual(os.listdir(r.real), [])
            self.assertEqual(os.listdir(r.staging), [])

    def test_access_changes_while_mounted(self):
        with rig.Rig(GATE) as r:
            write(r.path("a"), CLEAN)
            fd = os.open(r.path("b"), os.O_WRONLY | os.O_CREAT)
            os.write(fd, b"x")
            r.core.send(b"\x09\x04" + rig.text(b"read_only"))
            r.wait(lambda: write(r.path("c"), b"x") == errno.EROFS, "EROFS")
            with self.assertRaises(OSError) as caught:
                os.close(fd)
            self.assertEqual(caught.exception.errno, errno.EROFS)
            self.assertEqual(os.listdir(r.real), ["a"])
            r.core.send(b"\x09\x04" + rig.text(b"inspect"))
            r.wait(lambda: write(r.path("c"), b"x") == 0, "inspect")


class Accesses(unittest.TestCase):
    def test_read_only(self):
        with rig.Rig(GATE, access="read_only") as r:
            with open(r.real + "/a", "wb") as file:
                file.write(CLEAN)
            with open(r.path("a"), "rb") as file:
                self.assertEqual(file.read(), CLEAN)
            self.assertEqual(write(r.path("a"), b"x"), errno.EROFS)
            self.assertEqual(write(r.path("b"), b"x"), errno.EROFS)
            for change in (lambda: os.mkdir(r.path("d")),
                           lambda: os.unlink(r.path("a")),
                           lambda: os.rename(r.path("a"), r.path("b")),
                           lambda: os.truncate(r.path("a"), 0),
                           lambda: os.utime(r.path("a")),
                           lambda: os.chmod(r.path("a"), 0o600)):
                with self.assertRaises(OSError) as caught:
                    change()
                self.assertEqual(caught.exception.errno, errno.EROFS)

    def test_unknown_access_is_read_only(self):
        with rig.Rig(GATE, access="whatever") as r:
            self.assertEqual(write(r.path("b"), b"x"), errno.EROFS)

    def test_audit_refuses_nothing(self):
        with rig.Rig(GATE, access="audit") as r:
            self.assertEqual(write(r.path("a"), SECRET), 0)
            self.assertEqual(r.on_medium("a"), SECRET)
            self.assertEqual(r.core.questions[-1]["persons"], 50)
            r.worker.stop()
            self.assertEqual(write(r.path("b"), SECRET), 0)
            self.assertEqual(r.core.questions[-1]["inspection"], "none")

    def test_over_the_bound_of_a_file(self):
        with rig.Rig(GATE, options={"file_bytes": 2 << 20}) as r:
            self.assertEqual(write(r.path("a"), b"x" * (3 << 20)),
                             errno.EFBIG)
            r.wait(lambda: r.core.questions, "question")
            question = r.core.questions[-1]
            self.assertEqual((question["inspection"], question["reason"]),
                             ("none", "limit:staging"))
            self.assertEqual(os.listdir(r.real), [])
            self.assertEqual(write(r.path("a"), b"x" * (2 << 20)), 0)

    def test_over_the_bound_of_all(self):
        with rig.Rig(GATE, options={"staging_bytes": 2 << 20}) as r:
            one = os.open(r.path("one"), os.O_WRONLY | os.O_CREAT)
            os.write(one, b"x" * (1 << 20))
            self.assertEqual(write(r.path("a"), b"x" * (3 << 19)),
                             errno.ENOSPC)
            os.close(one)
            self.assertEqual(write(r.path("a"), b"x" * (3 << 19)), 0)


if __name__ == "__main__":
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        print("needs root and /dev/fuse")
        sys.exit(77)
    GATE = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=1)
