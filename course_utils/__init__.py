"""Helpers of the course: data, devices, pictures, checks. Importing them does nothing."""
