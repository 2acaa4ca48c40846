"""Real tables as they come: ferroprop's estimators beside boosted trees and other networks, nothing tuned.

    python benches/tables.py                        # run what is not done yet, and write docs/tables.md
    python benches/tables.py --tables credit,ames --methods lightgbm,tabular --splits 1 --no-page
    python benches/tables.py --further              # the further tables: one split, LightGBM and our five
    python benches/tables.py --show                 # run nothing, print the report

Each result is appended to the file `--keep` when it is there, so an interrupted run goes on where it was.
Peers that are not installed, and tables whose package is missing, are left out, and said. The numbers go
between the marks of docs/tables.md, the figures beside it; the words around them are written by hand.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import page
from real_tables.further import FURTHER
from real_tables.methods import METHODS, one_thread
from real_tables.sources import R_LIBRARY, TABLES

PAGE = page.DOCS / "tables.md"
KEEP = Path(__file__).resolve().parent / "real_tables" / "results.jsonl"
KEEP_FURTHER = KEEP.with_name("further.jsonl")


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", help="names of tables, with commas; all if not given")
    parser.add_argument("--methods", help=f"some of {','.join(METHODS)}; those installed if not given")
    parser.add_argument("--splits", type=int, default=2, help="splits of each table [%(default)s]")
    parser.add_argument("--keep", type=Path, default=KEEP, help="the file of results [%(default)s]")
    parser.add_argument("--r-library", type=Path, default=R_LIBRARY, help="R's packages [%(default)s]")
    parser.add_argument("--mark", default="", help="names the state of the program in the results")
    parser.add_argument("--again", action="store_true", help="fit even where there is a result")
    parser.add_argument("--further", action="store_true", help="run the further tables in their place")
    parser.add_argument("--show", action="store_true", help="run nothing")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to write to [%(default)s]")
    parser.add_argument("--no-page", action="store_true", help="write no page")
    options = parser.parse_args()
    for given, known in (("tables", [table.name for table in TABLES]), ("methods", list(METHODS))):
        asked = (getattr(options, given) or ",".join(known)).split(",")
        if unknown := set(asked) - set(known):
            parser.error(f"--{given}: no {', '.join(sorted(unknown))}; there are {', '.join(known)}")
        setattr(options, given, asked)
    return options


def main() -> None:
    """Run and report."""
    options = parse()
    one_thread()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # libraries that count cores find one
    from real_tables.report import draw, further, report
    from real_tables.runs import read, run

    if options.further:
        pair = [METHODS["lightgbm"], METHODS["tabular"]]
        run(FURTHER, pair, 1, KEEP_FURTHER, options.r_library, options.mark, options.again)
        print(further(read(KEEP_FURTHER)))
    elif not options.show:
        methods = [METHODS[name] for name in options.methods]
        for method in methods:
            if not method.installed():
                print(f"{method.title}: LEFT OUT, {method.needs} is not installed", file=sys.stderr)
        run(
            [table for table in TABLES if table.name in options.tables],
            [method for method in methods if method.installed()],
            options.splits,
            options.keep,
            options.r_library,
            options.mark,
            options.again,
        )
    results = read(options.keep)
    made = report(results) | {"further": further(read(KEEP_FURTHER))}
    print(made["summary"], made["losses"], sep="\n\n")
    if not options.no_page:
        page.write(options.page, made)
        draw(results, options.page)


if __name__ == "__main__":
    main()
