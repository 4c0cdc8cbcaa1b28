"""A student's own copies of the lessons, in a folder that git ignores.

``python -m course_utils.copies`` hands them out; ``… renew 03`` lays a newer lesson in place and
carries the answers of its exercises over; ``… fresh 03`` starts a lesson anew. Nothing that a
student did is ever overwritten. PyTorch is not imported: this runs whenever JupyterLab is opened.
"""
