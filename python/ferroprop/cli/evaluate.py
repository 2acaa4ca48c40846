"""``ferroprop evaluate``: the scores of a model on the rows of a table."""

from dataclasses import asdict, dataclass

from ferroprop.cli.console import Notes, print_json, progress_console, results_console
from ferroprop.cli.judged import Judged, judged, noting_doubts
from ferroprop.cli.report import evaluation_table, verdict


@dataclass(frozen=True)
class Request:
    """The command line's request."""

    rows: Judged
    quiet: bool
    as_json: bool


def evaluate(request: Request) -> None:
    """Print the scores.

    Parameters
    ----------
    request : Request
        The options.

    Raises
    ------
    Problem
        If a file cannot be used, or the table does not suit the model or lacks the target.
    """
    notes = Notes(progress_console(quiet=request.quiet))
    subject, table = judged(request.rows, notes)
    with noting_doubts(notes):
        scores = subject.scores()
    if request.as_json:
        print_json(
            {
                "model": str(request.rows.model),
                "table": str(request.rows.table),
                "rows": subject.X.height,
                "scores": [asdict(score) for score in scores],
                "notes": notes.said,
            }
        )
        return
    console = results_console()
    console.print(evaluation_table(scores, subject.card, subject.X.height, table))
    what = "the share of each class" if subject.is_classifier else "the mean"
    console.print(f"The baseline predicts {what} of these rows for every row.", style="dim")
    if (warning := verdict(scores)) is not None:
        console.print(warning, style="bold red")
