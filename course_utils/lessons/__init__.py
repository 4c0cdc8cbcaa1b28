"""What a lesson leaves for a later one, and the checks of the exercises."""
