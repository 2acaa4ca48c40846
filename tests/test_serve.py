"""`ferroprop serve`: the predictions of `ferroprop predict` by HTTP, within limits, until a signal comes."""

import asyncio
import http.client
import json
import math
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import polars as pl
import pytest
from command_line import FAST, FEW, PENGUINS, complaint, succeed

pytest.importorskip("fastapi", reason="fastapi is not installed: the server is not tested here")

from fastapi.testclient import TestClient
from ferroprop.cli.serving.api import api
from ferroprop.cli.serving.gate import Gate, Limits
from ferroprop.cli.serving.server import listen
from ferroprop.cli.serving.service import Service

LIMITS = Limits(rows=200, body=100_000, at_once=2, queue=4, seconds=20.0)
JSON = {"content-type": "application/json"}


def orders(n=120):
    """Return a table with all kinds of columns, written as people write them."""
    rng = np.random.default_rng(0)
    amounts, days = rng.exponential(900, n), rng.integers(0, 3000, n)
    members, hours = rng.random(n) < 0.5, rng.integers(0, 24, n)
    codes, codes_of = np.array(["1010", "4020", "8010", "9020"]), rng.integers(0, 4, n)
    amount = [f"{a:,.2f} €".translate(str.maketrans(",.", ".,")) for a in amounts]
    day = [f"{d.day:02}.{d.month:02}.{d.year}" for d in (np.datetime64("2015-03-01") + days).tolist()]
    size = amounts + 400 * members + 0.2 * days
    return pl.DataFrame(
        {
            "order": [f"A-{i:04}" for i in range(n)],  # all different: left out
            "amount": ["NA" if i % 11 == 3 else one for i, one in enumerate(amount)],
            "day": ["" if i % 13 == 5 else one for i, one in enumerate(day)],
            "at": [f"{hour:02}:{3 * i % 60:02}" for i, hour in enumerate(hours)],
            "member": ["true" if one else "false" for one in members],
            "zip code": codes[codes_of],
            "size": np.where(size > np.median(size), "größer", "kleiner"),
            "total": [f"{one:.1f}".replace(".", ",") for one in size + 100 * codes_of],
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    orders().write_csv(folder / "orders.csv", separator=";")
    table = [folder / "orders.csv", "--category", "zip code"]
    succeed("train", *table, "--target", "size", "--ignore", "total", "--save", folder / "size.skops", *FEW)
    succeed("train", *table, "--target", "total", "--ignore", "size", "--save", folder / "total.skops", *FEW)
    succeed("train", *table, "--target", "size", "--ignore", "total", "--save", folder / "mlp.skops", *FAST)
    succeed("train", PENGUINS, "--target", "species", "--save", folder / "species.skops", *FEW)
    return folder


class Served:
    """A model behind a client, in this process."""

    def __init__(self, path, limits=LIMITS):
        self.service = Service(path, limits.rows)
        self.gate, self.stopping = Gate(limits), False
        self.client = TestClient(api(self.service, limits, self.gate, lambda: self.stopping))

    def __enter__(self):
        self.client.__enter__()
        return self

    def __exit__(self, *error):
        self.client.__exit__(*error)

    def post(self, rows, **more):
        return self.client.post("/predict", json={"rows": rows, **more})

    def predictions(self, rows, **more):
        answer = self.post(rows, **more)
        assert answer.status_code == 200, answer.text
        assert answer.json()["rows"] == len(rows)
        return answer.json()["predictions"]

    def faults(self, rows, **more):
        answer = self.post(rows, **more)
        assert answer.status_code == 422
        return [(tuple(one["loc"]), one["msg"]) for one in answer.json()["detail"]]


@pytest.fixture(scope="module")
def size(folder):
    with Served(folder / "size.skops") as served:
        yield served


@pytest.fixture(scope="module")
def total(folder):
    with Served(folder / "total.skops") as served:
        yield served


ROW = {"amount": 1234.5, "day": "24.12.2019", "at": "08:30", "member": True, "zip code": "8010"}


def as_json(table):
    """Return the rows of `orders` as a client would write them."""
    numbers = table["amount"].replace("NA", None).str.replace_all(r"[.€ ]", "").str.replace(",", ".")
    return [
        {**row, "amount": amount, "day": row["day"] or None, "member": row["member"] == "true"}
        for row, amount in zip(
            table.select("day", "at", "member", "zip code").to_dicts(), numbers.cast(pl.Float64), strict=True
        )
    ]


def predicted(model, table, folder):
    """Return the predictions of ``ferroprop predict``."""
    said = json.loads(succeed("predict", model, folder / table, "--json").stdout)
    return [{name: one[name] for name in one if name != "line"} for one in said["predictions"]], said["notes"]


# ---- the predictions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["size", "total", "mlp"])
def test_the_predictions_are_those_of_predict(model, folder):
    with Served(folder / f"{model}.skops") as served:
        rows = as_json(orders())
        expected, _ = predicted(folder / f"{model}.skops", "orders.csv", folder)
        assert served.predictions(rows) == expected
        assert [served.predictions([row])[0] for row in rows[:5]] == expected[:5]


def test_missing_values_and_their_notes_are_those_of_predict(folder):
    table = pl.read_csv(PENGUINS, null_values="NA")
    table.write_csv(folder / "penguins.csv", null_value="")
    with Served(folder / "species.skops") as served:
        expected, notes = predicted(folder / "species.skops", "penguins.csv", folder)
        kept = [c.name for c in served.service.card.columns]
        answers = []
        for start in range(0, table.height, 200):
            answers.append(served.post(table.select(kept).slice(start, 200).to_dicts()).json())
        assert [one for answer in answers for one in answer["predictions"]] == expected
        assert "column 'sex': empty cells are taken for 'NA', as in training" in notes
        assert {note for one in answers for note in one["notes"]} <= set(notes)


def test_dates_in_iso_8601_and_categories_that_are_numbers(size):
    (expected,) = size.predictions([ROW])
    for day in ("2019-12-24", "2019-12-24T00:00:00", "2019-12-24 00:00", "2019-12-24T01:00:00+01:00"):
        assert size.predictions([{**ROW, "day": day}]) == [expected]
    assert size.predictions([{**ROW, "zip code": 8010}, {**ROW, "zip code": 8010.0}]) == [expected] * 2
    assert size.predictions([{**ROW, "amount": 1}]) == size.predictions([{**ROW, "amount": 1.0}])
    assert size.predictions([{**ROW, "at": "8:30:00"}]) == [expected]


def test_columns_that_the_model_does_not_use(size):
    (expected,) = size.predictions([ROW])
    assert size.predictions([{**ROW, "order": "A-1", "size": None, "total": "3"}]) == [expected]


def test_quantiles(total):
    (expected,) = total.predictions([ROW])
    (found,) = total.predictions([ROW], quantiles=[0.95, 0.05])
    assert list(found) == ["predicted_total", "quantile_0.95", "quantile_0.05"]
    assert found["predicted_total"] == expected["predicted_total"]
    assert found["quantile_0.05"] < found["quantile_0.95"]
    assert total.predictions([ROW], quantiles=[0.95, 0.05, 0.95]) == [found]


def test_warnings_are_notes_to_the_one_who_asked(folder):
    """Also when several threads predict. The server is this test's own, because pytest resets filters."""
    asked = {
        "nothing": ({}, []),
        "0000": ({"zip code": "0000"}, [r"'zip code' has categories that training did not: '0000'"]),
        "large": ({"amount": 1e9}, [r"Column 'amount': 100% of its values are outside"]),
        "early": ({"day": "1.1.1950"}, [r"Column 'day': 100% of its values are outside"]),
    }
    notes = {}

    def ask(size, name):
        for _ in range(3):
            answer = size.post([{**ROW, **asked[name][0]}] * 150)
            notes[name] = answer.json()["notes"] if answer.is_success else [answer.text]

    with Served(folder / "size.skops") as size:
        threads = [threading.Thread(target=ask, args=(size, name)) for name in asked]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for name, (_, patterns) in asked.items():
        found = [note for note in notes[name] if name != "0000" or "has categories" in note]
        assert len(found) == len(patterns), notes[name]
        assert all(re.search(*pair) for pair in zip(patterns, found, strict=True))


def test_what_warns_outside_of_a_prediction_is_as_before(folder):
    show, filters = warnings.showwarning, list(warnings.filters)
    with Served(folder / "size.skops"):
        assert warnings.showwarning is not show
    assert warnings.showwarning is show
    assert warnings.filters == filters


# ---- what is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "place", "message"),
    [
        ({"amount": "12"}, "amount", "column 'amount' got '12'; expected a number up to 1e100, or null"),
        ({"amount": True}, "amount", "column 'amount' got true; expected a number up to 1e100, or null"),
        ({"amount": [1]}, "amount", "column 'amount' got a list of 1; expected a number"),
        ({"amount": 1e101}, "amount", "column 'amount' got 1e+101; expected a number up to 1e100, or null"),
        ({"day": "31.2.2019"}, "day", "column 'day' got '31.2.2019'; expected a date as text, or null"),
        ({"day": 20191224}, "day", "column 'day' got 20191224; expected a date as text, or null"),
        ({"at": "25h"}, "at", "column 'at' got '25h'; expected a time as text, such as 08:30 or 08:30:15"),
        ({"member": "yes"}, "member", "column 'member' got 'yes'; expected true, false or null"),
        ({"zip code": {}}, "zip code", "column 'zip code' got an object; expected a text, a number, true"),
        ({"Amount": 3}, "Amount", "column 'Amount' is none of the model's; did you mean 'amount'?"),
    ],
    ids=str,
)
def test_cells_that_do_not_fit(size, change, place, message):
    ((where, said),) = size.faults([ROW, {**ROW, **change}])
    assert where == ("body", "rows", 1, place)
    assert said.startswith(f"rows[1]: {message}")


def test_a_column_that_is_not_there(size):
    row = {name: value for name, value in ROW.items() if name != "at"}
    assert size.faults([row]) == [
        (("body", "rows", 0, "at"), "rows[0]: column 'at' is not there; null says that its value is missing")
    ]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body must be JSON: EOF while parsing"),
        (b'{"rows": [', "the body must be JSON: EOF while parsing"),
        (b"\xff\xfe", "the body must be JSON: expected value at line 1 column 1"),
        (b"[" * 50_000, "the body must be JSON: recursion limit exceeded"),
        (b"[]", "the body: got a list of 0; expected an object with 'rows'"),
        (b"{}", "rows: got none; expected a list of objects, one for each row"),
        (b'{"rows": {}}', "rows: got an object; expected a list of objects"),
        (b'{"rows": []}', "rows: got no row; expected one or more"),
        (b'{"rows": [[1]]}', "rows[0]: got a list of 1; expected an object of columns"),
        (
            json.dumps({"rows": [{**ROW, "zip code": math.nan}]}).encode(),  # which Python writes, not JSON
            "rows[0]: column 'zip code' got nan; expected a text, a number",
        ),
        (
            json.dumps({"rows": [{**ROW, "zip code": math.inf}]}).encode(),
            "rows[0]: column 'zip code' got inf; expected a text, a number",
        ),
        (json.dumps({"rows": [ROW] * 201}).encode(), "rows: got more than 200, the most rows of a request"),
        (json.dumps({"rows": [ROW], "row": 1}).encode(), "'row' is no part of a request; expected 'rows'"),
        (json.dumps({"rows": [ROW], "quantiles": [0.5]}).encode(), "quantiles: this model predicts none"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_bodies_of_another_form(size, body, message):
    answer = size.client.post("/predict", content=body, headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["msg"].startswith(message)


@pytest.mark.parametrize("quantiles", [[], [0.0], [1], [0.5, 2.0], ["0.5"], 0.5, [0.5] * 101], ids=str)
def test_wrong_quantiles(total, quantiles):
    ((where, said), *_) = total.faults([ROW], quantiles=quantiles)
    assert where[:2] == ("body", "quantiles")
    assert said.endswith("expected a list of 1 to 100 numbers between 0 and 1")


def test_many_faults_are_not_all_told(size):
    strange = {f"a{i}": 1 for i in range(5000)}
    assert len(size.faults([{**ROW, **strange}])) == 20
    assert len(size.faults([{}, {}])) == len(ROW)  # those of the first row


def test_large_bodies(size):
    answer = size.client.post("/predict", content=b" " * 100_001, headers=JSON)
    assert (answer.status_code, answer.json()) == (
        413,
        {"detail": "the body must have at most 100,000 bytes"},
    )

    def parts():  # no Content-Length
        yield from [b" " * 60_000] * 2

    assert size.client.post("/predict", content=parts(), headers=JSON).status_code == 413


def test_kinds_of_bodies(size):
    plain = size.client.post("/predict", content=b"{}", headers={"content-type": "text/plain"})
    assert plain.status_code == 415
    assert plain.json()["detail"] == "Content-Type: got 'text/plain'; expected 'application/json'"
    packed = size.client.post("/predict", content=b"{}", headers={**JSON, "content-encoding": "gzip"})
    assert packed.status_code == 415
    assert size.client.post(
        "/predict",
        content=json.dumps({"rows": [ROW]}),
        headers={"content-type": "Application/JSON; charset=utf-8"},
    ).is_success
    assert size.client.get("/predict").status_code == 405
    assert size.client.get("/docs").status_code == 404  # its page would load scripts from elsewhere


# ---- what is said of the model -----------------------------------------------------------------------------


def test_health_and_readiness(folder):
    with Served(folder / "size.skops") as served:
        assert served.client.get("/health").json() == {"status": "ok"}
        assert served.client.get("/ready").json() == {"status": "ready"}
        served.stopping = True
        answer = served.client.get("/ready")
        assert (answer.status_code, answer.json()) == (503, {"status": "stopping"})
        assert served.client.get("/health").is_success


def test_the_card(total):
    card = total.client.get("/model").json()
    assert (card["target"], card["file"], card["quantiles"]) == ("total", "total.skops", True)
    assert [one["name"] for one in card["columns"]] == list(ROW)


def test_the_openapi_description(size, total):
    schemas = size.client.get("/openapi.json").json()["components"]["schemas"]
    row = schemas["Row"]
    assert row["required"] == list(ROW)
    assert row["additionalProperties"] is False
    kinds = {name: [one["type"] for one in row["properties"][name]["anyOf"]] for name in ROW}
    assert kinds["amount"] == ["number", "null"]
    assert kinds["member"] == ["boolean", "null"]
    assert kinds["zip code"] == ["string", "integer", "number", "boolean", "null"]
    assert "%d.%m.%Y" in row["properties"]["day"]["description"]
    assert set(row["properties"]) - set(ROW) == {"order", "size", "total"}
    assert "all different" in row["properties"]["order"]["description"]
    assert schemas["Request"]["properties"]["rows"]["maxItems"] == 200
    prediction = schemas["Prediction"]
    assert prediction["required"] == ["predicted_size", "probability_größer", "probability_kleiner"]
    assert prediction["required"] == list(size.predictions([ROW])[0])
    assert "quantiles" not in schemas["Request"]["properties"]
    of_numbers = total.client.get("/openapi.json").json()["components"]["schemas"]
    assert "quantiles" in of_numbers["Request"]["properties"]


# ---- how many at a time ------------------------------------------------------------------------------------


class Slow:
    """Stands in for a service's `answer`: waits, and counts who is there."""

    def __init__(self, answer):
        self._answer, self._lock = answer, threading.Lock()
        self.there = self.most = 0
        self.go_on = threading.Event()

    def __call__(self, body):
        with self._lock:
            self.there += 1
            self.most = max(self.most, self.there)
        self.go_on.wait(20)
        with self._lock:
            self.there -= 1
        return self._answer(body)


def wait_until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_no_more_than_so_many_at_once_and_in_the_queue(folder):
    with Served(folder / "size.skops") as served:
        served.service.answer = slow = Slow(served.service.answer)
        codes = []
        threads = [
            threading.Thread(target=lambda: codes.append(served.post([ROW]).status_code)) for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        wait_until(lambda: served.gate.inside == 6)
        refused = served.post([ROW])
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        busy = served.client.get("/ready")  # the event loop is free
        assert (busy.status_code, busy.json()) == (503, {"status": "busy"})
        slow.go_on.set()
        for thread in threads:
            thread.join()
        assert codes == [200] * 6
        assert slow.most == 2
        assert served.gate.inside == 0
        assert served.client.get("/ready").is_success


def test_a_prediction_that_takes_too_long(folder):
    limits = Limits(rows=9, body=9999, at_once=1, queue=2, seconds=0.2)
    with Served(folder / "size.skops", limits) as served:
        served.service.answer = slow = Slow(served.service.answer)
        answer = served.post([ROW])
        assert answer.status_code == 503
        assert answer.json()["detail"] == "no prediction within 0.2 s; try again, or with fewer rows"
        slow.go_on.set()
        wait_until(lambda: slow.there == 0)


# ---- the process -------------------------------------------------------------------------------------------


class Process:
    """A server in a process of its own."""

    def __init__(self, model, *options):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ferroprop", "serve", str(model), "--port", "0", *options],
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._connections = []
        self._alarm = threading.Timer(120, self.process.kill)  # what hangs, hangs for ever
        self._alarm.start()
        first = self.process.stderr.readline()
        self.port = int(re.search(r"http://127\.0\.0\.1:(\d+); Ctrl-C ends it\n$", first)[1])

    def connection(self):
        self._connections.append(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30))
        return self._connections[-1]

    def ended(self):
        """Return the exit code and the log."""
        _, log = self.process.communicate(timeout=60)
        return self.process.returncode, log.splitlines()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for connection in self._connections:
            connection.close()
        self._alarm.cancel()
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def begun(connection, body):
    """Send the head and half of a request."""
    connection.putrequest("POST", "/predict")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body[: len(body) // 2])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that a process can handle")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_what_is_under_way_end(folder, number):
    body = json.dumps({"rows": [ROW]}).encode()
    with Process(folder / "size.skops") as served:
        idle, open_request = served.connection(), served.connection()
        idle.request("GET", "/health")
        assert idle.getresponse().read() == b'{"status":"ok"}'
        begun(open_request, body)
        time.sleep(0.3)
        served.process.send_signal(number)
        time.sleep(0.5)
        assert served.process.poll() is None
        with pytest.raises(OSError, match=r".*"):  # nobody new is let in
            socket.create_connection(("127.0.0.1", served.port), timeout=1).close()
        open_request.send(body[len(body) // 2 :])
        answer = open_request.getresponse()
        assert answer.status == 200
        assert len(json.loads(answer.read())["predictions"]) == 1
        code, log = served.ended()
        assert code == 0
        assert re.search(r"^\S+ 127\.0\.0\.1 GET /health 200 \d+\.\d ms$", log[0])
        assert re.search(r"^\S+ 127\.0\.0\.1 POST /predict 200 1 row \d+\.\d ms$", log[1])
        assert log[2:] == ["Ended, all requests answered"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that a process can handle")
def test_bodies_that_do_not_come_and_requests_that_do_not_end(folder):
    body = json.dumps({"rows": [ROW]}).encode()
    with Process(folder / "size.skops", "--timeout", "0.5", "--quiet") as served:
        connection = served.connection()
        begun(connection, body)
        answer = connection.getresponse()
        assert answer.status == 408
        assert json.loads(answer.read()) == {"detail": "the body did not come within 0.5 s"}
        served.process.terminate()
        assert served.ended() == (0, [])
    with Process(folder / "size.skops", "--grace", "1") as served:
        begun(served.connection(), body)
        time.sleep(0.3)
        served.process.terminate()
        code, log = served.ended()
        assert code == 1
        assert "Ended, 1 request not answered" in log[-1]


def test_answers_are_sent_at_once():
    """Nagle's algorithm, with which the two packets of an answer take 40 ms longer, is off."""

    async def options():
        found = asyncio.get_running_loop().create_future()

        class Taken(asyncio.Protocol):
            def connection_made(self, transport):
                sock = transport.get_extra_info("socket")
                found.set_result(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

        with listen("127.0.0.1", 0) as listening:
            server = await asyncio.get_running_loop().create_server(Taken, sock=listening)
            _, writer = await asyncio.open_connection(*listening.getsockname())
            on = await found
            writer.close()
            server.close()
        return on

    assert asyncio.run(options())


def test_what_cannot_be_served(folder, tmp_path):
    (tmp_path / "no.skops").write_bytes(b"no model")
    assert complaint("serve", tmp_path / "no.skops").startswith("MODEL: ")
    model = folder / "size.skops"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert complaint("serve", model, "--port", port).startswith(
            f"--port: cannot listen on 127.0.0.1:{port}: "
        )
    foreign = complaint("serve", model, "--host", "192.0.2.1")  # no machine has it: RFC 5737
    assert foreign.startswith("--host: cannot listen on 192.0.2.1:8000: ")
    assert "got '70000'" in complaint("serve", model, "--port", "70000")
    assert "--max-rows: got '0'" in complaint("serve", model, "--max-rows", "0")
    assert "--timeout: got '0'" in complaint("serve", model, "--timeout", "0")
    assert complaint("serve", model, "--host", "no such host").startswith("--host: no address 'no such host'")


def test_without_the_packages(folder, monkeypatch):
    monkeypatch.setattr("ferroprop.cli.serve.find_spec", lambda name: None)
    assert complaint("serve", folder / "size.skops") == (
        "serve needs fastapi and uvicorn: pip install 'ferroprop[serve]'"
    )
