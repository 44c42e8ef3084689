"""`adw analyze`, and the script `analyze_logs.py`: the report about a window of time."""

from __future__ import annotations

import os
from pathlib import Path

import click

from adw_state.commands.options import database_option
from adw_state.commands.output import ascii_wanted, line_width, print_error, print_text, styles_wanted
from adw_state.configuration.settings import load_config
from adw_state.reports import report
from adw_state.reports.renderers import EXPORTS, FORMATS, render
from adw_state.reports.report_file import write_report

_PLAIN_WIDTH = 120


@click.command()
@click.option(
    "--backend",
    type=click.Choice(report.BACKENDS),
    default="database",
    show_default=True,
    help="Ask the database, or read logs and JSON states.",
)
@click.option(
    "--hours", default="24", show_default=True, help="Executions started in the last so many hours."
)
@click.option("--env", "environment", metavar="NAME", help="Only executions of this environment, e.g. local.")
@click.option("--format", "kind", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option(
    "--export",
    type=click.Choice(EXPORTS),
    help="All numbers for another program, instead of the report; goes where the report would go.",
)
@click.option(
    "--output", type=click.Choice(("stdout", "file")), help="Where to; stdout unless a file is named."
)
@click.option("--output-file", type=click.Path(path_type=Path), metavar="FILE", help="The file to write.")
@click.option("--stale-hours", help="Silence after which a run is stale; stale_hours of adw.toml, else 24.")
@database_option
@click.option(
    "--log-root",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="With --backend json: read this folder instead of the logs and states of the project.",
)
def analyze(
    backend: str,
    hours: str,
    environment: str | None,
    kind: str,
    as_json: bool,
    export: str | None,
    output: str | None,
    output_file: Path | None,
    stale_hours: str | None,
    db: str | None,
    log_root: Path | None,
) -> None:
    """Report success rates, the phase funnel, failures and durations of a time window.

    Executions belong to the window by the time of their start. Stale checkpoints are reported whenever
    their execution was started.
    """
    if (output == "file" and output_file is None) or (output == "stdout" and output_file is not None):
        raise click.UsageError("--output file and --output-file FILE go together")
    found = report.analyze(
        backend,
        hours=hours,
        environment=environment,
        stale_hours=stale_hours or load_config(report.project_folder(), os.environ).stale_hours,
        db_path=db,
        log_root=log_root,
    )
    wanted = export or ("json" if as_json else kind)
    if output_file is not None:
        write_report(render(found, wanted), output_file)
        print_error(f"Wrote {output_file}")
        return
    width, styled = line_width(_PLAIN_WIDTH), styles_wanted()
    print_text(render(found, wanted, width=width, styled=styled, ascii_only=ascii_wanted()))
