"""Measuring the board: a large city, the real server, and what each page costs beside an empty one."""
