"""Receivers as people run them: rsyslog, an SMTP server, an HTTPS server."""

import hashlib
import hmac
import http.server
import shutil
import socket
import ssl
import subprocess
import threading
import time
from email import message_from_bytes
from email.header import decode_header, make_header

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

SECRET = "a secret of the hook"
USER, PASSWORD = b"sekisho", b"mail password"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def make_certificates(folder):
    """ca.pem, other-ca.pem (of nobody here), server.pem and server.key."""
    def openssl(*args):
        subprocess.run(["openssl", *args], check=True, cwd=folder,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for name in ("ca", "other-ca"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                "-out", f"{name}.pem")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
            "-keyout", "server.key", "-out", "server.csr")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem",
            "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "names", "-out", "server.pem")


def server_context(folder):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    return context


class Rsyslog:
    """rsyslogd with a TLS listener; messages land in a file as JSON."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.log = folder / "received.log"
        (folder / "rsyslog.conf").write_text(f'''
global(workDirectory="{folder}" maxMessageSize="64k"
       defaultNetstreamDriver="gtls"
       defaultNetstreamDriverCAFile="{folder}/ca.pem"
       defaultNetstreamDriverCertFile="{folder}/server.pem"
       defaultNetstreamDriverKeyFile="{folder}/server.key"
       parser.escapeControlCharactersOnReceive="off")
module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1"
       StreamDriver.AuthMode="anon")
template(name="all" type="list" option.jsonf="on") {{
  property(outname="app" name="app-name" format="jsonf")
  property(outname="msgid" name="msgid" format="jsonf")
  property(outname="pri" name="pri" format="jsonf")
  property(outname="time" name="timereported" dateFormat="rfc3339"
           format="jsonf")
  property(outname="data" name="structured-data" format="jsonf")
  property(outname="msg" name="msg" format="jsonf")
}}
ruleset(name="take") {{ action(type="omfile" file="{self.log}"
                               template="all") }}
input(type="imtcp" port="{self.port}" ruleset="take")
''')
        self.forgotten = 0
        self.process = None

    def start(self):
        # Not a daemon of this machine: its own pid file and work folder.
        self.process = subprocess.Popen(
            [shutil.which("rsyslogd") or "/usr/sbin/rsyslogd", "-n", "-f",
             str(self.folder / "rsyslog.conf"),
             "-i", str(self.folder / "rsyslog.pid")],
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "rsyslog.err").open("w"))
        for _ in range(100):
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError((self.folder / "rsyslog.err").read_text())

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def forget(self):
        """Lines that are there count no more."""
        self.forgotten = len(self.log.read_text().splitlines())

    def lines(self):
        if not self.log.exists():
            return []
        text = self.log.read_text(encoding="utf-8")
        return text.splitlines()[self.forgotten:]


class Mail:
    """An SMTP server that wants STARTTLS and a password."""

    def __init__(self, folder):
        self.got = []
        self.controller = Controller(
            self, hostname="127.0.0.1", port=free_port(),
            tls_context=server_context(folder), require_starttls=True,
            auth_required=True, authenticator=self.check)
        self.port = self.controller.port

    def start(self):
        self.controller.start()

    def stop(self):
        self.controller.stop()

    @staticmethod
    def check(_server, _session, _envelope, _mechanism, auth_data):
        return AuthResult(success=(auth_data.login, auth_data.password)
                          == (USER, PASSWORD))

    async def handle_DATA(self, _server, _session, envelope):
        mail = message_from_bytes(envelope.content)
        self.got.append((envelope.rcpt_tos,
                         str(make_header(decode_header(mail["Subject"]))),
                         mail.get_payload(decode=True).decode("utf-8")))
        return "250 OK"


class Hook:
    """An HTTPS server that takes what is signed, or says 503."""

    def __init__(self, folder):
        self.got = []
        self.bad = []
        self.refuse = False
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if hook.refuse:
                    self.send_response(503)
                else:
                    hook.take(self.headers, body)
                    self.send_response(204)
                self.end_headers()

            def log_message(self, *_args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = server_context(folder).wrap_socket(
            self.server.socket, server_side=True)
        self.port = self.server.server_address[1]

    def take(self, headers, body):
        moment = headers.get("X-Sekisho-Timestamp", "")
        expected = hmac.new(SECRET.encode(), moment.encode() + b"." + body,
                            hashlib.sha256).hexdigest()
        fresh = moment.isdigit() and abs(time.time() - int(moment)) < 60
        if fresh and headers.get("X-Sekisho-Signature") == "v1=" + expected:
            self.got += body.decode("utf-8").splitlines()
        else:
            self.bad.append(dict(headers))

    def start(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
