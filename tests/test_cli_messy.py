"""The command line on tables as people have them: what it says, what it gives back, what it refuses."""

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from command_line import complaint, run, succeed
from ferroprop.cli.model_file import read_card

QUICK = ["--model", "mlp", "--epochs", "2", "--hidden", "none", "--save", "m.skops"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows(count: int = 60) -> list[tuple[str, str, str]]:
    """Return two numbers that are no row numbers, and a class that follows from them."""
    sizes = [(37 * i % 61) / 10 for i in range(count)]
    weights = [(23 * i % 59) / 10 for i in range(count)]
    return [
        (f"{s:.2f}", f"{w:.2f}", "big" if s + w > 6 else "small") for s, w in zip(sizes, weights, strict=True)
    ]


def table(header: str, lines: list[tuple[str, ...]], separator: str = ",", line_break: str = "\n") -> str:
    return header + line_break + "".join(separator.join(line) + line_break for line in lines)


def train(content: str | bytes, *arguments: object, target: str = "y") -> str:
    """Train quickly on this file, and return what it said on the way."""
    Path("t.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    return succeed("train", "t.csv", "--target", target, *QUICK, *arguments).stderr


def predicted(content: str | bytes, *arguments: object) -> bytes:
    Path("new.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    return succeed("predict", "m.skops", "new.csv", "--quiet", *arguments).stdout_bytes


def kinds() -> dict[str, str]:
    return {column.name: column.kind for column in read_card(Path("m.skops")).columns}


# What predict gives back


UNTOUCHED = {
    "zip": ["01234", "02345"],
    "version": ["1.10", "1.20"],
    "region": ["NA", "EU"],
    "note": ["None", '"two\nlines, ""quoted"""'],
    "flag": ["True", "False"],
    "phone": ["+4930123456", " 123 "],
    "seen": ["2024-01-01T10:00:00+02:00", ""],
    "born": ["03/04/2024", "05/06/2024"],
    "key": ["12345678901234567890123", "3"],
    "p": ["1e-5", "2.50"],
}


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_predict_leaves_the_tables_text_as_it_is(folder: Path, line_break: str):
    train(table("size,weight,y", rows()))
    header = "size,weight," + ",".join(UNTOUCHED)
    lines = [("0.100", " 0.2", *(cells[row] for cells in UNTOUCHED.values())) for row in range(2)]
    content = table(header, lines, line_break=line_break)
    out = predicted(content).decode()
    given, got = content.split(line_break), out.split(line_break)
    assert got[0] == given[0] + ",predicted_y,probability_big,probability_small"
    assert got[-1] == ""
    read = list(csv.reader(io.StringIO(out, newline="")))
    assert [line[:-3] for line in read] == list(csv.reader(io.StringIO(content, newline="")))
    for line, text in zip(lines, out.split(line_break, 1)[1].split(line_break), strict=False):
        assert text.startswith(",".join(line).split("\n")[0])
    assert sum(map(float, read[1][-2:])) == pytest.approx(1)


def test_separators_and_decimal_signs_of_the_table_are_kept(folder: Path):
    comma = [(s.replace(".", ","), w.replace(".", ","), y) for s, w, y in rows()]
    said = train(table("size;weight;y", comma, ";"))
    assert (
        "',' is the decimal sign in columns 'size', 'weight': '0,00' is 0; --decimal says otherwise" in said
    )
    assert kinds() == {"size": "number", "weight": "number"}
    line = predicted("size;weight\n1,50;2,5\n").decode().splitlines()[1].split(";")
    assert line[:2] == ["1,50", "2,5"]
    assert sum(float(p.replace(",", ".")) for p in line[3:]) == pytest.approx(1)
    assert complaint("predict", "m.skops", "new.csv", "--decimal", ".").startswith(
        "TABLE: column 'size' of 'new.csv' has '1,50' in line 2; expected numbers"
    )
    Path("point.csv").write_text("size,weight\n1.50,2.5\n")
    other = succeed("predict", "m.skops", "point.csv", "--decimal", ".").stdout.splitlines()[1].split(",")
    assert [float(p) for p in other[3:]] == [float(p.replace(",", ".")) for p in line[3:]]


def test_encodings_are_kept(folder: Path):
    text = table(
        "Größe;Gewicht;Ort", [(s, w, {"big": "Köln", "small": "Ulm"}[y]) for s, w, y in rows()], ";", "\r\n"
    )
    assert "read as Windows-1252, as in 'Größe'" in train(text.encode("cp1252"), target="Ort")
    new = text.split("\r\n")[0] + "\r\n1.5;2.5;Köln\r\n"
    for encoding in ("cp1252", "utf-8-sig", "utf-16"):
        out = predicted(new.encode(encoding))
        assert out.startswith(new.split("\r\n")[0].encode(encoding))
        header, line, end = out.decode(encoding).split("\r\n")
        assert header.endswith(";predicted_Ort;probability_Köln;probability_Ulm")
        assert (line.startswith("1.5;2.5;Köln;"), end) == (True, "")
    Path("new.csv").write_bytes(new.encode("cp1252").replace(b"\xf6", b"o"))
    assert "probability_Köln" in predicted("Größe;Gewicht\n1;2\n".encode("cp1252")).decode("cp1252")


def test_a_class_that_the_encoding_lacks(folder: Path):
    train(table("size,weight,y", [(s, w, {"big": "大", "small": "小"}[y]) for s, w, y in rows()]))
    Path("new.csv").write_bytes("size,weight,Ort\n1,2,Köln\n".encode("cp1252"))
    result = succeed("predict", "m.skops", "new.csv", "--output", "out.csv")
    assert "cannot be written in cp1252; the output is UTF-8" in result.stderr
    assert (
        Path("out.csv").read_text(encoding="utf-8").startswith("size,weight,Ort,predicted_y,probability_大")
    )


def test_names_that_the_table_has_already(folder: Path):
    train(table("size,weight,y", rows()))
    once = predicted("size,weight\n1,2\n")
    result = run("predict", "m.skops", "-", stdin=once)
    header, line = result.stdout.splitlines()
    assert header.startswith("size,weight,predicted_y,probability_big,probability_small,predicted_y (2),")
    assert line.startswith(once.decode().splitlines()[1] + ",")
    assert "note: the table has a column 'predicted_y'; the new one is 'predicted_y (2)'" in result.stderr


def test_empty_lines_titles_and_nothing(folder: Path):
    train(table("size,weight,y", rows()))
    Path("new.csv").write_text("sep=,\nsize,weight\n0.1,0.2\n\n,\n0.3,0.4\n\n\n")
    result = succeed("predict", "m.skops", "new.csv", "--output", "out.csv")
    sep, header, first, empty, last = Path("out.csv").read_text().splitlines()
    assert (sep, header[:21]) == ("sep=,", "size,weight,predicted")
    assert (first[:8], empty[:2], last[:8]) == ("0.1,0.2,", ",,", "0.3,0.4,")
    assert "3 empty lines left out (the first is line 4)" in result.stderr
    for nothing in ("size,weight\n", "size,weight\n\n"):
        assert predicted(nothing) == b"size,weight,predicted_y,probability_big,probability_small\n"


def test_a_table_without_header(folder: Path):
    said = train(table("", rows()).lstrip("\n"), target="column_3")
    assert "note: 't.csv' has no header: line 1 looks like the others" in said
    assert predicted("1.5,2.5\n").decode().startswith("1.5,2.5,")
    line = complaint("train", "t.csv", "--target", "y")
    assert line.endswith("'column_3'; it was read as UTF-8, separator comma, no header")


def test_parquet_of_text_and_text_of_parquet(folder: Path):
    train(table("size,weight,y", rows()))
    Path("new.csv").write_text("size,weight,zip\n0.100,2,01234\n")
    succeed("predict", "m.skops", "new.csv", "--output", "out.parquet")
    out = pl.read_parquet("out.parquet")
    assert (out["size"][0], out["zip"][0], out["probability_big"].dtype) == ("0.100", "01234", pl.Float64)
    pl.DataFrame({"size": [0.1], "weight": ["2"], "list": [[1]]}).write_parquet("new.parquet")
    assert succeed("predict", "m.skops", "new.parquet", "--output", "out.parquet").exit_code == 0
    assert pl.read_parquet("out.parquet")["probability_big"][0] == out["probability_big"][0]
    assert complaint("predict", "m.skops", "new.parquet").startswith(
        "--output: the table cannot be written as CSV"
    )


# What training says and keeps


def test_decisions_are_printed_and_saved(folder: Path):
    lines = [
        (s, w if i != 7 else "#REF", f"2024-{1 + i % 12:02}-05", y) for i, (s, w, y) in enumerate(rows())
    ]
    said = train(table("size,weight,day,y", lines), "--missing", "x")
    assert "t.csv: 60 rows, 4 columns (UTF-8, separator comma, header in line 1)" in said
    assert (
        "note: column 'weight': '#REF' in line 9 is no number, and missing; --category weight keeps" in said
    )
    assert "2 numbers: size, weight\n1 date: day\n" in said
    card = read_card(Path("m.skops"))
    assert [column.to_plain() for column in card.columns] == [
        {"name": "size", "kind": "number"},
        {"name": "weight", "kind": "number", "missing": ["#REF"]},
        {"name": "day", "kind": "date", "formats": ["%Y-%m-%d"]},
    ]
    assert (card.layout, card.missing.everywhere) == ("UTF-8, separator comma, header in line 1", ["x"])
    assert any("'#REF' in line 9" in note for note in card.notes)
    info = succeed("info", "m.skops").stdout
    assert "note: column 'weight': '#REF' in line 9" in info
    # What was missing in training is missing in another table; what is new is refused.
    assert predicted("size,weight,day\n1,#REF,2024-01-05\n").count(b"\n") == 2
    Path("new.csv").write_text("size,weight,day\n1,2,unknown\n")
    result = succeed("predict", "m.skops", "new.csv")
    assert result.stderr == "note: 'unknown' in column 'day' (1 cell, first in line 2) is missing\n"


def test_predictions_do_not_depend_on_the_other_rows(folder: Path):
    flags = ["True", "False", "Unknown", "Maybe"]
    lines = [(s, flags[i % 4], y) for i, (s, _, y) in enumerate(rows())]
    train(table("size,flag,y", lines))
    assert kinds()["flag"] == "category"
    two = predicted("size,flag\n0.1,True\n0.2,False\n").splitlines()
    more = predicted("size,flag\n0.1,True\n0.2,False\n0.3,Maybe\n0.3,\n").splitlines()
    assert more[:3] == two


def test_words_for_missing_stand_for_each_other(folder: Path):
    lines = [(s, ["red", "green", "NA"][i % 3], y) for i, (s, _, y) in enumerate(rows())]
    said = train(table("size,colour,y", lines))
    assert (
        "'NA' in column 'colour' (20 cells, first in line 4) is a category; --missing NA takes it for" in said
    )
    Path("new.csv").write_text("size,colour\n1,NA\n1,\n1,none\n")
    result = succeed("predict", "m.skops", "new.csv")
    na, empty, _ = (line.split(",")[2:] for line in result.stdout.splitlines()[1:])
    assert na == empty
    assert "column 'colour': empty cells are taken for 'NA', as in training" in result.stderr
    assert "column 'colour' has categories that training did not: 'none'" in result.stderr
    train(table("size,colour,y", [(s, c.replace("NA", ""), y) for s, c, y in lines]))
    result = succeed("predict", "m.skops", "new.csv")
    na, empty, none = (line.split(",")[2:] for line in result.stdout.splitlines()[1:])
    assert na == empty == none
    assert "column 'colour': 'NA', 'none' is missing, as empty cells were in training" in result.stderr


def test_classes_that_are_called_none(folder: Path):
    lines = [(s, w, "None" if y == "small" else y) for s, w, y in rows()]
    said = train(table("size,weight,y", lines))
    assert "2 classes, 'None', 'big'" in said
    assert "'None' in column 'y'" in said
    assert "has one class, 'big'" in complaint("train", "t.csv", "--target", "y", "--missing", "None")


def test_headers_in_the_middle_and_units(folder: Path):
    lines = [(s, w, f"{float(s) + float(w):.2f}") for s, w, _ in rows()]
    one = table("size,weight,y", lines)
    said = train(one + one)
    assert "regression of 'y' (fractional numbers)" in said
    assert "note: 1 line that repeats the header left out (line 62)" in said
    said = train(table("size,weight,y", [("[cm]", "[kg]", "[EUR]"), *lines]))
    assert "note: column 'y': '[EUR]' in line 2 is no number" in said
    assert "note: 1 row without 'y' left out" in said


def test_a_table_to_predict_without_the_unit_of_training(folder: Path):
    train(table("size,weight,y", [(f"{s} %", w, y) for s, w, y in rows()]))
    note = "column 'size': 1 cell without the unit '%' that all cells of training had"
    Path("new.csv").write_text("size,weight\n1 %,1\n0.5,1\n,1\n")
    said = succeed("predict", "m.skops", "new.csv").stderr
    assert said == f"note: {note} ('0.5' in line 3), read as if with it\n"
    pl.DataFrame({"size": [None, 0.5], "weight": [1, 2]}).write_parquet("new.parquet")
    said = succeed("predict", "m.skops", "new.parquet").stderr
    assert said == f"note: {note} ('0.5' in row 2), read as if with it\n"
    Path("new.csv").write_text("size,weight\n1 %,1\n")
    assert succeed("predict", "m.skops", "new.csv").stderr == ""
    Path("new.csv").write_text(table("size,weight,y", rows()))
    said = succeed("evaluate", "m.skops", "new.csv").stderr
    assert note.replace("1 cell", "60 cells") in said
    train(table("size,weight,y", rows()))
    Path("new.csv").write_text("size,weight\n1 %,1\n")
    assert "has '1 %' in line 2; expected numbers" in complaint("predict", "m.skops", "new.csv")


def test_classes_that_differ_only_in_case_or_blanks(folder: Path):
    spellings = {"big": ["YES", "yes", " yes"], "small": ["no", "No", "No"]}
    lines = [(s, w, spellings[y][i % 3]) for i, (s, w, y) in enumerate(rows(240))]
    note = "note: classes of column 'y' that differ only in case or blanks stay apart: {};"
    said = train(table("size,weight,y", lines))
    assert note.format("'No' and 'no', 'YES' and 'yes'") in said
    assert read_card(Path("m.skops")).classes == ["No", "YES", "no", "yes"]
    columns = dict(zip(("size", "y"), ([float(s) for s, _, _ in lines], [y for *_, y in lines]), strict=True))
    pl.DataFrame(columns).write_parquet("t.parquet")
    said = succeed("train", "t.parquet", "--target", "y", *QUICK).stderr
    assert note.format("' yes' and 'YES' and 'yes', 'No' and 'no'") in said
    few = table("size,weight,y", [*rows(), ("1", "2", "Big")])
    Path("t.csv").write_text(few)
    assert complaint("train", "t.csv", "--target", "y").endswith(
        "leaves such rows out; classes of column 'y' that differ only in case or blanks stay apart:"
        " 'Big' and 'big'; if they are one class, write them alike in the table"
    )
    assert "stay apart" not in train(table("size,weight,y", rows()))
    assert "stay apart" not in train(table("size,weight,y", [(s, w, str(len(y))) for s, w, y in rows()]))


def test_dates_with_a_time_zone_beside_dates_without_one(folder: Path):
    texts = [f"2024-{1 + i % 12:02}-05 0{i % 7}:30" for i in range(60)]
    days = pl.Series("day", texts).str.to_datetime()
    frames = {
        "naive": pl.DataFrame({"day": days, "y": [y for *_, y in rows()]}),
        "zoned": pl.DataFrame(
            {"day": days.dt.replace_time_zone("Europe/Oslo"), "y": [y for *_, y in rows()]}
        ),
    }
    for name, frame in frames.items():
        frame.write_parquet(f"{name}.parquet")
    of_one = {
        "naive": "column 'day': its dates have no time zone and are taken as UTC; those of training had one",
        "zoned": "column 'day': its dates have a time zone and are converted to UTC; those of training had"
        " none and were taken as UTC",
    }
    for trained, other in (("naive", "zoned"), ("zoned", "naive")):
        succeed("train", f"{trained}.parquet", "--target", "y", *QUICK)
        assert read_card(Path("m.skops")).columns[0].zoned is (trained == "zoned")
        command = ["predict", "m.skops", f"{other}.parquet", "--output", "out.csv"]
        assert succeed(*command).stderr == f"note: {of_one[other]}\n"
        assert "time zone" not in succeed("evaluate", "m.skops", f"{trained}.parquet").stderr
        assert of_one[other] in succeed("evaluate", "m.skops", f"{other}.parquet").stderr
    # The format of a text tells as much as the type of a column.
    said = train(table("day,y", [(f"{text}Z", y) for text, (*_, y) in zip(texts, rows(), strict=True)]))
    assert "time zone" not in said
    assert "time zone" not in succeed("predict", "m.skops", "t.csv").stderr
    assert of_one["naive"] in succeed("evaluate", "m.skops", "naive.parquet").stderr
    Path("new.csv").write_text("day\n2024-01-05 03:30\n")
    said = succeed("predict", "m.skops", "new.csv", "--date-format", "%Y-%m-%d %H:%M").stderr
    assert of_one["naive"] in said
    both = [(f"{text}Z", text, y) for text, (*_, y) in zip(texts, rows(), strict=True)]
    said = train(table("day,local,y", both))
    assert "dates with a time zone ('day') are converted to UTC, and dates without one ('local') are" in said
    said = train(table("day,y", [(text if i % 3 else zoned, y) for i, (zoned, text, y) in enumerate(both)]))
    assert (
        f"column 'day': 40 of 60 cells have no time zone ('{texts[1]}' in line 3) and are taken as UTC"
        in said
    )


def test_rare_classes(folder: Path):
    lines = [*rows(), ("1", "2", "huge"), ("2", "3", "tiny"), ("2", "3", "tiny")]
    Path("t.csv").write_text(table("size,weight,y", lines))
    line = complaint("train", "t.csv", "--target", "y")
    assert line == (
        "--target: 2 of 4 classes of column 'y' are rare, 'huge' has 1 row; expected at least 5 in each"
        " class; --drop-rare-classes leaves such rows out"
    )
    said = train(table("size,weight,y", lines), "--drop-rare-classes")
    assert "note: 3 rows of 2 rare classes ('huge', 'tiny') left out as --drop-rare-classes asks" in said
    assert "2 classes, 'big', 'small'" in said
    numbers = [(s, w, "1" if y == "big" else "2") for s, w, y in rows()]
    Path("t.csv").write_text(table("size,weight,y", [*numbers, ("1", "2", "3")]))
    assert complaint("train", "t.csv", "--target", "y").endswith(
        "--task regression takes the numbers for a quantity"
    )
    said = train(table("size,weight,y", [*numbers, ("1", "2", "3")]), "--drop-rare-classes")
    assert "2 classes, '1', '2'" in said


def test_a_target_of_numbers_among_other_texts(folder: Path):
    lines = [(s, w, f"{float(s) + 2.5}" if i % 4 else "n.d.") for i, (s, w, _) in enumerate(rows())]
    Path("t.csv").write_text(table("size,weight,y", lines))
    doubt = "45 of its 60 cells are numbers, 'n.d.' in line 2 is not; --number y takes it for numbers"
    assert complaint("train", "t.csv", "--target", "y") == (
        f"--target: 45 of 46 classes of column 'y' are rare, '{lines[59][2]}' has 1 row; expected at least 5"
        f" in each class; {doubt}, --drop-rare-classes leaves such rows out"
    )
    assert complaint("train", "t.csv", "--target", "y", "--task", "regression") == (
        f"--task: column 'y' has values such as 'n.d.'; regression expects numbers; {doubt}"
    )
    said = train(table("size,weight,y", lines), "--number", "y")
    assert "15 cells are no numbers ('n.d.' in line 2)" in said
    assert "note: 15 rows without 'y' left out" in said
    said = train(table("size,weight,y", [(s, w, y) for s, w, y in rows()]))
    assert "is taken for categories" not in said


def test_the_users_word_on_columns(folder: Path):
    days = [f"{1 + i % 12:02}/01/{2010 + i // 12}" for i in range(60)]
    lines = [(f"{i % 5}", days[i], f"0{i % 3}", str(i), y) for i, (*_, y) in enumerate(rows())]
    content = table("size,day,code,Id,y", lines)
    said = train(content)
    assert "--date-format day=%m/%d/%Y reads them the other way" in said
    assert "column 'Id' left out: it numbers the rows from 0; --number Id keeps it" in said
    assert kinds() == {"size": "number", "day": "date", "code": "number"}
    wishes = ["--category", "code", "--number", "Id", "--date-format", "day=%m/%d/%Y", "--ignore", "size"]
    train(content, *wishes)
    assert kinds() == {"day": "date", "code": "category", "Id": "number"}
    assert read_card(Path("m.skops")).left_out == {"size": "--ignore"}
    assert predicted("day,code,Id\n13/01/2019,01,3\n".replace("13", "12")).count(b"\n") == 2
    Path("new.csv").write_text("day,code,Id\n13/01/2019,01,3\n")
    assert "has '13/01/2019' in line 2; expected dates" in complaint("predict", "m.skops", "new.csv")
    succeed("predict", "m.skops", "new.csv", "--date-format", "%d/%m/%Y")
    assert "--date-format: 'Id' is no column of dates of the model; it has 'day'" in complaint(
        "predict", "m.skops", "new.csv", "--date-format", "Id=%Y"
    )


def test_an_unnamed_column_can_be_ignored(folder: Path):
    lines = [(s, s, w, y) for s, w, y in rows()]
    said = train(table(",size,weight,y", lines))
    assert "note: column 1 has no name; here it is 'column_1'" in said
    assert "column_1" in kinds()
    train(table(",size,weight,y", lines), "--ignore", "")
    assert kinds() == {"size": "number", "weight": "number"}


BAD_WISHES = {
    "--number": ("z", "--number: no column 'z' in the table; expected one of 'size', 'weight', 'y'"),
    "--category": ("Size", "--category: no column 'Size' in the table; did you mean 'size'?"),
    "--date": ("size", "--date: column 'size' has no date among its texts, such as '0.00' in line 2"),
    "--ignore": ("y", "--ignore: 'y' is the target; expected another column"),
    "--separator": (
        "::",
        "--separator: got '::'; expected one sign, or one of comma, semicolon, tab, pipe, space",
    ),
    "--quote": ("<>", "--quote: got '<>'; expected one sign, or none"),
    "--decimal": (";", "--decimal: got ';'; expected . or ,"),
    "--encoding": ("klingon", "--encoding: no 'klingon'; expected an encoding such as utf-8, cp1252"),
    "--header": ("-1", "--header: got '-1'; expected the number of a line, or none"),
    "--date-format": ("size", "--date-format: got 'size'; expected a format such as %d.%m.%Y, or column="),
}


@pytest.mark.parametrize("option", BAD_WISHES)
def test_bad_wishes(folder: Path, option: str):
    value, expected = BAD_WISHES[option]
    Path("t.csv").write_text(table("size,weight,y", rows()))
    assert complaint("train", "t.csv", "--target", "y", option, value).startswith(expected)


def test_wishes_that_contradict_each_other(folder: Path):
    Path("t.csv").write_text(table("size,weight,y", rows()))
    start = ["train", "t.csv", "--target", "y", "--number", "size"]
    assert complaint(*start, "--ignore", "size").startswith(
        "--number: column 'size' is also given as --ignore;"
    )
    assert complaint(*start, "--category", "size").startswith(
        "--category: column 'size' is also given as --number;"
    )
    assert "is also given as --number" in complaint(*start, "--date-format", "size=%Y")


def test_classes_that_are_large_numbers(folder: Path):
    train(table("size,weight,y", [(s, w, str(10**30 + (y == "big"))) for s, w, y in rows()]))
    assert read_card(Path("m.skops")).classes == [str(10**30), str(10**30 + 1)]
    assert predicted("size,weight\n1,2\n").decode().splitlines()[1].split(",")[2] in (
        str(10**30),
        str(10**30 + 1),
    )


# Where tables come from, and where words go


def test_standard_input(folder: Path):
    content = table("size,weight,y", rows()).encode()
    result = succeed("train", "-", "--target", "y", *QUICK, stdin=content)
    assert "standard input: 60 rows, 3 columns" in result.stderr
    out = succeed("predict", "m.skops", "-", stdin=b"size,weight\n1,2\n").stdout
    assert out.startswith("size,weight,predicted_y,")


def process(*arguments: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "ferroprop", *arguments]
    return subprocess.run(
        command, input=stdin, capture_output=True, env=os.environ | environment, timeout=300, check=False
    )


@pytest.mark.skipif(not Path("/dev/stdin").exists(), reason="a device of Unix")
def test_a_pipe_by_its_name(folder: Path):
    content = table("size,weight,y", rows()).encode()
    result = process("train", "/dev/stdin", "--target", "y", *QUICK, stdin=content)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_outputs_in_other_encodings(folder: Path, encoding: str):
    train(table("size,weight,y", [(s, w, {"big": "大", "small": "small"}[y]) for s, w, y in rows()]))
    quantities = table("size,weight,y", [(s, w, f"{float(s) * 2:.2f}") for s, w, _ in rows()])
    Path("q.csv").write_text(quantities)
    for arguments in (
        ("train", "t.csv", "--target", "y", "--epochs", "2"),
        ("train", "q.csv", "--target", "y", "--epochs", "2"),
        ("info", "m.skops"),
        ("predict", "m.skops", "t.csv"),
    ):
        result = process(*arguments, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
        assert (result.returncode, b"Traceback" in result.stderr) == (0, False), result.stderr
        if arguments[0] == "predict":
            assert "probability_大" in result.stdout.decode("utf-8")
        elif arguments[1] == "q.csv" and encoding == "ascii":
            assert b"\nR2 " in result.stdout
        else:
            result.stdout.decode(encoding)
