#!/usr/bin/env python3
"""Runs the corpus of false equals against other tools that compare tables, beside `bron compare`.

Installs nothing. Wanted on the path: the programs of a PostgreSQL server, psql, and in a virtual environment
`pip install reladiff psycopg2-binary google-pso-data-validator`. A tool that is not there is left out.

    python3 tests/false_equal/peers.py --bron target/debug/bron

Starts a PostgreSQL server of its own, stores every pair there once on each side, asks every tool which keys differ, and
prints a table in Markdown: the pairs that at least one tool calls equal, and the counts. Each tool is asked as its own
documentation says, for all rows and all columns.
"""

import argparse
import concurrent.futures
import csv
import glob
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import tomllib

SIDES = ("venster", "hoger")
HERE = pathlib.Path(__file__).parent


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--bron", default="target/debug/bron", help="the program")
    bron = str(pathlib.Path(arguments.parse_args().bron).resolve())
    tables = made(tomllib.loads((HERE / "pairs.toml").read_text(encoding="utf-8")))
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        server = Server(pathlib.Path(folder))
        try:
            for table in tables:
                for side in (0, 1):
                    server.store(table, side)
            tools = [Bron(bron, server), Reladiff(server, "reladiff", []), Reladiff(server, *SMALL), Dvt(server)]
            tools = [tool for tool in tools if tool.is_there()]
            found = {tool.name: answers(tool, tables) for tool in tools}
        finally:
            server.stop()
    report(tables, tools, found)


def answers(tool, tables):
    """What a tool says of each table: the keys that differ, or in words why it says nothing."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip((table.name for table in tables), pool.map(tool.keys, tables)))


class Table:
    """A table with what its rows stand for: the name of the pair by key, and the keys that differ."""

    def __init__(self, name, columns, keyed=True):
        self.name, self.columns, self.keyed = name, columns, keyed
        self.rows, self.names, self.differing = ([], []), {}, set()


def made(corpus):
    """The tables of the corpus as PostgreSQL holds them: one for each type, those with NULL apart, so that a tool which
    fails over NULL answers about the rest, and the whole ones."""
    by_type, number = {}, 0
    for differs, pairs in ((True, corpus["pair"]), (False, corpus["same"])):
        for pair in pairs:
            number += 1
            if "postgres" not in pair.get("only", ["postgres"]):
                continue
            kind = pair["type"]
            null = "left" not in pair or "right" not in pair
            name = "t_" + re.sub(r"[(,]", "_", kind).replace(")", "") + ("_null" if null else "")
            table = by_type.setdefault(name, Table(name, [("id", "int4"), ("v", kind)]))
            for side, key in enumerate(("left", "right")):
                value = pair.get(key)
                padded = None if value is None else "å" * pair.get("pad", 0) + value
                table.rows[side].append([str(number), padded])
            table.names[str(number)] = pair["name"]
            if differs:
                table.differing.add(str(number))
    whole = []
    for one in corpus["table"]:
        keyed = one.get("key", True)
        columns = [(name, "int4" if keyed and place == 0 else "text") for place, name in enumerate(one["columns"])]
        table = Table("w_" + one["name"], columns, keyed)
        for side, key in enumerate(("left", "right")):
            before = [[str(row)] + ["lika"] * (len(columns) - 1) for row in range(1, one.get("rows_before", 0) + 1)]
            table.rows[side].extend(before + one[key])
        for _, key, _ in one["differences"]:
            table.differing.add(key)
            table.names[key] = one["name"].replace("_", " ")
        whole.append(table)
    return list(by_type.values()) + whole


class Server:
    """A PostgreSQL server in a folder of its own."""

    def __init__(self, folder):
        found = [os.environ["BRON_TEST_PG_BIN"]] if "BRON_TEST_PG_BIN" in os.environ else []
        found += sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)
        self.bin = pathlib.Path(found[0]) if found else pathlib.Path(shutil.which("initdb")).parent
        self.data = folder / "data"
        # The server refuses to run as the administrator of the machine.
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            shutil.chown(folder, self.user)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.run("initdb", "-D", self.data, "-U", "bron", "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8")
        options = f"-p {self.port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self.run("pg_ctl", "-D", self.data, "-w", "-l", folder / "log", "-o", options, "start")
        for side in SIDES:
            self.sql("postgres", f"CREATE DATABASE {side}")

    def run(self, program, *arguments):
        command = [self.bin / program, *arguments]
        subprocess.run(command, check=True, user=self.user, stdout=subprocess.DEVNULL, cwd="/")

    def stop(self):
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "stop")

    def url(self, database):
        return f"postgresql://bron@127.0.0.1:{self.port}/{database}"

    def sql(self, database, text):
        command = ["psql", "-qX", "-v", "ON_ERROR_STOP=1", self.url(database)]
        subprocess.run(command, check=True, input=text.encode(), stdout=subprocess.DEVNULL)

    def store(self, table, side):
        key = " PRIMARY KEY" if table.keyed else ""
        columns = [f"{name} {kind}{key if place == 0 else ''}" for place, (name, kind) in enumerate(table.columns)]
        statements = [f"CREATE TABLE {table.name} ({', '.join(columns)})"]
        for row in table.rows[side]:
            values = [literal(kind, value) for (_, kind), value in zip(table.columns, row)]
            statements.append(f"INSERT INTO {table.name} VALUES ({', '.join(values)})")
        self.sql(SIDES[side], "BEGIN;" + ";\n".join(statements) + ";COMMIT")


def literal(kind, value):
    if value is None:
        return "NULL"
    if kind == "bytea":
        return f"'\\x{value}'"
    if kind == "boolean":
        return "true" if value == "1" else "false"
    return f"CAST(convert_from('\\x{value.encode().hex()}', 'UTF8') AS {kind})"


class Bron:
    """`bron compare`, by the files of all differences."""

    name = "bron compare"

    def __init__(self, program, server):
        self.program, self.server = program, server

    def is_there(self):
        return shutil.which(self.program) is not None

    def version(self):
        return subprocess.run([self.program, "--version"], capture_output=True, text=True).stdout.split()[-1]

    def keys(self, table):
        sides = [self.server.url(side).replace("postgresql:", "postgres:") for side in SIDES]
        with tempfile.TemporaryDirectory() as out:
            command = [self.program, "compare", *sides, "--table", table.name, "--out", out, "-q"]
            ran = subprocess.run(command, capture_output=True, text=True)
            if ran.returncode not in (0, 2):
                return ran.stderr.strip()
            with open(f"{out}/{table.name}.differences.csv", encoding="utf-8", newline="") as file:
                return {",".join(row[6:]) for row in list(csv.reader(file))[1:]}


SMALL = ("reladiff, segments of 2 rows", ["--bisection-factor", "2", "--bisection-threshold", "3"])


class Reladiff:
    """reladiff between two databases, which is its checksum of segments; for small tables it reads the rows at once."""

    def __init__(self, server, name, options):
        self.server, self.name, self.options = server, name, options

    def is_there(self):
        return shutil.which("reladiff") is not None

    def version(self):
        return importlib_version("reladiff")

    def keys(self, table):
        if not table.keyed:
            return "needs a key"
        columns = [argument for name, _ in table.columns[1:] for argument in ("-c", name)]
        sides = [argument for side in SIDES for argument in (self.server.url(side), table.name)]
        command = ["reladiff", *sides, "-k", "id", *columns, "--json", *self.options]
        ran = subprocess.run(command, capture_output=True, text=True)
        # It ends with 0 after an error too.
        if ran.returncode != 0 or "ERROR - " in ran.stderr:
            return last_line(ran.stderr)
        # Not every line that it writes is JSON; all begin with the sign and the key.
        return set(re.findall(r'^\["[-+]", \["?([^",]+)', ran.stdout, flags=re.MULTILINE))


class Dvt:
    """google-pso-data-validator, rows by their hash."""

    name = "google-pso-data-validator"

    def __init__(self, server):
        self.server = server
        self.home = tempfile.TemporaryDirectory()
        self.environment = os.environ | {"PSO_DV_CONN_HOME": self.home.name}
        if self.is_there():
            for side in SIDES:
                options = ["--host", "127.0.0.1", "--port", str(server.port), "--user", "bron", "--password", "bron"]
                self.run("connections", "add", "--connection-name", side, "Postgres", *options, "--database", side)

    def run(self, *arguments):
        return subprocess.run(["data-validation", *arguments], capture_output=True, text=True, env=self.environment)

    def is_there(self):
        return shutil.which("data-validation") is not None

    def version(self):
        return importlib_version("google-pso-data-validator")

    def keys(self, table):
        if not table.keyed:
            return "needs a key"
        tables = ["-tbls", f"public.{table.name}=public.{table.name}", "--primary-keys", "id", "--hash", "*"]
        ran = self.run("validate", "row", "-sc", SIDES[0], "-tc", SIDES[1], *tables, "--format", "json")
        if ran.returncode != 0:
            return last_line(ran.stderr)
        rows = json.loads(ran.stdout[ran.stdout.index("{") :])
        rows = rows.values() if isinstance(rows, dict) else rows
        failed = [row for row in rows if row["validation_status"] != "success"]
        return {str(json.loads(row["group_by_columns"])["id"]) for row in failed}


def importlib_version(name):
    program = shutil.which("reladiff" if name == "reladiff" else "data-validation")
    python = pathlib.Path(program).with_name("python3")
    code = f"import importlib.metadata as m; print(m.version('{name}'))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.strip()


def last_line(text):
    """The last line of what a tool said, without the time."""
    text = re.sub(r"^\[[0-9:]+\] ", "", text, flags=re.MULTILINE)
    return (text.strip().splitlines() or ["ended with an error"])[-1]


def report(tables, tools, found):
    print("| Pair | Column | " + " | ".join(f"{tool.name} {tool.version()}" for tool in tools) + " |")
    print("|---|---|" + "---|" * len(tools))
    counts = {tool.name: {"different": 0, "equal": 0, "no answer": 0, "falsely different": 0} for tool in tools}
    for table in tables:
        for key in sorted(table.names, key=lambda key: (len(key), key)):
            verdicts = []
            for tool in tools:
                keys = found[tool.name][table.name]
                is_told = isinstance(keys, set) and key in keys
                verdict = "no answer" if isinstance(keys, str) else "different" if is_told else "equal"
                verdicts.append(verdict)
                if key in table.differing:
                    counts[tool.name][verdict] += 1
                elif is_told:
                    counts[tool.name]["falsely different"] += 1
            if key in table.differing and set(verdicts) != {"different"}:
                kind = table.columns[1][1] if table.name.startswith("t_") else "table"
                print(f"| {table.names[key]} | `{kind}` | " + " | ".join(verdicts) + " |")
    print()
    total = sum(len(table.differing) for table in tables)
    print(f"Of {total} differences:\n")
    print("| Tool | told | called equal | no answer | equal values called different |")
    print("|---|---|---|---|---|")
    for tool in tools:
        cells = [f"{tool.name} {tool.version()}", *map(str, counts[tool.name].values())]
        print("| " + " | ".join(cells) + " |")
    print()
    for tool in tools:
        for table in tables:
            if isinstance(found[tool.name][table.name], str):
                print(f"{tool.name}, {table.name}: {found[tool.name][table.name]}")


if __name__ == "__main__":
    main()
