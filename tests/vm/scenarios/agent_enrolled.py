"""The installed agent runs and its server knows the terminal."""

import json

from checks import check, equal, eventually
from guest import Guest

NEEDS = "agent"


def run(vm: Guest) -> None:
    for unit in ("sekishod", "sekisho-uplink"):
        check(vm.ssh(f"systemctl is-active {unit}", check=False).ok,
              f"{unit} is active")
    eventually("the agent reaches its server", lambda: connected(vm), 120)
    equal(terminals(vm), ["terminal-1"], "the server knows one terminal")


def connected(vm: Guest) -> bool:
    agents = json.loads(vm.server.cli("agent", "list", "--json"))
    return any(agent["state"] == "connected" for agent in agents)


def terminals(vm: Guest) -> list[str]:
    return [agent["terminal"]
            for agent in json.loads(vm.server.cli("agent", "list", "--json"))]
