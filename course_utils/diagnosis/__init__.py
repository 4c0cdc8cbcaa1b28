"""What ``course_utils.doctor`` looks at."""
