"""What can be wrong, by class; the class decides the exit code of the command line."""

MOST_LISTED = 20  # lines, of problems or of a table


class Problem(Exception):
    """Something a person can mend; its text says where it is, what is wrong and what to do next."""

    exit_code = 1


class UsageProblem(Problem):
    """A parameter, option or file name that cannot be right."""

    exit_code = 2


class DataProblem(Problem):
    """Figures that may not be forecast from, or a forecast that may not be published."""

    exit_code = 3


class UnreadableModel(DataProblem):
    """A forecaster that was saved whole and can no longer be read: code that it is made of has changed since."""


class StaleSource(DataProblem):
    """A source that has published nothing new for longer than the market allows."""


class SeveralTills(DataProblem):
    """Exports of one folder with other figures of the same days; whoever keeps them can say what they are."""

    def __init__(self, message: str, seen: str = ""):
        super().__init__(message)
        self.seen = seen


class EnvironmentProblem(Problem):
    """A server, permission, variable, kernel or disk that is not as it must be."""

    exit_code = 4


class Interrupted(EnvironmentProblem):
    """A run that was told to stop; what would come after it is to stop as well."""


class Conflict(Problem):
    """Someone else wrote the same thing first, and it is not the same."""

    exit_code = 5


class GateClosed(Problem):
    """No model may speak: there is no champion, or the one to go back to never passed its gate or may not speak now."""

    exit_code = 6


def listed(problems: list[str]) -> str:
    """The first twenty problems, one a line, and a count of the rest."""
    rest = len(problems) - MOST_LISTED
    return "\n".join(problems[:MOST_LISTED] + ([f"… and {rest} more"] if rest > 0 else []))
