"""``python -m course_utils.data``: put both data sets in order."""

import sys

from course_utils import data


def main() -> int:
    """Prepare both data sets; return the exit status: 0, or 1 if one of them cannot be had."""
    try:
        for name in data.NAMES:
            data.prepare(name)
    except data.DataError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
