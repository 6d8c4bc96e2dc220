"""The bench: how fast, how prompt and how modest tailers are, side by side.

The modules, in the order to read them: `host` (a class at work in a process of its own), `subject` (what is measured,
and how it is started), `readings` (what the system tells of a process), `measures` (one run of one measure), `compare`
(the interleaved runs and their result), `table` and `picture` (the result to look at).
"""
