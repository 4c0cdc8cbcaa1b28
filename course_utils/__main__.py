"""``python -m course_utils``: is this machine ready for the course?"""

# ruff: noqa: T201 - a report is printed

import sys

from course_utils import doctor


def main() -> int:
    """Print the doctor's report; return the exit status: 1 if a lesson could not run."""
    problems = 0
    for finding in doctor.examine():
        print(f"{finding.state:8}{finding.subject:14}{finding.text}", flush=True)
        if finding.cure:
            print(f"{'':22}-> {finding.cure}")
        problems += finding.state == "PROBLEM"
    print(f"\nNot ready: problems found: {problems}." if problems else "\nReady for the course.")
    return int(problems > 0)


if __name__ == "__main__":
    sys.exit(main())
