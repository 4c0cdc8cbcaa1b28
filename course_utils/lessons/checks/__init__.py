"""The checks of the exercises: one file per lesson, and what they share in ``feedback``."""
