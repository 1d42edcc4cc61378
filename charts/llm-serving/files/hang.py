"""Liveness with a look at progress: fails when the engine is dead, or has requests and produced no token for too long.

Arguments: base URL, health path, metrics path, seconds, state file, gauge of running requests, counters of progress.
"""
import json
import sys
import time
import urllib.request

base, health, metrics, seconds, state_file, running_name, *counter_names = sys.argv[1:]


def get(path):
    with urllib.request.urlopen(base + path, timeout=4) as reply:
        return reply.read().decode()


def total(text, name):
    lines = (line for line in text.splitlines() if line.startswith((name + "{", name + " ")))
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


get(health)
text = get(metrics)
now = time.monotonic()
with open("/proc/1/stat") as stat:  # start time of the engine: the state file outlives a restart of the container
    engine = stat.read().rsplit(")", 1)[1].split()[19]
seen = {"engine": engine, "progress": [total(text, name) for name in counter_names], "since": now}
try:
    with open(state_file) as file:
        before = json.load(file)
except (OSError, ValueError):
    before = {}
stuck = total(text, running_name) > 0 and all(before.get(key) == seen[key] for key in ("engine", "progress"))
if stuck:
    seen["since"] = before["since"]
with open(state_file, "w") as file:
    json.dump(seen, file)
if now - seen["since"] >= float(seconds):
    sys.exit(f"requests are running and no token was produced for {now - seen['since']:.0f} s")
