"""Where a student or a class stands: which exercises are solved, tried, untouched.

``python -m course_utils.progress`` looks at your copies, ``… --class FOLDER`` at a class's. What a
copy stores as output is not believed: each answer is played anew, in a process of its own
(``apart``) that ends when it takes too long or too much (``watching``). What that does not protect
against stands in docs/classroom.md.
"""
