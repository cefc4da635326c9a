"""A company whose commands run inside the test's own process, for journeys of many commands."""

from click.testing import CliRunner

from dsar.cli import main

from .company import Company, Done


class QuickCompany(Company):
    """Like Company; a command that ends in an error that no command may show fails the test."""

    def dsar(self, *arguments: str, actor: str = "anna", stdin: str = "") -> Done:
        result = CliRunner(env={"DSAR_ACTOR": actor, "COLUMNS": "80"}).invoke(
            main, ["--settings", str(self.settings), *arguments], input=stdin
        )
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Done(exit_code=result.exit_code, out=result.stdout, err=result.stderr)
