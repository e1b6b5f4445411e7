"""The way to the server can be cut and restored while ssh goes on."""

import http.server
import threading

from checks import check, eventually
from guest import Guest

NEEDS = "plain"


def run(vm: Guest) -> None:
    host = http.server.HTTPServer(("127.0.0.1", 0),
                                  http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=host.serve_forever, daemon=True).start()
    reach = f"nc -z -w 5 10.0.2.2 {host.server_port}"
    try:
        check(vm.ssh(reach, check=False).ok, "the guest reaches the host")
        vm.cut_network()
        eventually("the guest sees the cable pulled", lambda: vm.ssh(
            "grep -q 0 /sys/class/net/eth1/carrier", check=False).ok)
        check(not vm.ssh(reach, check=False).ok, "the guest is cut off")
        vm.restore_network()
        eventually("the guest reaches the host again",
                   lambda: vm.ssh(reach, check=False).ok)
    finally:
        host.shutdown()
