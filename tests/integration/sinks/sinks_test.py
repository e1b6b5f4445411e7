#!/usr/bin/env python3
"""What reaches rsyslog, a mail server and an HTTPS server, and what does not.

  sinks_test.py build/release/server/sekisho-server

First `check-sinks`, then a server whose database gets alerts while receivers are
down, come back, and the server itself is killed.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import receivers
from receivers import Hook, Mail, Rsyslog

FAILED = []


def expect(true, what):
    print(("ok    " if true else "FAIL  ") + what)
    if not true:
        FAILED.append(what)


def wait_for(check, seconds=20.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if check():
            return True
        time.sleep(0.05)
    return False


class World:
    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        receivers.make_certificates(folder)
        for name, text in (("hook.secret", receivers.SECRET),
                           ("mail.password", receivers.PASSWORD.decode())):
            path = folder / name
            path.touch(mode=0o600)
            path.write_text(text + "\n")
        self.rsyslog, self.mail, self.hook = (
            Rsyslog(folder), Mail(folder), Hook(folder))
        self.process = None

    def write_sinks(self, ca="ca.pem"):
        f = self.folder
        (f / "sinks.yaml").write_text(f"""
console: https://sekisho.example:8443
sinks:
  - {{ name: siem, type: syslog, to: "localhost:{self.rsyslog.port}",
       ca: {f}/{ca}, format: cef, start: beginning }}
  - {{ name: soc, type: mail, to: "smtp://localhost:{self.mail.port}",
       ca: {f}/{ca}, user: sekisho, password_file: {f}/mail.password,
       from: sekisho@example.jp, recipients: [soc@example.jp, b@example.jp],
       language: ja, start: beginning }}
  - {{ name: hook, type: webhook, to: "https://localhost:{self.hook.port}/in",
       ca: {f}/{ca}, secret_file: {f}/hook.secret, format: ocsf,
       start: beginning }}
  - {{ name: file, type: file, to: {f}/alerts.jsonl, start: beginning }}
""", encoding="utf-8")

    def check_sinks(self):
        done = subprocess.run(
            [self.server, "check-sinks", "--sinks",
             str(self.folder / "sinks.yaml")],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode, done.stdout

    def options(self):
        f = self.folder
        return ["--state", f"{f}/state", "--runtime", f"{f}/run",
                "--agents-listen", "127.0.0.1:0", "--console-port", "-1",
                "--metrics-listen", "127.0.0.1:0",
                "--sinks", f"{f}/sinks.yaml"]

    def start(self):
        (self.folder / "run").mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [self.server, *self.options()], stdout=subprocess.PIPE,
            stderr=(self.folder / "server.log").open("a"), text=True)
        if not self.process.stdout.readline().startswith("agents"):
            raise RuntimeError((self.folder / "server.log").read_text())

    def kill(self, how=signal.SIGKILL):
        if self.process:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None

    def database(self):
        return sqlite3.connect(self.folder / "state/server/sekisho.db",
                               timeout=20)

    def raise_alerts(self, first, last):
        """As the indexer adds them: terminals t7 to t9 for 7 to 9."""
        now = int(time.time() * 1e6)
        with self.database() as db:
            for i in range(first, last + 1):
                db.execute(
                    "INSERT INTO alerts (alert_key, kind, severity, state, "
                    "title, agent_id, terminal, person, device_id, create_time,"
                    " update_time, event_row_id, rule) VALUES "
                    "(?,'transfer_blocked','high',1,?,'','t' || ?,?,?,?,?,0,?)",
                    (f"test:{i}", f"A file was kept | from = t{i} \\ ]", i,
                     "op01 花子|suser=root", "0411:0282:SER=1|2", now, now,
                     "too-many-people"))


def test_check_sinks(world):
    world.write_sinks("other-ca.pem")
    code, said = world.check_sinks()
    expect(code == 1 and said.count("FAIL") == 3 and "ok    file" in said,
           "a certificate of another CA is refused, by name of the sink")
    expect(not world.rsyslog.lines() and not world.mail.got
           and not world.hook.got, "and nothing was sent")
    world.write_sinks()
    code, said = world.check_sinks()
    expect(code == 0 and "4 sinks, 0 failed" in said, "check-sinks: " + said)
    expect(wait_for(lambda: len(world.rsyslog.lines()) == 1),
           "rsyslog took the test over TLS")
    expect(len(world.mail.got) == 1
           and world.mail.got[0][1] == "Sekisho: [情報] テスト",
           "a mail in Japanese")
    expect(len(world.hook.got) == 1 and not world.hook.bad, "a signed request")
    world.mail.got.clear()
    world.hook.got.clear()
    world.rsyslog.forget()


def syslog_uids(world):
    found = []
    for line in world.rsyslog.lines():
        message = json.loads(line)["msg"]
        found.append(message.split("externalId=")[1].split(" ")[0])
    return found


def test_what_arrives(world):
    subprocess.run([world.server, "init", *world.options(), "--name",
                    "localhost"], check=True, stdout=subprocess.DEVNULL)
    world.start()
    world.raise_alerts(1, 3)
    expect(wait_for(lambda: len(world.hook.got) >= 3
                    and len(world.rsyslog.lines()) >= 3),
           "three alerts at the webhook and at rsyslog")
    expect(syslog_uids(world) == ["alert/1", "alert/2", "alert/3"],
           "in order, at rsyslog")
    first = json.loads(world.rsyslog.lines()[0])
    expect(first["app"] == "sekisho-server"
           and first["msgid"] == "transfer_blocked" and first["pri"] == "107",
           "with the header of RFC 5424")
    expect('sequenceId="' in first["data"], "and its number")
    message = first["msg"].lstrip("\ufeff ")
    expect(message.startswith("CEF:0|Sekisho|Sekisho|")
           and "suser=op01 花子|suser\\=root" in message
           and "deviceExternalId=0411:0282:SER\\=1|2" in message,
           "names that try to be fields are values: " + message)
    expect(json.loads(world.hook.got[0])["class_uid"] == 2006,
           "OCSF at the webhook")
    expect(wait_for(lambda: world.mail.got), "a mail")
    to, subject, body = world.mail.got[0]
    expect(to == ["soc@example.jp", "b@example.jp"], "to both")
    expect("コピーを停止" in subject, "its subject: " + subject)
    expect("https://sekisho.example:8443/alerts/1" in body, "with the link")
    everything = "".join(s + b for _, s, b in world.mail.got)
    expect("op01" not in everything and "0411" not in everything,
           "and nobody's name, no device's")


def test_receivers_that_fail(world):
    world.rsyslog.stop()
    world.hook.refuse = True
    world.raise_alerts(4, 6)
    expect(wait_for(lambda: "HTTP 503" in
                    (world.folder / "server.log").read_text()),
           "the log names the sink and what it answered")
    expect("localhost:%d" % world.hook.port not in
           (world.folder / "server.log").read_text(),
           "and keeps the hook's address to itself")
    world.kill()
    world.raise_alerts(7, 9)
    world.hook.refuse = False
    world.rsyslog.start()
    world.start()
    wanted = {f"alert/{i}" for i in range(1, 10)}
    expect(wait_for(lambda: set(syslog_uids(world)) == wanted),
           f"rsyslog has all nine after a kill: {syslog_uids(world)}")
    expect(wait_for(lambda: len(world.hook.got) >= 9), "so has the webhook")
    uids = [json.loads(line)["metadata"]["uid"] for line in world.hook.got]
    expect(uids == [f"alert/{i}" for i in range(1, 10)],
           f"each once, in order: {uids}")
    def in_file() -> list[str]:
        lines = (world.folder / "alerts.jsonl").read_text().splitlines()[2:]
        return [json.loads(one)["uid"] for one in lines]

    wait_for(lambda: len(in_file()) >= 9)
    expect(in_file() == uids, "the file, too")


def test_a_bad_file(world):
    world.kill(signal.SIGTERM)
    (world.folder / "sinks.yaml").write_text("sinks:\n  - name: x\n")
    world.start()
    with world.database() as db:
        rows = db.execute("SELECT title FROM alerts WHERE kind='sink_failing'"
                          " AND resolve_time IS NULL").fetchall()
    expect(len(rows) == 1 and "sinks.yaml:2:" in rows[0][0],
           f"a bad file is an alert, the server runs: {rows}")


def main():
    os.umask(0o077)
    with tempfile.TemporaryDirectory(prefix="sekisho-sinks-") as folder:
        world = World(sys.argv[1], Path(folder))
        everyone = (world.rsyslog, world.mail, world.hook)
        for one in everyone:
            one.start()
        try:
            test_check_sinks(world)
            test_what_arrives(world)
            test_receivers_that_fail(world)
            test_a_bad_file(world)
        finally:
            world.kill()
            for one in everyone:
                one.stop()
            if FAILED:
                print((Path(folder) / "server.log").read_text()[-3000:])
    print(f"{len(FAILED)} failed")
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
