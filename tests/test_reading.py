"""Reading tables: bytes, separators, headers, quotes, and what the cells of a column are taken for.

Most situations are from public reports of trouble with tools of this kind; each stands with its neighbours.
"""

import bz2
import gzip
import io
import lzma
import re
import sys
import time
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from ferroprop.cli.columns import choose_columns, features
from ferroprop.cli.problem import Problem
from ferroprop.cli.reading.column import Column
from ferroprop.cli.reading.dates import DateFormat, find_dates
from ferroprop.cli.reading.decisions import notes_on
from ferroprop.cli.reading.kinds import Typed, Wishes, decide
from ferroprop.cli.reading.missing import USUAL_WORDS, MissingWords
from ferroprop.cli.reading.numbers import NumberFormat
from ferroprop.cli.reading.table import Layout, Table, read_table
from ferroprop.cli.suspects import leave_out_suspects

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


AS_FOUND = Layout()
USUAL = MissingWords()
NO_WISHES = Wishes()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(content: str | bytes, layout: Layout = AS_FOUND, expected: tuple[str, ...] = ()) -> Table:
    path = Path("t.csv")
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path, layout, expected, keep_text=True)


def refusal(content: str | bytes, layout: Layout = AS_FOUND) -> str:
    with pytest.raises(Problem) as problem:
        read(content, layout)
    return problem.value.format_message()


def kinds(content: str, words: MissingWords = USUAL, **wishes: object) -> tuple[Typed, list[str]]:
    table = read(content)
    typed = decide(table, words, Wishes(**wishes))
    return typed, notes_on(typed.decisions, table.place)


def column(*cells: str, words: MissingWords = USUAL, **wishes: object) -> tuple[Column, list, list[str]]:
    """Decide on one column 'x' of a table in which semicolons stand between cells."""
    typed, notes = kinds("x;y\n" + "".join(f"{cell};1\n" for cell in cells), words, **wishes)
    return typed.decisions["x"].column, typed.frame["x"].to_list(), notes


# Where cells begin and end


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_separators_and_line_breaks(folder: Path, sign: str, line_break: str):
    table = read(line_break.join([f"size{sign}y", f"1.5{sign}a", f"2.5{sign}b", ""]))
    assert table.frame.rows() == [("1.5", "a"), ("2.5", "b")]
    assert table.lines.tolist() == [2, 3]
    assert table.own_text.rows == [f"1.5{sign}a", f"2.5{sign}b"]
    assert table.own_text.line_break == line_break
    assert table.notes == []


def test_more_than_the_first_line_decides_on_the_separator(folder: Path):
    assert read("name, first;y\nA;1\nB;2\nC;3\n").frame.columns == ["name, first", "y"]
    assert read("x;y\n1,5;2,5\n3,5;4,5\n").frame.rows()[0] == ("1,5", "2,5")
    assert read("x;y\n1,5;2,5\n").frame.columns == ["x", "y"]
    assert read("a b,c\n1 x,2\n3 y,4\n").frame.columns == ["a b", "c"]


def test_spaces_between_cells(folder: Path):
    table = read("x  y z\n1   2 3\n4 5     6\n")
    assert (table.frame.columns, table.frame.row(0)) == (["x", "y", "z"], ("1", "2", "3"))
    adult = read("age, job, pay\n39, State-gov, 7\n50, ?, 8\n")
    assert (adult.frame.columns, adult.frame.row(1)) == (["age", "job", "pay"], ("50", "?", "8"))
    assert read("name\nJane Doe\nJohn\n").frame.columns == ["name"]


def test_the_user_names_the_separator_and_the_quote(folder: Path):
    assert read("a!b\n1!2\n", Layout(separator="!")).frame.row(0) == ("1", "2")
    assert read("a,b\n'1,5',2\n", Layout(quote="'")).frame.row(0) == ("1,5", "2")
    assert read('a,b\n"1,2"\n', Layout(quote="")).frame.row(0) == ('"1', '2"')


def test_excels_first_line(folder: Path):
    table = read("sep=;\nx;y\n1;2\n")
    assert (table.frame.columns, table.lines.tolist(), table.own_text.before) == (["x", "y"], [3], "sep=;\n")
    assert read("sep=|\nx,1|y,1\n1|2\n").frame.columns == ["x,1", "y,1"]


def test_quotation_marks_inside_of_cells_are_text(folder: Path):
    assert read('size,pipe\n1,5" pipe\n2,6" pipe\n').frame["pipe"].to_list() == ['5" pipe', '6" pipe']
    assert read('size,name\n1,"the ""best"" one"\n').frame["name"].to_list() == ['the "best" one']
    table = read('size,name\n1,"two\nlines, ""quoted"""\n2,b\n')
    assert table.frame["name"].to_list() == ['two\nlines, "quoted"', "b"]
    assert table.lines.tolist() == [2, 4]
    assert table.own_text.rows[0] == '1,"two\nlines, ""quoted"""'


def test_stray_quotation_marks_are_refused_with_their_lines(folder: Path):
    many = "".join(f"{i},fine\n" for i in range(300))
    open_ended = refusal("size,note\n" + many + '7,"open\n' + many)
    assert open_ended.startswith("TABLE: a quotation mark \" of 't.csv' opens in line 302 and never closes;")
    assert "--quote none" in open_ended
    closes = refusal('size,note\n1,fine\n7,"open\n8,"b"\n')
    assert "opens in line 3 and closes in line 4, where more text follows it" in closes
    assert "closes in line 2, where more text follows" in refusal('size,note\n1,"a"b\n')
    assert read('size,note\n7,"open\n', Layout(quote="")).frame["note"].to_list() == ['"open']


def test_lines_of_another_length(folder: Path):
    table = read("a,b,c\n1,2,3\n4,5\n6,7,8,,\n\n  \n9,,\na,b,c\n")
    assert table.frame.rows() == [("1", "2", "3"), ("4", "5", ""), ("6", "7", "8"), ("9", "", "")]
    assert table.own_text.rows == ["1,2,3", "4,5,", "6,7,8", "9,,"]
    assert table.lines.tolist() == [2, 3, 4, 7]
    assert table.notes == [
        "2 empty lines left out (the first is line 5)",
        "1 line that repeats the header left out (line 8)",
        "1 line with fewer cells than the header, the last ones are missing (line 3)",
        "1 line with more separators than the header, nothing after them (line 4)",
    ]
    assert refusal("a,b\n1,2\n3,4,5\n") == (
        "TABLE: line 3 of 't.csv' has 3 cells, the header has 2 names; the last cell is '5'. A cell with"
        " a comma in it has to be in quotation marks; --separator names another separator"
    )


# The header


@pytest.mark.parametrize(
    ("above", "line"),
    [
        ("# made by me\n# on Monday\n", 3),
        ("# made by me, on Monday, twice\n", 2),
        ("Report 2024\n\n", 3),
        ("Report 2024,,\n", 2),
        ("\n\n", 3),
        ("Prices\n,,\nin EUR,,\n", 4),
    ],
)
def test_lines_above_the_header(folder: Path, above: str, line: int):
    table = read(above + "size,weight,y\n1,2,a\n2,3,b\n3,4,a\n")
    assert table.frame.columns == ["size", "weight", "y"]
    assert f"header in line {line}" in table.layout
    assert table.own_text.before == above
    said = [note for note in table.notes if "above the header" in note]
    assert len(said) == (1 if above.strip() else 0)


def test_a_header_that_is_a_comment_or_begins_with_an_index(folder: Path):
    assert read("#id,size,y\n1,2,3\n2,3,4\n").frame.columns == ["#id", "size", "y"]
    assert read(",y\n0,a\n1,b\n").frame.columns == ["column_1", "y"]


def test_no_header(folder: Path):
    iris = "5.1,3.5,1.4,setosa\n4.9,3.0,1.4,setosa\n6.4,3.2,4.5,versicolor\n6.9,3.1,4.9,versicolor\n"
    table = read(iris)
    assert (table.frame.columns[-1], table.frame.height) == ("column_4", 4)
    assert table.own_text.header is None
    assert table.notes == ["'t.csv' has no header: line 1 looks like the others; --header 1 takes it for one"]
    assert read(iris, Layout(header=1)).frame.columns == ["5.1", "3.5", "1.4", "setosa"]
    assert read("a,b\nc,d\n", Layout(header=0)).frame.rows() == [("a", "b"), ("c", "d")]
    assert read("x,o,o\no,x,o\nx,x,o\no,o,x\n").frame.height == 4
    # One row is no evidence, but a model without names is.
    assert read("5.1,3.5\n", expected=("column_1", "column_2")).frame.rows() == [("5.1", "3.5")]


def test_names_that_are_numbers(folder: Path):
    table = read("2019,2020,y\n1,2,3\n4,5,6\n")
    assert (table.frame.columns, table.notes) == (["2019", "2020", "y"], [])
    spectra = "".join(f"{i}.5,{i}.25,{'ab'[i % 2]}\n" for i in range(8))
    assert read("400.5,401.5,kind\n" + spectra).frame.columns == ["400.5", "401.5", "kind"]
    table = read("0,1,2\n1.5,2.5,3.5\n4.5,5.5,6.5\n")
    assert table.frame.columns == ["0", "1", "2"]
    assert "line 1 is taken for the header, though its cells are numbers; --header none" in table.notes[0]


def test_a_line_asked_for_is_the_header(folder: Path):
    text = "a,b\nsize,y\n1,2\n"
    assert read(text, Layout(header=2)).frame.columns == ["size", "y"]
    assert refusal(text, Layout(header=9)).startswith("--header: 't.csv' has no names in line 9;")


def test_a_model_finds_its_header(folder: Path):
    table = read("all,of,it\nsize,y,z\n1,2,3\n", expected=("y", "size"))
    assert table.frame.columns == ["size", "y", "z"]


def test_names_twice_and_no_name(folder: Path):
    table = read("size,,size,column_2,size (2)\n1,2,3,4,5\n")
    assert table.frame.columns == ["size", "column_2 (2)", "size (3)", "column_2", "size (2)"]
    assert table.unnamed == ["column_2 (2)"]
    assert table.notes == [
        "column 2 has no name; here it is 'column_2 (2)'",
        "column 3 has the name of column 1, 'size'; here it is 'size (3)'",
    ]
    assert table.own_text.header == "size,,size,column_2,size (2)"


def test_one_cell_more_than_names(folder: Path):
    table = read("size,weight,y\n1,2,a,\n3,4,b,\n")
    assert (table.frame.columns[-1], table.own_text.header) == ("column_4", "size,weight,y,")
    row_names = refusal("size,weight,y\nr1,1,2,a\nr2,3,4,b\n")
    assert "has 3 names, but line 2 has 4 cells, as R writes a table with row names" in row_names


# Encodings and files


def test_encodings(folder: Path):
    text = "Größe;Stadt\n1;Köln\n2;Zürich\n"
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"):
        table = read(text.encode(encoding))
        assert table.frame.columns == ["Größe", "Stadt"]
        assert table.frame["Stadt"].to_list() == ["Köln", "Zürich"]
        assert len(table.notes) == (encoding == "cp1252")
    assert read(text.encode("cp1252")).notes == [
        "'t.csv' is not UTF-8 (line 1) and read as Windows-1252, as in 'Größe'; --encoding names another"
    ]
    late = read(("a,b\n" + "1,2\n" * 50_000 + "3,Köln\n").encode("cp1252"))
    assert "not UTF-8 (line 50002)" in late.notes[0]


@pytest.mark.parametrize(
    ("text", "encoding"), [("大きさ,y\n1,2\n", "shift_jis"), ("x,Москва\n1,2\n", "cp1251")]
)
def test_other_scripts_are_not_taken_for_windows_1252(folder: Path, text: str, encoding: str):
    line = refusal(text.encode(encoding))
    assert "is not UTF-8: byte 0x" in line
    assert "in line 1; --encoding names what it is" in line
    assert read(text.encode(encoding), Layout(encoding=encoding)).frame.columns == text.split("\n")[0].split(
        ","
    )


def test_an_encoding_that_is_wrong_and_files_that_are_no_text(folder: Path):
    wrong = refusal("x,Größe\n1,2\n".encode("cp1252"), Layout(encoding="utf-8"))
    assert wrong == "--encoding: 't.csv' is not utf-8: byte 0xF6 in line 1; expected another encoding"
    assert "in line 5002" in refusal("a,b\n" + "1,2\n" * 5000 + "3,\0\n")
    assert "--encoding utf-16-le reads it" in refusal("a,b\n1,2\n".encode("utf-16-le"))
    assert "begins like utf-16-le but is not" in refusal("a,b\n1,2\n".encode("utf-16") + b"x")


def test_compressed_files(folder: Path):
    content = b"size,y\n1,a\n"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("inside.csv", content)
    packed = [gzip.compress(content), bz2.compress(content), lzma.compress(content), zstd.compress(content)]
    for data in (*packed, archive.getvalue()):
        assert read(data).frame.rows() == [("1", "a")]
    for data in packed:
        assert refusal(data[:-4]).startswith("TABLE: 't.csv' is a damaged compressed file: ")


def test_files_that_are_no_tables(folder: Path):
    workbook, two = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(workbook, "w") as members:
        members.writestr("[Content_Types].xml", "")
    with zipfile.ZipFile(two, "w") as members:
        members.writestr("a.csv", "")
        members.writestr("b.csv", "")
    assert "is an Excel workbook, which has to be saved as CSV" in refusal(workbook.getvalue())
    assert "is a zip file of 2 files ('a.csv', 'b.csv')" in refusal(two.getvalue())
    for text in ('[{"a": 1, "y": 2}]', '{"a":1}\n{"a":2}\n', ' [ {"a" : [1]} ]'):
        assert refusal(text) == (
            "TABLE: 't.csv' is JSON, which has to be saved as CSV; expected a CSV or Parquet file"
        )
    assert "is an old Excel or Word file" in refusal(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    assert refusal("") == refusal("\n\n") == "TABLE: 't.csv' is empty; expected a header line and rows"
    Path("t.parquet").write_text("a,b\n")
    with pytest.raises(Problem, match="not a Parquet file, though its name says so"):
        read_table(Path("t.parquet"))
    Path("t.parquet").write_bytes(b"PAR1 and nothing")
    with pytest.raises(Problem, match="is not a readable Parquet file"):
        read_table(Path("t.parquet"))


def test_long_cells(folder: Path):
    assert read("a,b\n" + "x" * 300_000 + ",1\n").frame["a"].str.len_chars().to_list() == [300_000]


# Numbers


@pytest.mark.parametrize("cell", [word for word in USUAL_WORDS if ";" not in word])
def test_usual_words_are_missing_among_numbers(folder: Path, cell: str):
    kind, values, notes = column("1.5", "2", f" {cell} ", "4", "5", "6")
    assert (kind.kind, values[2], kind.missing) == ("number", None, [cell])
    assert notes == [f"'{cell}' in column 'x' (1 cell, first in line 4) is missing"]


@pytest.mark.parametrize(
    "cell", ["1.2.3", "<0.01", "(red)", "(-0.5)", "0,5", "#REF", "five", "1 2", "5%", "12a", "--5", "1e"]
)
def test_a_stray_text_among_numbers_is_noted_with_its_line(folder: Path, cell: str):
    kind, values, notes = column("1.5", "2", cell, "4", "5", "6")
    assert (kind.kind, values, kind.missing) == ("number", [1.5, 2.0, None, 4.0, 5.0, 6.0], [cell])
    assert notes == [
        f"column 'x': '{cell}' in line 4 is no number, and missing; --category x keeps the texts"
    ]


def test_many_strays_are_noted_once(folder: Path):
    cells = [*map(str, range(40)), "a", "b", "a", "c", "d"]
    _, _, notes = column(*cells)
    assert notes == [
        "column 'x': 5 cells are no numbers ('a' in line 42, 'b' in line 43, 'c' in line 45 and 1 more),"
        " and missing; --category x keeps the texts"
    ]
    names = [f"c{i}" for i in range(20)]
    rows = [
        ",".join(names),
        ",".join(["[cm]"] * 20),
        *(",".join(str(i + j) for j in range(20)) for i in range(9)),
    ]
    _, notes = kinds("\n".join(rows) + "\n")
    assert len(notes) == 9
    assert (
        notes[0] == "column 'c0': '[cm]' in line 2 is no number, and missing; --category c0 keeps the texts"
    )
    assert notes[-1] == "12 more columns with such cells (12 cells), which are missing"


@pytest.mark.parametrize(
    ("cells", "decimal", "values"),
    [
        (["1,5", "-0,25", "3"], ",", [1.5, -0.25, 3]),
        (["0,126", "1,304"], ",", [0.126, 1.304]),
        (["1.234,5", "2.000,25", "7"], ",", [1234.5, 2000.25, 7]),
        (["1,234.5", "2,000", "7"], ".", [1234.5, 2000, 7]),
        (["1,234,567", "2,000"], ".", [1234567, 2000]),
        (["1 234,5", "2\u202f000", "7\u00a0000,5"], ",", [1234.5, 2000, 7000.5]),
        (["1'234.5", "2\u2019000"], ".", [1234.5, 2000]),
        (["\u22120.5", "+1.5", ".5", "5.", "1E3"], ".", [-0.5, 1.5, 0.5, 5, 1000]),
        (["1.234,56 €", "2,00 €", "-3 €"], ",", [1234.56, 2, -3]),
        (["$1,200.50", "-$3", "$-4"], ".", [1200.5, -3, -4]),
        (["12 %", "13%", "14"], ".", [12, 13, 14]),
        (["5 kg", "6.5 kg"], ".", [5, 6.5]),
        (["EUR 5", "EUR 6"], ".", [5, 6]),
        ([" 1", "2 ", "\u00a03"], ".", [1, 2, 3]),
        (['"1"', '"2"'], ".", [1, 2]),
    ],
)
def test_numbers_as_people_write_them(folder: Path, cells: list[str], decimal: str, values: list[float]):
    kind, read_values, _ = column(*cells)
    assert (kind.kind, kind.number_format.decimal, read_values) == ("number", decimal, values)


@pytest.mark.parametrize(
    "cells",
    [["ID1", "ID2"], ["A-1", "B-2"], ["1-2", "3-4"], ["0x1F", "0x2F"], ["1_000", "2_000"], ["12a", "7b"]],
)
def test_codes_are_no_numbers(folder: Path, cells: list[str]):
    assert column(*cells)[0].kind == "category"


def test_what_can_be_read_in_two_ways_is_noted(folder: Path):
    kind, values, notes = column("1,234", "2,500")  # beside semicolons
    assert (kind.format, values) == (NumberFormat(","), [1.234, 2.5])
    assert notes == ["',' is the decimal sign in column 'x': '1,234' is 1.234; --decimal says otherwise"]
    typed, notes = kinds('x,y\n"1,234",1\n"2,500",2\n')
    assert typed.frame["x"].to_list() == [1234, 2500]
    assert notes == ["',' is between thousands in column 'x': '1,234' is 1234; --decimal says otherwise"]
    typed, notes = kinds("x;y\n1.234;0,5\n2.500;0,25\n")  # beside decimal commas
    assert typed.frame.rows() == [(1234, 0.5), (2500, 0.25)]
    assert "'.' is between thousands in column 'x': '1.234' is 1234; --decimal says otherwise" in notes
    _, values, notes = column("1.234", "2.500", "n.a.")
    assert (values, notes[0]) == (
        [1.234, 2.5, None],
        "column 'x': '1.234' is read as 1.234, though its point may separate thousands;"
        " --decimal , reads 1234",
    )
    assert "'1.234' is read as 1.234, though" in column("1.234 €", "2.500 €")[2][-1]
    assert column("1.234", "2.500", decimal=".")[2] == []
    assert column("0.234", "2.500")[2] == column("1.5", "2.500")[2] == column("1234", "2")[2] == []
    assert kinds("x;y\n1.234;0.5\n2.500;0.25\n")[1] == []  # beside decimal points
    assert kinds("x,y\n1.234,1\n2.500,1\n")[1] == []
    assert column("1.234", "2.500", decimal=",")[1] == [1234, 2500]
    assert column("1,234", "2,500", decimal=".")[1] == [1234, 2500]
    kind, _, notes = column("1.5", "2.25", decimal=",")
    assert (kind.kind, notes) == (
        "category",
        ["column 'x' is taken for categories: '.' is the decimal sign of its numbers"],
    )


@pytest.mark.parametrize(
    ("cells", "values", "how", "negatives"),
    [
        (["1.5", "(1,234.00)", "2"], [1.5, -1234, 2], "in brackets", "()"),
        (["1,5", "3", "(2,5)"], [1.5, 3, -2.5], "in brackets", "()"),
        (["12-", "7", "3.5-"], [-12, 7, -3.5], "with a minus behind", "-"),
        (["$5", "($6.50)", "$(7)"], [5, -6.5, -7], "in brackets", "()"),
        (["5 €", "6 €-", "7,00- €"], [5, -6, -7], "with a minus behind", "-"),
        (["5", "(6.5)", "7 000-", "-8"], [5, -6.5, -7000, -8], "in brackets or with a minus behind", "()-"),
        (["5 %", "(6 %)", "7 %", "8 %"], [5, -6, 7, 8], "in brackets", "()"),
        (["5 kg", "(6 kg)", "7 kg"], [5, -6, 7], "in brackets", "()"),
    ],
)
def test_negative_numbers_of_accountants_are_noted(
    folder: Path, cells: list[str], values: list[float], how: str, negatives: str
):
    for wishes in ({}, {"kinds": {"x": "number"}}):
        kind, read_values, notes = column(*cells, **wishes)
        assert (kind.kind, read_values, kind.number_format.negatives) == ("number", values, negatives)
        assert Column.from_plain(kind.to_plain()) == kind
        (note,) = [note for note in notes if "negative" in note]
        odd = [(row, cell) for row, cell in enumerate(cells) if "(" in cell or "-" in cell.lstrip("-")]
        assert note == (
            f"column 'x': {len(odd)} of {len(cells)} cells {how} ('{odd[0][1]}' in line {odd[0][0] + 2})"
            f" {'is a negative number' if len(odd) == 1 else 'are read as negative numbers'};"
            " --category x keeps the texts"
        )
    assert not any(" no '" in note for note in notes)


def test_brackets_and_hyphens_of_other_texts_stay(folder: Path):
    for cells in (["(1)", "(2)"], ["a (1)", "b"], ["1-", "2-"], ["10-19", "20-29", "80-"]):
        assert column(*cells)[0].kind == "category"
    kind, values, notes = column("1", "(2.0)", "n.d.", kinds={"x": "number"})
    assert (values, kind.missing, len(notes)) == ([1, -2, None], ["n.d."], 2)
    kind, values, _ = column("5", "6", "7", "(8.5)", "(odd)")
    assert (values, kind.missing) == ([5, 6, 7, -8.5, None], ["(odd)"])
    Path("new.csv").write_text("x\n(3)\n4\n")
    table = read_table(Path("new.csv"), Layout(header=1))
    assert features(table.frame, [kind], "new.csv", table=table)["x"].to_list() == [-3, 4]


def test_brackets_and_a_minus_behind_are_negative_only_in_amounts(folder: Path):
    for cells in (["1-", "2", "2-", "3", "3-"], ["(1)", "(2)", "(3)", "1", "2"], ["1", "2", "2-", "(1.2.3)"]):
        kind, values, notes = column(*cells)
        assert (kind.kind, values) == ("category", cells)
        assert len(notes) == 1
        assert "taken for categories" in notes[0]
    years = [str(year) for year in range(2001, 2009)]
    kind, values, notes = column(*years, "2005-")
    assert (kind.kind, values) == ("number", [*range(2001, 2009), None])
    assert notes == ["column 'x': '2005-' in line 10 is no number, and missing; --category x keeps the texts"]
    kind, values, _ = column("1", "2", "3", "4", "5", "(6.5)", "7-")  # no minus behind an amount
    assert (values, kind.missing) == ([1, 2, 3, 4, 5, -6.5, None], ["7-"])
    kind, values, _ = column("1", "2", "3", "4", "5", "(6.5)", "at 7.5 -")
    assert (values, kind.missing, kind.number_format.negatives) == (
        [1, 2, 3, 4, 5, -6.5, None],
        ["at 7.5 -"],
        "()",
    )


def test_numbers_with_and_without_a_unit_are_noted(folder: Path):
    kind, values, notes = column("8.2%", "0.035", "12 %", "0.5", "7%", "n.a.")
    assert (kind.number_format.after, values, kind.always_unit) == (
        "%",
        [8.2, 0.035, 12, 0.5, 7, None],
        False,
    )
    assert notes[:2] == [
        "'%' is a unit and taken off in column 'x': '8.2%' is 8.2",
        "column 'x': 2 of 5 cells have no '%' ('0.035' in line 3) and are read as they stand, as '8.2%' is"
        " taken as 8.2",
    ]
    assert column("0.5", "1 kg", "2 kg")[2] == [
        "'kg' is a unit and taken off in column 'x': '1 kg' is 1",
        "column 'x': 1 of 3 cells has no 'kg' ('0.5' in line 2) and is read as it stands, as '1 kg' is taken"
        " as 1",
    ]
    _, _, notes = column("$5", "$6", "7 €", "8 €")
    assert notes[-1] == (
        "column 'x': its units differ: '$5' in line 2, '7 €' in line 4; they are taken off alike"
    )
    kind, _, notes = column("5 kg", "-6 kg", "")
    assert (kind.always_unit, len(notes)) == (True, 1)
    assert Column.from_plain(kind.to_plain()) == kind


def test_whole_numbers_are_exact(folder: Path):
    assert column("100000000000000001", "", "3")[1] == [100000000000000001, None, 3]
    assert column("1.0", "2.0")[1] == [1, 2]
    assert column(f"{10**30}", f"{10**30 + 1}")[1] == [10**30, 10**30 + 1]
    assert column(f"{10**30}", "NA", f"{10**30 + 1}")[1] == [10**30, None, 10**30 + 1]


def test_most_cells_decide(folder: Path):
    kind, _, notes = column("1", "2", "3", "A", "B")
    assert kind.kind == "category"
    assert notes == [
        "column 'x' is taken for categories: 3 of its 5 cells are numbers, 'A' in line 5 is not;"
        " --number x takes it for numbers"
    ]
    assert column("a", "b", "c", "1")[2] == []
    assert column(*["(1)", "(2)", "(3)"] * 4)[2] == []  # --number would find none


@pytest.mark.parametrize(
    ("ways", "what", "like", "unlike"),
    [
        (["{0}.5", "{0},5"], "number", "'10.5' in line 2", "'11,5' in line 3"),
        (["${0}.5", "${0}.5", "€{0}.5"], "number", "'$10.5' in line 2", "'€12.5' in line 4"),
        (["{0}.01.2024", "2024-01-{0}"], "date", "'10.01.2024' in line 2", "'2024-01-11' in line 3"),
        (["{0}/13/2024", "13/{0}/2024"], "date", "'13/11/2024' in line 3", "'10/13/2024' in line 2"),
    ],
)
def test_numbers_and_dates_in_more_than_one_form_are_noted(
    folder: Path, ways: list[str], what: str, like: str, unlike: str
):
    cells = [ways[i % len(ways)].format(10 + i % 3) for i in range(6)]
    kind, _, notes = column(*cells)
    assert kind.kind == "category"
    (note,) = notes
    alike = {2: 3, 3: 4}[len(ways)]
    assert note == (
        f"column 'x' is taken for categories: its {what}s are written in more than one way: {alike} of 6"
        f" cells like {like}, others like {unlike}; --{what} x takes the former for {what}s, the others for"
        " missing"
    )


def parquet(wishes: Wishes = NO_WISHES, **columns: list[str]) -> tuple[Typed, list[str]]:
    pl.DataFrame(columns).write_parquet("t.parquet")
    table = read_table(Path("t.parquet"))
    typed = decide(table, USUAL, wishes)
    return typed, notes_on(typed.decisions, table.place)


def test_numbers_and_dates_that_parquet_has_as_text_stay_text_and_are_noted(folder: Path):
    start = "column 'x' is taken for categories: the file has it as text, but"
    typed, notes = parquet(x=["1.5", "2", "NA"])
    assert typed.frame["x"].to_list() == ["1.5", "2", "NA"]
    assert notes == [f"{start} its 2 cells are all numbers; --number x takes it for numbers"]
    _, notes = parquet(x=["1.5", "2", "3", "4", "odd"])
    said = f"{start} 4 of its 5 cells are numbers, 'odd' in row 5 is not; --number x takes it for numbers"
    assert notes == [said]
    _, notes = parquet(x=["2024-01-05", "2024-01-06"])
    assert notes == [f"{start} its 2 cells are all dates; --date x takes it for dates"]
    _, notes = parquet(x=["NA"] * 9000 + [f"text {i}" for i in range(3000)] + [f"{i}.5" for i in range(9000)])
    assert notes == [
        "column 'x' is taken for categories: 9,000 of its 12,000 cells are numbers, 'text 0' in row 9001 is"
        " not; --number x takes it for numbers"
    ]
    assert column(*(f"text {i}" for i in range(11_000)))[2] == []
    assert "5,500 of its 11,000 cells" in column(*(f"{'<' * (i % 2)}{i}.5" for i in range(11_000)))[2][0]
    assert parquet(x=["red", "green", "1"], z=["true", "false", "true"])[1] == []


def test_columns_of_parquet_whose_kind_the_user_chose_are_not_noted(folder: Path):
    cells = [f"{i}.5" for i in range(50)]
    typed, notes = parquet(Wishes({"z": "category"}), x=cells, z=cells)
    assert typed.frame["z"].to_list() == cells
    assert len(notes) == 1
    assert "--number x takes it" in notes[0]
    assert parquet(Wishes({"z": "number"}), z=cells)[1] == []
    days = ["2024-01-05", "2024-01-06"]
    for wishes in (Wishes({"z": "date"}), Wishes(date_formats={"z": "%Y-%m-%d"}), Wishes({"z": "category"})):
        assert parquet(wishes, z=days)[1] == []


def test_the_user_decides_on_kinds(folder: Path):
    kind, values, notes = column("1", "2", "A", "B", kinds={"x": "number"})
    assert (kind.kind, values) == ("number", [1, 2, None, None])
    assert "2 cells are no numbers ('A' in line 4, 'B' in line 5)" in notes[0]
    assert column("01", "1", kinds={"x": "category"})[1] == ["01", "1"]
    assert column("5 Jan 2024", "x", "y", kinds={"x": "date"})[0].kind == "date"
    assert column("8:30", "x", "y", kinds={"x": "date"})[0].kind == "duration"
    for wish, cells in {"number": "a", "date": "1.5"}.items():
        with pytest.raises(
            Problem, match=f"--{wish}: column 'x' has no {wish} among its texts, such as '{cells}' in line 2"
        ):
            column(cells, kinds={"x": wish})
    with pytest.raises(Problem, match="--number: no column 'X' in the table; did you mean 'x'"):
        column("1", kinds={"X": "number"})


# Words for missing, categories, true and false


def test_a_class_may_be_called_none(folder: Path):
    kind, values, notes = column("None", "Low", "High", "")
    assert (kind.kind, values) == ("category", ["None", "Low", "High", None])
    assert notes == [
        "'None' in column 'x' (1 cell, first in line 2) is a category; --missing None takes it for missing"
    ]
    words = MissingWords(["None"])
    assert column("None", "Low", "High", words=words)[1] == [None, "Low", "High"]
    assert column('"NA"', "EU")[1] == ["NA", "EU"]
    assert column("NA", "NA")[0] is None
    assert column("-", "none")[1] == ["-", "none"]


def test_true_and_false(folder: Path):
    kind, values, notes = column("True", "false", "TRUE", "unknown", "")
    assert (kind.kind, values) == ("boolean", [True, False, True, None, None])
    assert notes == ["'unknown' in column 'x' (1 cell, first in line 5) is missing"]
    assert column("True", "False", "Maybe")[1] == ["True", "False", "Maybe"]


def test_blanks_around_categories_do_not_count(folder: Path):
    assert column("red", " red", "red ", "green")[1] == ["red", "red", "red", "green"]


# Dates


@pytest.mark.parametrize(
    ("cells", "formats", "first"),
    [
        (["2024-01-05", "2023-12-31"], ["%Y-%m-%d"], datetime(2024, 1, 5)),
        (["2024/1/5", "2023/12/31"], ["%Y/%m/%d"], datetime(2024, 1, 5)),
        (["05.01.2024", "31.12.2023"], ["%d.%m.%Y"], datetime(2024, 1, 5)),
        (["5.1.24", "31.12.23"], ["%d.%m.%y"], datetime(2024, 1, 5)),
        (["13/02/2024", "02/02/2024"], ["%d/%m/%Y"], datetime(2024, 2, 13)),
        (["02/13/2024", "02/02/2024"], ["%m/%d/%Y"], datetime(2024, 2, 13)),
        (["2/13/2024", "12/2/2024"], ["%m/%d/%Y"], datetime(2024, 2, 13)),
        (["20240105", "20231231"], ["%Y%m%d"], datetime(2024, 1, 5)),
        (["5 Jan 2024", "31 December 2023"], ["%d %B %Y"], datetime(2024, 1, 5)),
        (["Jan 5, 2024", "Dec 31, 2023"], ["%B %d, %Y"], datetime(2024, 1, 5)),
        (["2024-01-05 10:30", "2024-01-05"], ["%Y-%m-%d %H:%M", "%Y-%m-%d"], datetime(2024, 1, 5, 10, 30)),
        (["2024-01-05T10:30:01.5"], ["%Y-%m-%dT%H:%M:%S%.f"], datetime(2024, 1, 5, 10, 30, 1, 500000)),
        (
            ["2024-01-05T10:30:00+02:00", "2024-01-05T10:30:00Z"],
            ["%Y-%m-%dT%H:%M:%S%z"],
            datetime(2024, 1, 5, 8, 30),
        ),
        (["01/13/2024 03:04 PM"], ["%m/%d/%Y %I:%M %p"], datetime(2024, 1, 13, 15, 4)),
        (["0001-01-01", "9999-12-31"], ["%Y-%m-%d"], datetime(1, 1, 1)),
    ],
)
def test_dates(folder: Path, cells: list[str], formats: list[str], first: datetime):
    kind, values, _ = column(*cells)
    assert (kind.kind, kind.date_format.formats, values[0]) == ("date", formats, first)
    assert None not in values


def test_dates_that_can_be_read_in_two_ways_are_noted(folder: Path):
    kind, values, notes = column("02/01/2010", "03/01/2010")
    assert (kind.format, values[0]) == (DateFormat(["%d/%m/%Y"]), datetime(2010, 1, 2))
    assert notes == [
        "column 'x': dates such as '02/01/2010' are read day first;"
        " --date-format x=%m/%d/%Y reads them the other way"
    ]
    kind, values, notes = column("02/01/2010", "03/01/2010", date_formats={"x": "%m/%d/%Y"})
    assert (values[0], notes) == (datetime(2010, 2, 1), [])
    assert column("02/01/2010", "03/01/2010", date_formats={"": "%m/%d/%Y"})[1][0] == datetime(2010, 2, 1)
    # Another column of the table shows the order.
    typed, notes = kinds("d,e\n01/02/2024,02/13/2024\n03/02/2024,02/14/2024\n")
    assert (typed.frame["d"][0], notes) == (datetime(2024, 1, 2), [])


def test_texts_among_dates(folder: Path):
    days = [f"2024-01-{day:02}" for day in range(1, 9)]
    kind, values, notes = column(*days, "unknown", "2024-02-31")
    assert (kind.kind, values[8:]) == ("date", [None, None])
    assert notes == [
        "'unknown' in column 'x' (1 cell, first in line 10) is missing",
        "column 'x': '2024-02-31' in line 11 is no date, and missing; --category x keeps the texts",
    ]


@pytest.mark.parametrize("bad", ["20240230", "00000000", "7", "late"])
def test_a_bad_date_among_eight_digits(folder: Path, bad: str):
    days = [f"202401{day:02}" for day in range(1, 10)]
    kind, values, notes = column(*days, bad, "")
    assert (kind.kind, values[0], values[9:], kind.missing) == (
        "date",
        datetime(2024, 1, 1),
        [None] * 2,
        [bad],
    )
    assert notes == [
        "column 'x': '20240101' is a date; --number x takes it for a number",
        f"column 'x': '{bad}' in line 11 is no date, and missing; --category x keeps the texts",
    ]
    assert column(*days[:3], bad, kinds={"x": "number"})[0].kind == "number"
    assert column(*days[:3], bad)[0].kind == ("number" if bad != "late" else "category")


def test_numbers_that_are_no_dates(folder: Path):
    assert column("20241301", "20240105")[0].kind == "number"
    assert column("20240105", "5")[0].kind == "number"
    assert column("2019", "2020")[0].kind == "number"
    assert column("24-01-05", "2024-01-05")[0].kind == "category"
    assert column("20240105", "20240106", kinds={"x": "number"})[0].kind == "number"


def test_times(folder: Path):
    kind, values, _ = column("8:30", "26:00:30", "NA")
    assert (kind.kind, values) == ("duration", [timedelta(hours=8.5), timedelta(hours=26, seconds=30), None])


# A new table is read by what was decided


def test_text_is_read_by_the_columns_of_the_model(folder: Path):
    columns = [
        Column("size", "number", NumberFormat(",", ".", after="€"), ["n.d."]),
        Column("day", "date", DateFormat(["%m/%d/%Y"])),
        Column("flag", "category"),
        Column("code", "category"),
        Column("sold", "boolean"),
        Column("weight", "number"),
    ]
    rows = ["1.234,5 €;02/01/2019;True;01;1;1e3", "n.d.;;False;1;TRUE;NA", ";12/01/2019;;NA;false; 2.50 "]
    table = read("size;day;flag;code;sold;weight\n" + "\n".join(rows) + "\n")
    day = 86400.0
    assert features(table.frame, columns, "t.csv", table=table).rows() == [
        (1234.5, datetime(2019, 2, 1).timestamp() // day, "True", "01", "true", 1000.0),
        (None, None, "False", "1", "true", None),
        (None, datetime(2019, 12, 1).timestamp() // day, None, "NA", "false", 2.5),
    ]


@pytest.mark.parametrize(
    ("cell", "kind", "expected"),
    [
        ("many", Column("x", "number"), "expected numbers; --missing many takes it for missing"),
        ("0,5", Column("x", "number"), "expected numbers; --missing 0,5"),
        ("0.5", Column("x", "number", NumberFormat(",")), "expected numbers; --missing 0.5"),
        ("-Infinity", Column("x", "number"), "expected finite numbers up to 1e100; --missing -Infinity"),
        ("soon", Column("x", "date", DateFormat(["%Y-%m-%d"])), "expected dates; --missing soon"),
        ("2024-02-31", Column("x", "date", DateFormat(["%Y-%m-%d"])), "expected dates; --missing 2024-02-31"),
        ("25", Column("x", "duration"), "expected times"),
        ("perhaps", Column("x", "boolean"), "expected true or false; --missing perhaps"),
    ],
)
def test_a_cell_that_does_not_suit_the_model_is_named(folder: Path, cell: str, kind: Column, expected: str):
    table = read(f"x;y\n;1\n{cell};2\n")
    with pytest.raises(Problem) as problem:
        features(table.frame, [kind], table.name, table=table)
    line = problem.value.format_message()
    assert line.startswith(f"TABLE: column 'x' of 't.csv' has '{cell}' in line 3; {expected}")
    if "finite" not in expected:
        read_again = features(table.frame, [kind], "t.csv", MissingWords([cell]), table)
        assert read_again["x"].to_list() == [None, None]


def test_typed_columns_suit_models_of_text(folder: Path):
    code = Column("code", "category")
    assert features(pl.DataFrame({"code": [1.0, None]}), [code], "t.parquet")["code"].to_list() == ["1", None]
    frame = pl.DataFrame({"code": [datetime(2024, 1, 1)]})
    with pytest.raises(Problem, match="has values such as '2024-01-01 00:00:00'; expected numbers"):
        features(frame, [Column("code", "number")], "t.parquet")


# Columns that are no features


def suspects(frame: pl.DataFrame, *wanted: str) -> tuple[list[str], dict[str, str], list[str]]:
    choice = choose_columns(frame, "y", (), wanted)
    choice, notes = leave_out_suspects(choice, frame, "y", wanted)
    return [column.name for column in choice.used], choice.left_out, notes


def test_row_numbers_are_left_out(folder: Path):
    n = 60
    noise = [(i * 37 % 61) / 7 for i in range(n)]
    y = ["a", "b", "c"] * 20
    shuffled = [(i * 7) % n + 1 for i in range(n)]
    for name, values in {
        "Unnamed: 0": range(n),
        "Id": range(1, n + 1),
        "rownames": range(n, 0, -1),
        "k": shuffled,
    }.items():
        frame = pl.DataFrame({name: list(values), "noise": noise, "y": y})
        used, left_out, notes = suspects(frame)
        assert (used, list(left_out), notes) == (["noise"], [name], [])
        assert "it numbers the rows from" in left_out[name]
        assert suspects(frame, name)[0] == [name, "noise"]
    for name in ("uid", "customer_id", "customerId"):
        assert suspects(pl.DataFrame({name: [7 * i * i + 1000 for i in range(n)], "noise": noise, "y": y}))[
            0
        ] == ["noise"]
    years = pl.DataFrame({"year": list(range(1960, 2020)), "noise": noise, "y": y})
    used, _, notes = suspects(years)
    assert used == ["year", "noise"]
    assert notes == ["column 'year' goes up in equal steps: if that numbers the rows, --ignore year"]
    prices = pl.DataFrame({"price": [i * i for i in range(n)], "noise": noise, "y": y})
    assert suspects(prices)[0] == ["price", "noise"]
    few = pl.DataFrame({"x": list(range(10)), "y": ["a", "b"] * 5})
    assert suspects(few)[0] == ["x"]


def test_what_is_mostly_numbers_is_not_called_an_identifier_alone(folder: Path):
    cells = [f"{i}.5" if i % 10 < 7 else f"<{i}" for i in range(60)]
    typed, _ = kinds("x,y\n" + "".join(f"{cell},1\n" for cell in cells))
    doubts = {name: decision.doubt for name, decision in typed.decisions.items()}
    frame = typed.frame.with_columns(noise=pl.Series(range(60)) % 7)
    assert choose_columns(frame, "y", (), (), None, doubts).left_out == {
        "x": "42 of its 60 cells are numbers, '<7' in line 9 is not; --number x takes it for numbers;"
        " its 60 texts are all different; --category x keeps it"
    }


def test_identifiers_of_which_some_occur_twice_are_left_out(folder: Path):
    noise, y = [(i * 37 % 61) / 7 for i in range(60)], ["a", "b", "c"] * 20
    numbers = [7 * i * i + 1000 for i in range(58)]
    frame = pl.DataFrame(
        {
            "order_id": [*numbers, *numbers[:2]],
            "price": [*numbers, *numbers[:2]],
            "customer": [f"C{i:03}" for i in [*range(58), 0, 1]],
            "street": [f"{i} Main St" for i in [*range(50), *range(10)]],
            "noise": noise,
            "y": y,
        }
    )
    used, left_out, _ = suspects(frame)
    assert used == ["price", "street", "noise"]
    assert left_out == {
        "customer": "58 of its 60 texts are different; --category customer keeps it",
        "order_id": "it is an identifier by its name, nearly all different; --number order_id keeps it",
    }
    assert suspects(frame, "customer", "order_id")[1] == {}


@pytest.mark.parametrize("name", ["zip", "ZIP_code", "home.plz", "store_id", "storeId", "PostalCode"])
def test_codes_that_go_in_as_numbers_are_noted(folder: Path, name: str):
    frame = pl.DataFrame(
        {name: [10115, 20095, 80331, 50667] * 15, "paid": [1, 5, 3] * 20, "y": ["a", "b"] * 30}
    )
    used, _, notes = suspects(frame)
    assert used == [name, "paid"]
    assert notes == [
        f"column '{name}' goes in as numbers, though they are codes by its name: "
        f"--category {name} or --ignore {name}"
    ]
    assert suspects(frame, name)[2] == []


def test_copies_of_the_target(folder: Path):
    noise = [(i * 37 % 61) / 7 for i in range(60)]
    y = ["a", "b", "c"] * 20
    frame = pl.DataFrame({"noise": noise, "y (2)": y, "code": [1, 2, 3] * 20, "y": y})
    used, left_out, notes = suspects(frame)
    assert (used, list(left_out)) == (["noise", "code"], ["y (2)"])
    assert left_out["y (2)"] == "it equals the target 'y' in every row; --category 'y (2)' keeps it"
    assert notes == ["column 'code' tells 'y' exactly: if it is not known in advance, --ignore code"]
    assert suspects(frame, "y (2)")[0] == ["noise", "y (2)", "code"]
    price = [v * 3 + 1 for v in noise]
    frame = pl.DataFrame({"noise": [v % 1 for v in noise], "copy": noise, "cents": price, "y": noise})
    used, left_out, notes = suspects(frame)
    assert (used, list(left_out)) == (["noise", "cents"], ["copy"])
    assert "column 'cents' tells 'y' exactly" in notes[0]
    with pytest.raises(Problem, match="no column to learn from beside the target 'y'"):
        suspects(frame.select("copy", "y"))


# Many columns


def seconds(columns: int) -> float:
    rows = [",".join(f"{(i * 31 + j * 17) % 1009 / 7:.3f}" for j in range(columns)) for i in range(30)]
    text = ",".join(["y", *(f"g{j}" for j in range(columns))]) + "\n"
    text += "".join(f"{'ab'[i % 2]},{row}\n" for i, row in enumerate(rows))
    start = time.process_time()
    table = read(text)
    typed = decide(table, MissingWords(), Wishes())
    columns_of = {name: decision.column for name, decision in typed.decisions.items()}
    choice = choose_columns(typed.frame, "y", (), (), columns_of)
    choice, _ = leave_out_suspects(choice, typed.frame, "y", ())
    assert features(table.frame, choice.used, table.name, table=table).shape == (30, columns)
    return time.process_time() - start


def test_the_time_is_in_proportion_to_the_columns(folder: Path):
    seconds(100)
    few, many = min(seconds(1000) for _ in range(2)), seconds(8000)
    assert many < 3 * 8 * few  # a quadratic part would make it 64 times as long


def test_forms_of_dates_are_compiled_once(monkeypatch: pytest.MonkeyPatch):
    """There are more than Python's own cache of patterns keeps, so each text would compile all of them."""
    find_dates(pl.Series(["1.2.2024"]), pl.Series([1]), month_first=None)
    compiled = []
    original = re._compiler.compile
    monkeypatch.setattr(re._compiler, "compile", lambda *given: compiled.append(given) or original(*given))
    re.purge()
    texts = pl.Series([f"word {number}" for number in range(300)])
    assert find_dates(texts, pl.Series([1] * 300), month_first=None).format.formats == []
    assert len(compiled) < 20
