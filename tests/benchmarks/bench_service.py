"""How many requests a second the service answers, and how long they wait.

    python tests/benchmarks/bench_service.py --clients 50 --requests 4000

Starts ``allsurv serve`` on this machine with a Cox model of made-up patients, sends one patient a
request from several clients that keep their connection, and prints requests per second and
centiles of the waiting time. Ends by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time

import numpy as np

import allsurv as als
from allsurv.models import export_model


async def client(port: int, body: bytes, n: int, waits: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"POST /score HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    for _ in range(n):
        start = time.perf_counter()
        writer.write(head + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in answer.split(b"\r\n")[0], answer
        length = int(answer.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        waits.append(time.perf_counter() - start)
    writer.close()


async def load(port: int, body: bytes, clients: int, requests: int) -> list[float]:
    waits: list[float] = []
    await asyncio.gather(*(client(port, body, requests // clients, waits) for _ in range(clients)))
    return waits


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--requests", type=int, default=4000)
    asked = parser.parse_args()
    cohort = als.load_cohort("rr-all")
    model = als.make_model("cox", cohort.study, ridge=1.0).fit(cohort.X, cohort.y("os"))
    exported = export_model(model, cohort, endpoint="os")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        exported.write(folder)
        command = [sys.executable, "-m", "allsurv", "serve", "--model", folder, "--port", str(port)]
        environment = {k: v for k, v in os.environ.items() if k != "ALLSURV_TOKEN"}
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
        try:
            for _ in range(200):
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.1)
            record = json.loads(exported.example().to_json(orient="records"))[0]
            yes_no = {v.name for v in exported.variables.values() if v.is_yes_no}
            patient = {n: bool(v) if n in yes_no else v for n, v in record.items()}
            body = json.dumps({"patients": [patient]}).encode()
            asyncio.run(load(port, body, 2, 100))  # warm
            start = time.perf_counter()
            waits = np.array(asyncio.run(load(port, body, asked.clients, asked.requests)))
            took = time.perf_counter() - start
        finally:
            server.terminate()
            server.wait(20)
    print(f"{asked.clients} clients: {waits.size / took:.0f} requests a second")
    for centile in (50, 95, 99):
        print(f"  {centile}% waited at most {np.percentile(waits, centile):.3f} s")


if __name__ == "__main__":
    main()
