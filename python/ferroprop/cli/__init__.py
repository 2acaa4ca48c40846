"""The command line: `ferroprop train`, `ferroprop predict` and `ferroprop info`.

`app` declares the commands and turns every problem into one line; `train`, `predict` and `info` are the
commands; the other modules know one thing each: tables, columns, the task, the pipeline, the scores, the
model file, what is shown while training and what is shown at the end.

It needs the extra ``ferroprop[cli]``, so nothing outside this package imports it but `ferroprop.__main__`.
"""
