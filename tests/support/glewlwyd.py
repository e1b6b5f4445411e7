#!/usr/bin/env python3
"""A real OpenID provider for tests: Debian's glewlwyd over TLS on loopback, with
a database, keys and people of its own, in one folder.

As a module: Glewlwyd(folder). As a program, for tests in other languages:

  glewlwyd.py FOLDER      prints what server.yaml needs as one line of JSON, then
                          obeys a word a line ("add-user NAME USERNAME GROUPS",
                          "client REDIRECT_BASE", "stop", "start"); ends with
                          its input.
"""

import http.cookiejar
import json
import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

SCHEMA = "/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3"
WEBAPP = "/usr/share/glewlwyd/webapp"
TEMPLATE = "/usr/share/glewlwyd/templates/config.json"
MIME_TYPES = {"html": "text/html", "css": "text/css",
              "js": "application/javascript", "json": "application/json",
              "png": "image/png", "woff2": "font/woff2"}
CLIENT = "sekisho"
# Glewlwyd takes it as it is; RFC 6749, 2.3.1, would have it form-encoded.
SECRET = "a-secret-of-38-plain-letters-and-signs"
PASSWORD = "a pass phrase at the provider"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Browser:
    """Keeps cookies, follows nothing by itself."""

    def __init__(self, ca_files):
        context = ssl.create_default_context()
        for ca in ca_files:
            context.load_verify_locations(ca)
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context),
            urllib.request.HTTPCookieProcessor(self.jar), NoRedirect())

    def send(self, method, url, body=None, headers=None):
        request = urllib.request.Request(
            url, method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **(headers or {})})
        try:
            answer = self.opener.open(request, timeout=30)
        except urllib.error.HTTPError as refused:
            answer = refused
        with answer:
            return answer.status, answer.headers, answer.read().decode()


class Glewlwyd:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.base = f"https://localhost:{self.port}"
        self.issuer = self.base + "/api/oidc"
        self.ca = self.folder / "provider.pem"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
                self.folder / "provider.key", "-out", self.ca, "-days", "2",
                "-subj", "/CN=localhost", "-addext",
                "subjectAltName=DNS:localhost")
        with sqlite3.connect(self.folder / "provider.db") as db:
            db.executescript(Path(SCHEMA).read_text(encoding="utf-8"))
        self.copy_pages()
        self.write_config()
        self.process = None
        self.start()
        self.admin = Browser([self.ca])
        self.call("POST", "/api/auth/",
                  {"username": "admin", "password": "password"})
        self.call("POST", "/api/mod/plugin/", self.plugin("rsa"))
        self.name_properties()

    def copy_pages(self):
        """Its links lead out of the folder, from where it serves nothing; one
        of them leads to a folder in the place of a file."""
        pages = self.folder / "webapp"
        shutil.copytree(WEBAPP, pages, ignore=shutil.ignore_patterns(
            "config.json"))
        settings = json.loads(Path(TEMPLATE).read_text(encoding="utf-8"))
        settings["GlewlwydUrl"] = self.base + "/"
        (pages / "config.json").write_text(json.dumps(settings),
                                           encoding="utf-8")

    def write_config(self):
        f = self.folder
        types = ",\n".join(
            f'{{ extension = ".{name}" mime_type = "{kind}" compress = 0 }}'
            for name, kind in MIME_TYPES.items())
        (f / "glewlwyd.conf").write_text(f"""
port={self.port}
bind_address="127.0.0.1"
external_url="{self.base}"
login_url="login.html"
api_prefix="api"
static_files_path="{f}/webapp/"
log_mode="file"
log_level="WARNING"
log_file="{f}/glewlwyd.log"
cookie_secure=1
session_expiration=3600
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="/usr/lib/glewlwyd/user"
client_module_path="/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="/usr/lib/glewlwyd/scheme"
plugin_module_path="/usr/lib/glewlwyd/plugin"
use_secure_connection=true
secure_connection_key_file="{f}/provider.key"
secure_connection_pem_file="{self.ca}"
hash_algorithm="SHA512"
database = {{ type="sqlite3" path="{f}/provider.db" }};
static_files_mime_types = ({types})
""", encoding="utf-8")

    def start(self):
        with (self.folder / "glewlwyd.out").open("a") as out:
            self.process = subprocess.Popen(
                ["glewlwyd", f"--config-file={self.folder}/glewlwyd.conf"],
                stdout=out, stderr=out)
        until = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("localhost", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def call(self, method, path, body=None):
        status, _, text = self.admin.send(method, self.base + path, body)
        if status != 200:
            raise RuntimeError(f"{method} {path}: {status} {text}")
        return text

    def plugin(self, kind):
        key, public = self.folder / "sign.key", self.folder / "sign.pub"
        if kind == "rsa":
            openssl("genrsa", "-out", key, "2048")
            openssl("rsa", "-in", key, "-pubout", "-out", public)
        else:
            openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout",
                    "-out", key)
            openssl("ec", "-in", key, "-pubout", "-out", public)
        said = {"type": "string", "mandatory": True}
        return {
            "module": "oidc", "name": "oidc", "display_name": "OIDC",
            "enabled": True,
            "parameters": {
                "iss": self.issuer, "jwt-type": kind, "jwt-key-size": "256",
                "key": key.read_text(encoding="ascii"),
                "cert": public.read_text(encoding="ascii"),
                "access-token-duration": 3600,
                "refresh-token-duration": 1209600, "code-duration": 60,
                "refresh-token-rolling": False, "allow-non-oidc": False,
                "auth-type-client-enabled": False,
                "auth-type-code-enabled": True,
                "auth-type-implicit-enabled": False,
                "auth-type-password-enabled": False,
                "auth-type-refresh-enabled": False,
                "auth-type-token-enabled": False,
                "auth-type-none-enabled": False,
                "jwks-show": True, "jwks-x5c": [], "pkce-allowed": True,
                "pkce-required": True, "pkce-method-plain-allowed": False,
                "subject-type": "public", "name-claim": "mandatory",
                "email-claim": "no", "scope-claim": "no",
                "oauth-as-iss-id": True, "allowed-scope": ["openid"],
                "address-claim": {"type": "no"},
                "claims": [
                    {"name": "preferred_username",
                     "user-property": "preferred", **said},
                    {"name": "groups", "user-property": "groups", **said}],
            },
        }

    def use_new_keys(self, kind):
        """Keys that nobody has seen, of "rsa" or "ecdsa"."""
        self.call("PUT", "/api/mod/plugin/oidc", self.plugin(kind))
        self.call("PUT", "/api/mod/plugin/oidc/reset/")

    def name_properties(self):
        module = json.loads(self.call("GET", "/api/mod/user/database"))
        for name, several in (("preferred", False), ("groups", True)):
            module["parameters"]["data-format"][name] = {
                "multiple": several, "read": True, "write": True}
        self.call("PUT", "/api/mod/user/database", module)
        self.call("PUT", "/api/mod/user/database/reset/")

    def add_client(self, redirect_base):
        self.call("POST", "/api/client/", {
            "client_id": CLIENT, "name": "Sekisho", "enabled": True,
            "confidential": True, "client_secret": SECRET, "password": SECRET,
            "scope": [], "authorization_type": ["code"],
            "redirect_uri": [redirect_base + "/api/v1/provider:callback"],
            "token_endpoint_auth_method": ["client_secret_basic"]})

    def add_user(self, name, preferred, groups):
        """`name` signs in there; `preferred` is what the token calls him."""
        self.call("POST", "/api/user/", {
            "username": name, "password": PASSWORD, "name": name,
            "scope": ["openid"], "preferred": preferred, "groups": groups})
        # As if he had been asked once whether Sekisho may know of him.
        person = self.browser()
        self.sign_in(person, name)
        person.send("PUT", f"{self.base}/api/auth/grant/{CLIENT}",
                    {"scope": "openid"})

    def rename(self, name, preferred):
        user = json.loads(self.call("GET", f"/api/user/{name}"))
        user["preferred"] = preferred
        self.call("PUT", f"/api/user/{name}", user)

    def browser(self, *other_cas):
        return Browser([self.ca, *other_cas])

    def sign_in(self, browser, name):
        status, _, text = browser.send("POST", self.base + "/api/auth/", {
            "username": name, "password": PASSWORD})
        if status != 200:
            raise RuntimeError(f"{name} at the provider: {status} {text}")

    def settings(self):
        """Lines of the section `oidc` of server.yaml."""
        secret = self.folder / "client.secret"
        secret.touch(mode=0o600)
        secret.write_text(SECRET + "\n", encoding="ascii")
        return {"issuer": self.issuer, "client_id": CLIENT,
                "client_secret_file": str(secret), "ca_file": str(self.ca),
                "scopes": "openid"}


def main():
    provider = Glewlwyd(sys.argv[1])
    print(json.dumps({**provider.settings(), "password": PASSWORD}),
          flush=True)
    try:
        for line in sys.stdin:
            words = line.split()
            if words[0] == "add-user":
                provider.add_user(words[1], words[2], words[3].split(","))
            elif words[0] == "client":
                provider.add_client(words[1])
            elif words[0] == "stop":
                provider.stop()
            elif words[0] == "start":
                provider.start()
            print("ok", flush=True)
    finally:
        provider.stop()


if __name__ == "__main__":
    main()
