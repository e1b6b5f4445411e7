#!/usr/bin/env python3
"""When a medium became usable, by the guest's clock; prints JSON.

usage: usable_guest.py FOLDER HOST PORT SECONDS

Says "ready" first. `usable` is when a new mount below FOLDER first listed its
files, `wrote` when a small file was on it (0: it was refused); `ahead` is how far this clock is
ahead of the host's, by the quickest of many exchanges.
"""

import json
import os
import socket
import struct
import sys
import time

EXCHANGES = 30
POLL_S = 0.005


def ahead(host, port):
    best = (1e9, 0.0)
    with socket.create_connection((host, port), 10) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(EXCHANGES):
            sent = time.time()
            peer.sendall(b"?")
            told = struct.unpack("d", peer.recv(8, socket.MSG_WAITALL))[0]
            got = time.time()
            best = min(best, (got - sent, (sent + got) / 2 - told))
    return {"ahead": best[1], "within": best[0] / 2}


def mounts(folder):
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return [path for path in (os.path.join(folder, name) for name in names)
            if os.path.ismount(path)]


def first_listing(folder, known, deadline):
    while time.time() < deadline:
        for path in mounts(folder):
            if path in known:
                continue
            try:
                os.listdir(path)
            except OSError:
                continue
            return path, time.time()
        time.sleep(POLL_S)
    return "", 0.0


def write(path):
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write("usable\n")
    except OSError:
        return 0.0
    return time.time()


def main():
    folder, host, port, seconds = sys.argv[1:]
    answer = ahead(host, int(port))
    known = set(mounts(folder))
    print("ready", flush=True)
    path, usable = first_listing(folder, known, time.time() + float(seconds))
    answer |= {"path": path, "usable": usable, "wrote": 0.0}
    if path:
        answer["wrote"] = write(os.path.join(path, "usable.txt"))
    print(json.dumps(answer))


main()
