"""A QMP client: one socket to one QEMU, commands in order, events kept."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any


class QmpError(Exception):
    """QEMU refused a command, or went away."""


class Qmp:
    """Speaks to QEMU's monitor. Not thread-safe."""

    def __init__(self, path: Path, timeout_s: float = 60) -> None:
        """Connects to the socket QEMU has already made."""
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout_s)
        self._socket.connect(str(path))
        self._buffer = b""
        self._events: list[dict[str, Any]] = []
        self._read(timeout_s)  # the greeting
        self.command("qmp_capabilities")

    def close(self) -> None:
        self._socket.close()

    def command(self, name: str, arguments: dict[str, Any] | None = None,
                timeout_s: float = 60) -> Any:
        """Runs one command and returns its value; QmpError when refused."""
        request: dict[str, Any] = {"execute": name}
        if arguments:
            request["arguments"] = arguments
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise QmpError(f"{name}: {error}") from error
        while True:
            message = self._read(timeout_s)
            if "return" in message:
                return message["return"]
            if "error" in message:
                raise QmpError(f"{name}: {message['error']['desc']}")

    def hmp(self, line: str, timeout_s: float = 600) -> str:
        """Runs a human-monitor command; QmpError if it printed an error."""
        text = self.command("human-monitor-command", {"command-line": line},
                            timeout_s)
        if text.strip().startswith("Error"):
            raise QmpError(f"{line}: {text.strip()}")
        return str(text)

    def wait_event(self, name: str, timeout_s: float = 30,
                   **data: Any) -> dict[str, Any]:
        """Takes the first event `name` whose data holds all of `data`."""
        deadline = time.monotonic() + timeout_s
        while True:
            for index, event in enumerate(self._events):
                found = event.get("data", {})
                if event["event"] == name and data.items() <= found.items():
                    return self._events.pop(index)
            left = deadline - time.monotonic()
            if left <= 0:
                raise QmpError(f"no {name} {data} within {timeout_s} s")
            self._read(left)

    def _read(self, timeout_s: float) -> dict[str, Any]:
        """Reads one message; an event is also kept for wait_event."""
        self._socket.settimeout(timeout_s)
        while b"\n" not in self._buffer:
            try:
                chunk = self._socket.recv(65536)
            except OSError as error:
                raise QmpError(f"monitor: {error}") from error
            if not chunk:
                raise QmpError("monitor: QEMU has gone")
            self._buffer += chunk
        line, self._buffer = self._buffer.split(b"\n", 1)
        message: dict[str, Any] = json.loads(line)
        if "event" in message:
            self._events.append(message)
        return message
