"""Calling somebody until somebody answers: whom a department's policy names, and how a call climbs.

`steps` and `climbing` are pure; `asking` finds who a step means now; `telling` puts it on its way, once; `pager` is
what happens to a page; `listening` and `ticking` call it: the first when something happened, the second when it is time.
`rooms` are a department's chat groups, which are told of each step.
`auditing` compares what should have been told with what was; `expecting` reads the former from the case itself.
"""
