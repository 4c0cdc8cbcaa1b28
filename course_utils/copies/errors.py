"""What goes wrong with copies, said in one sentence with the way out."""


class CopyError(Exception):
    """A copy cannot be handed out; the message says why, and what to do."""
