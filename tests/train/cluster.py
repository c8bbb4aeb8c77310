"""Processes of a cluster on this machine."""

import json
import os
import socket
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("localhost", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def start_worker(command, ports, index) -> subprocess.Popen:
    """Starts a command as worker `index` of those that listen at `ports`."""
    cluster = {"worker": [f"localhost:{port}" for port in ports]}
    task = {"cluster": cluster, "task": {"type": "worker", "index": index}}
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "TF_CONFIG": json.dumps(task)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
