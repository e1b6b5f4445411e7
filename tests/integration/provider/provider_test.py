#!/usr/bin/env python3
"""The real server and a real OpenID provider (glewlwyd), as a browser meets them.

  provider_test.py build/release/server/sekisho-server build/release/cli/sekisho

Who comes in and who does not; whose account it is when names change; what
happens while the provider is slow or down.
"""

import http.client
import json
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
import glewlwyd  # noqa: E402

PASSWORD = "a long enough one"
FAILED = []


def expect(true, what):
    print(("ok    " if true else "FAIL  ") + what, flush=True)
    if not true:
        FAILED.append(what)


def wait_for(check, seconds, step=0.5):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if check():
            return True
        time.sleep(step)
    return False


class World:
    def __init__(self, server, cli, folder):
        self.server, self.cli, self.folder = server, cli, folder
        self.port = glewlwyd.free_port()
        self.base = f"https://localhost:{self.port}"
        self.provider = glewlwyd.Glewlwyd(folder / "provider")
        self.provider.add_client(self.base)
        self.process = None
        (folder / "run").mkdir()
        subprocess.run([server, "init", "--state", f"{folder}/state",
                        "--name", "localhost"], check=True,
                       capture_output=True)
        self.ca = f"{folder}/state/server/ca.pem"

    def start(self, **more):
        lines = {"name": "Test ID", "redirect_base": self.base,
                 **self.provider.settings(), **more}
        (self.folder / "server.yaml").write_text("oidc:\n" + "".join(
            f"  {key}: {json.dumps(value)}\n" for key, value in lines.items()),
            encoding="utf-8")
        self.start_again()

    def start_again(self):
        f = self.folder
        self.process = subprocess.Popen(
            [self.server, "--config", f"{f}/server.yaml", "--state",
             f"{f}/state", "--runtime", f"{f}/run", "--agents-listen",
             "127.0.0.1:0", "--console-address", "127.0.0.1",
             "--console-port", str(self.port), "--metrics-listen", "off",
             "--sinks", f"{f}/none.yaml"],
            stdout=subprocess.PIPE, stderr=(f / "server.log").open("a"),
            text=True)
        if not self.process.stdout.readline().startswith("agents"):
            raise RuntimeError((f / "server.log").read_text(encoding="utf-8"))

    def stop(self):
        start = time.monotonic()
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None
        return time.monotonic() - start

    def run_cli(self, *words):
        done = subprocess.run(
            [self.cli, *words, "--socket", f"{self.folder}/run/admin.sock"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode, done.stdout

    def users(self):
        return {one["user"]: one
                for one in json.loads(self.run_cli("user", "list", "--json")[1])}

    def audit(self, action):
        """Of the newest entry: user, result, detail."""
        with sqlite3.connect(self.folder / "state/server/sekisho.db") as db:
            return db.execute(
                "SELECT user, result, detail FROM audit WHERE action=? "
                "ORDER BY row_id DESC LIMIT 1", (action,)).fetchone()

    def doctor(self):
        done = subprocess.run(
            [self.server, "doctor", "--json", "--config",
             f"{self.folder}/server.yaml", "--state", f"{self.folder}/state",
             "--sinks", f"{self.folder}/none.yaml", "--metrics-listen", "off",
             "--agents-listen", "127.0.0.1:0", "--console-port", "-1"],
            stdout=subprocess.PIPE, text=True)
        return next(one for one in json.loads(done.stdout)["checks"]
                    if one["what"] == "openid provider")


class Person:
    """One browser, and what it does at the console."""

    def __init__(self, world):
        self.world = world
        self.browser = world.provider.browser(world.ca)

    def send(self, method, path, body=None, headers=None):
        return self.browser.send(method, f"{self.world.base}/api/v1/{path}",
                                 body, headers)

    def begin(self):
        status, headers, text = self.send("POST", "provider:start", {})
        return status, json.loads(text), headers

    def at_provider(self, url, name):
        """Signs in there; where the browser is sent then."""
        _, headers, _ = self.browser.send("GET", url)
        if "/login.html" not in headers["Location"]:
            raise RuntimeError("not asked: " + str(headers["Location"]))
        self.world.provider.sign_in(self.browser, name)
        back = urllib.parse.parse_qs(
            urllib.parse.urlparse(headers["Location"]).query)["callback_url"][0]
        _, headers, _ = self.browser.send("GET", back + "&g_continue")
        return headers["Location"]

    def callback(self, url):
        """Where the console is opened: "/" or "/?signin=PROBLEM"."""
        status, headers, _ = self.browser.send("GET", url)
        return headers["Location"] if status == 303 else f"HTTP {status}"

    def come_as(self, name):
        return self.callback(self.at_provider(self.begin()[1]["url"], name))

    def session(self):
        status, _, text = self.send("GET", "session")
        return json.loads(text) if status == 200 else None

    def login(self, user, password=PASSWORD):
        return self.send("POST", "login",
                         {"user": user, "password": password})[0]


def code_in(said):
    return next(line for line in said.split("\n") if len(line) == 32)


def give_password(world, user, roles):
    if roles:
        said = world.run_cli("user", "add", user, "--roles", roles)[1]
    else:
        said = world.run_cli("login", user)[1]
    person = Person(world)
    _, _, text = person.send("POST", "login",
                             {"code": code_in(said)})
    person.send("POST", "password", {"password": PASSWORD},
                {"X-Sekisho-CSRF": json.loads(text)["csrf"]})


def test_known_and_unknown(world):
    provider = world.provider
    provider.add_user("u-1001", "tanaka", ["soc", "staff"])
    provider.add_user("u-1002", "sato", ["soc"])
    ways = json.loads(Person(world).send("GET", "signin")[2])
    expect(ways == {"provider": "Test ID", "passwords": True},
           f"the sign-in page knows its ways: {ways}")
    stranger = Person(world)
    expect(stranger.come_as("u-1002") == "/?signin=unknown"
           and stranger.session() is None,
           "who is not known here is told so, and has no session")
    user, result, detail = world.audit("login.provider")
    expect(user == "sato" and "no user sato" in result
           and provider.issuer in detail and "subject=" in detail,
           f"and the audit log has who it was: {result}; {detail}")
    world.run_cli("user", "add", "tanaka", "--roles", "viewer,analyst")
    person = Person(world)
    expect(person.come_as("u-1001") == "/", "who is known lands in the console")
    session = person.session()
    expect(session and session["user"] == "tanaka"
           and session["roles"] == ["viewer", "analyst"]
           and session["via_provider"] and not session["must_set_password"],
           "with an ordinary session of his own roles")
    expect(person.send("GET", "alerts")[0] == 200
           and person.send("GET", "users")[0] == 403,
           "which may what the roles may")
    row = world.users()["tanaka"]
    expect(row["provider_issuer"] == provider.issuer
           and len(row["provider_subject"]) > 8 and not row.get("has_password"),
           "sekisho user list says how he signs in")
    said = world.run_cli("user", "list")[1]
    expect(provider.issuer in said, "also to people:\n" + said)
    cookies = {one.name: one for one in person.browser.jar}
    session_cookie = cookies["__Host-sekisho"]
    expect(session_cookie.secure
           and session_cookie.has_nonstandard_attr("HttpOnly")
           and session_cookie.get_nonstandard_attr("SameSite") == "Strict"
           and "__Host-sekisho-attempt" not in cookies,
           "the session's cookie is as ever, the attempt's is gone")
    expect(person.send("POST", "password", {"password": PASSWORD},
                       {"X-Sekisho-CSRF": session["csrf"]})[0] == 409,
           "and he sets no password that would outlive the provider")


def test_names_change(world):
    provider = world.provider
    provider.add_user("u-2001", "tanaka", ["soc"])
    thief = Person(world)
    expect(thief.come_as("u-2001") == "/?signin=unknown"
           and thief.session() is None,
           "another of the same name at the provider is not he")
    expect("somebody else" in world.audit("login.provider")[1],
           "which the audit log tells")
    provider.rename("u-1001", "admin")
    same = Person(world)
    expect(same.come_as("u-1001") == "/"
           and same.session()["user"] == "tanaka",
           "and he stays who he is under another name")
    provider.rename("u-1001", "tanaka")


def test_accounts_with_passwords(world):
    provider = world.provider
    give_password(world, "suzuki", "viewer,admin")
    provider.add_user("u-3001", "suzuki", ["soc"])
    expect(Person(world).come_as("u-3001") == "/?signin=unknown",
           "a name at the provider opens no account that has a password")
    expect("use-provider" in world.audit("login.provider")[1],
           "the audit log says how an admin lets him")
    old = Person(world)
    expect(old.login("suzuki") == 200, "his password works meanwhile")
    code, said = world.run_cli("user", "use-provider", "suzuki", "--reason",
                               "the company has one sign-in now")
    expect(code == 0, "an admin moves him: " + said.strip())
    expect(old.session() is None and old.login("suzuki") == 401,
           "then his sessions and his password are over")
    moved = Person(world)
    expect(moved.come_as("u-3001") == "/"
           and moved.session()["user"] == "suzuki",
           "and he comes through the provider")
    world.run_cli("user", "disable", "suzuki", "--reason", "left")
    expect(moved.session() is None
           and Person(world).come_as("u-3001") == "/?signin=unknown",
           "who is disabled here does not come in, whatever the provider says")
    world.run_cli("user", "enable", "suzuki")


def test_forged_answers(world):
    person = Person(world)
    _, start, _ = person.begin()
    back = person.at_provider(start["url"], "u-1001")
    other = Person(world)
    expect(other.callback(back) == "/?signin=expired",
           "an answer without the attempt's cookie is nothing")
    other.begin()
    expect(other.callback(back) == "/?signin=expired",
           "nor is it another browser's")
    expect(person.callback(back.replace("state=", "state=x"))
           == "/?signin=expired" and person.session() is None,
           "nor with another state; and then the attempt is over")
    again = Person(world)
    back = again.at_provider(again.begin()[1]["url"], "u-1001")
    attempt = next(one for one in again.browser.jar
                   if one.name == "__Host-sekisho-attempt")
    expect(again.callback(back) == "/", "a code is good")
    thief = Person(world)
    thief.browser.jar.set_cookie(attempt)
    expect(thief.callback(back) == "/?signin=failed"
           and thief.session() is None, "once, also with the cookie")
    refused = Person(world)
    url = refused.begin()[1]["url"]
    state = urllib.parse.parse_qs(urllib.parse.urlparse(url).query)["state"][0]
    expect(refused.callback(
        f"{world.base}/api/v1/provider:callback?error=access_denied&state="
        f"{state}&iss={urllib.parse.quote(world.provider.issuer)}")
        == "/?signin=cancelled", "who was refused there is told so")
    expect(refused.send("GET", "provider:start")[0] != 200,
           "an attempt does not begin by a link")
    status, _, _ = refused.browser.send(
        "POST", f"{world.base}/api/v1/provider:start", {},
        {"Origin": "https://evil.example"})
    expect(status == 403, "nor from another site")


def come_back(person, url):
    try:
        person.callback(url)
    except (OSError, http.client.HTTPException):
        pass  # the server ended


def test_slow_and_down(world):
    provider = world.provider
    give_password(world, "honda", "viewer")
    waiting = []
    for _ in range(20):
        person = Person(world)
        back = person.at_provider(person.begin()[1]["url"], "u-1001")
        waiting.append((person, back))
    provider.process.send_signal(signal.SIGSTOP)
    threads = [threading.Thread(target=come_back, args=one)
               for one in waiting]
    for thread in threads:
        thread.start()
    time.sleep(1)
    slowest = 0.0
    for _ in range(10):
        start = time.monotonic()
        good = Person(world).login("honda") == 200
        slowest = max(slowest, time.monotonic() - start)
    expect(good and slowest < 2,
           "20 sign-ins wait for a provider that hangs; with a password one "
           f"comes in meanwhile, in {slowest * 1000:.0f} ms at most")
    took = world.stop()
    expect(took < 15, f"and the server ends without it, in {took:.1f} s")
    provider.process.send_signal(signal.SIGCONT)
    for thread in threads:
        thread.join()
    world.start()
    provider.stop()
    status, answer, _ = Person(world).begin()
    expect(status == 503 and "does not answer" in answer["error"]["message"]
           and provider.base not in answer["error"]["message"],
           "one that is down is told at once, without details")
    finding = world.doctor()
    expect(finding["verdict"] == "bad" and "localhost" in finding["found"],
           "the doctor says what is wrong: " + finding["found"])
    provider.start()
    expect(wait_for(lambda: Person(world).begin()[0] == 200, 20),
           "when it is back, the button works again")
    finding = world.doctor()
    expect(finding["verdict"] == "ok" and "keys for RS256" in finding["found"],
           "and the doctor is content: " + finding["found"])


def test_new_keys(world):
    expect(Person(world).come_as("u-1001") == "/", "with the keys of today")
    world.provider.use_new_keys("ecdsa")
    start = time.monotonic()
    # Five answers that are not believed, and the address waits.
    came = wait_for(lambda: Person(world).come_as("u-1001") == "/", 45, 11)
    expect(came, "new keys (ES256) are taken up by themselves, after "
                 f"{time.monotonic() - start:.0f} s")


def test_groups(world):
    world.provider.add_user("u-4001", "kato", ["staff"])
    world.provider.add_user("u-4002", "mori", ["staff", "soc", "lead"])
    expect(Person(world).come_as("u-4001") == "/?signin=group",
           "who is in none of the groups is told so")
    new = Person(world)
    expect(new.come_as("u-4002") == "/", "a new user is made, if settings say")
    session = new.session()
    expect(session["user"] == "mori"
           and session["roles"] == ["viewer", "analyst", "approver"],
           f"with the roles of his groups: {session['roles']}")
    expect(Person(world).come_as("u-1001") == "/"
           and world.users()["tanaka"]["roles"] == ["viewer", "analyst"],
           "who was there keeps those that he has")


def test_second_factor(world):
    expect(Person(world).come_as("u-4002") == "/?signin=second_factor",
           "a role that needs a second factor needs the provider to tell of it")
    expect("amr" in world.audit("login.provider")[1],
           "the audit log says what is missing")


def test_only(world):
    give_password(world, "rescue", None)
    ways = json.loads(Person(world).send("GET", "signin")[2])
    expect(not ways["passwords"], "passwords are not offered")
    expect(Person(world).login("honda") == 401
           and Person(world).login("rescue") == 200,
           "only who breaks the glass has one that works")
    code, said = world.run_cli("user", "add", "ueda", "--roles", "viewer")
    expect(code == 0 and "no code" in said, "a new user needs none")
    code, said = world.run_cli("login", "honda")
    expect(code != 0 and "break_glass" in said, "nor gets one: " + said.strip())
    code, said = world.run_cli("user", "use-provider", "rescue", "--reason",
                               "x")
    expect(code != 0 and "breaks the glass" in said,
           "and the glass stays where it is")
    world.provider.add_user("u-5001", "rescue", ["soc"])
    expect(Person(world).come_as("u-5001") == "/?signin=unknown",
           "nobody at the provider is he")
    expect(Person(world).come_as("u-1001") == "/", "the others come in")


def main():
    server, cli = sys.argv[1], sys.argv[2]
    with tempfile.TemporaryDirectory() as folder:
        world = World(server, cli, Path(folder))
        try:
            world.start()
            world.run_cli("user", "add", "rescue", "--roles", "admin")
            test_known_and_unknown(world)
            test_names_change(world)
            test_accounts_with_passwords(world)
            test_forged_answers(world)
            test_slow_and_down(world)
            test_new_keys(world)
            world.stop()
            groups = {"roles": {"soc": ["viewer", "analyst"],
                                "lead": ["approver"]},
                      "unknown_users": "create"}
            world.start(**groups)
            test_groups(world)
            world.stop()
            with (world.folder / "server.yaml").open("a") as more:
                more.write("require_totp: [approver]\n")
            world.start_again()
            test_second_factor(world)
            world.stop()
            world.start(only=True, break_glass=["rescue"])
            test_only(world)
        finally:
            world.stop()
            world.provider.stop()
            if FAILED:
                print((Path(folder) / "server.log").read_text(
                    encoding="utf-8")[-4000:])
    print(f"{len(FAILED)} failed")
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
