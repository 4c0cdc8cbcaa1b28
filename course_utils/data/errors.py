"""What can go wrong with data: for the student a sentence with the way out, inside also why."""


class DataError(RuntimeError):
    """The data cannot be had; the message says in one sentence why, and what to do.

    Attributes:
        problem: what is the case.
        cure: what to do about it.
    """

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(f"{problem}; {cure}.")
        self.problem = problem
        self.cure = cure


class Unavailable(Exception):  # noqa: N818 - says what is the case, in a few words for a message
    """A source cannot give the file, and trying again would not help."""


class Interrupted(Unavailable):
    """A fault that may pass: the server is busy, the connection was cut or fell silent."""
