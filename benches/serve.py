"""Load test of `ferroprop serve`: latency and requests a second at several numbers of connections.

    pip install 'ferroprop[serve]'
    python benches/serve.py                               # about 4 minutes
    python benches/serve.py --seconds 2 --connections 1,8 --json serve.json

A model of examples/penguins.csv (seven columns, three of them categories; `--kind tabular`: five networks of
three layers of 128 units, `--kind mlp`: one of 32 units) is trained and served by a process of its own, with
the options' defaults. This process is the client: so many connections, each of which sends a request of one
row, or of `--rows` rows, as soon as the answer to the one before has come. Every request is timed from its
first byte to the answer's last one, after a second of warming up. The client is a few lines of asyncio that
write and read bytes, so that it takes less of the CPUs, which it shares with the server, than a client
library; the log is off (--quiet).
"""

import argparse
import asyncio
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

PENGUINS = Path(__file__).parent.parent / "examples" / "penguins.csv"
ROW = {
    "island": "Biscoe",
    "bill_length_mm": 46.5,
    "bill_depth_mm": 17.9,
    "flipper_length_mm": 192,
    "body_mass_g": 3500,
    "sex": "female",
    "year": 2007,
}
PERCENTILES = {"p50": 50.0, "p99": 99.0, "p99.9": 99.9}


def main() -> None:
    """Train, serve, load, and print a table."""
    options = parse()
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in options.kinds:
            model = Path(folder) / f"{kind}.skops"
            arguments = ["train", str(PENGUINS), "--target", "species", "--model", kind, "--save", str(model)]
            subprocess.run(
                [sys.executable, "-m", "ferroprop", *arguments, "--quiet"],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            for rows in options.rows:
                for connections in options.connections:
                    measured = load(model, rows, connections, options.seconds)
                    results.append({"model": kind, "rows": rows, "connections": connections, **measured})
    print(f"{processor()}, {os.cpu_count()} CPUs for server and client; Python {platform.python_version()};")
    print(f"{options.seconds:g} s a case; milliseconds a request.\n")
    print(f"| model | rows | connections | {' | '.join(PERCENTILES)} | worst | requests a second |")
    print("|---|---:|---:|" + "---:|" * (len(PERCENTILES) + 2))
    for each in results:
        numbers = " | ".join(f"{each[key]:,.1f}" for key in (*PERCENTILES, "worst"))
        front = f"| {each['model']} | {each['rows']:,} | {each['connections']} |"
        print(f"{front} {numbers} | {each['rate']:,.0f} |")
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1), encoding="utf-8")


def parse() -> argparse.Namespace:
    """Return the options."""
    numbers = lambda text: [int(number) for number in text.split(",")]  # noqa: E731
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kinds", type=lambda text: text.split(","), default=["tabular", "mlp"])
    parser.add_argument("--rows", type=numbers, default=[1, 100])
    parser.add_argument("--connections", type=numbers, default=[1, 8, 64])
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--json")
    return parser.parse_args()


def load(model: Path, rows: int, connections: int, seconds: float) -> dict[str, float]:
    """Serve the model, ask it, and return percentiles in milliseconds and requests a second."""
    server = subprocess.Popen(
        [sys.executable, "-m", "ferroprop", "serve", str(model), "--port", "0", "--quiet"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr is not None
    address = re.search(r"http://127\.0\.0\.1:(\d+)", server.stderr.readline())
    assert address is not None
    times, took = asyncio.run(ask(int(address[1]), rows, connections, seconds))
    server.terminate()
    assert server.wait() == 0
    milliseconds = 1000 * np.array(times)
    found = {name: float(np.percentile(milliseconds, q)) for name, q in PERCENTILES.items()}
    return {**found, "worst": float(milliseconds.max()), "rate": len(times) / took}


async def ask(port: int, rows: int, connections: int, seconds: float) -> tuple[list[float], float]:
    """Return the times of all requests after a second, and the time that they took together."""
    body = json.dumps({"rows": [ROW] * rows}).encode()
    request = (
        b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    begin = time.perf_counter() + 1.0
    end = begin + seconds
    times: list[float] = []

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (sent := time.perf_counter()) < end:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = re.search(rb"content-length: (\d+)", head)
            assert length is not None
            await reader.readexactly(int(length[1]))
            if sent >= begin:
                times.append(time.perf_counter() - sent)
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return times, time.perf_counter() - begin


def processor() -> str:
    """Return the processor's name."""
    try:
        names = re.findall(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        names = []
    return names[0] if names else platform.processor()


if __name__ == "__main__":
    main()
