"""The command line: `ferroprop train`, `predict`, `evaluate`, `report` and `info`.

`app` declares the commands and reports every mistake of the user's in one line. `train`, `predict`,
`evaluate`, `html_report` (``ferroprop report``) and `info` are the commands. `reading` reads tables; each
other module has one subject, such as the columns, the target, the scores, the model file or the progress
display.

It needs the extra ``ferroprop[cli]``, so nothing outside this package imports it but `ferroprop.__main__`.
"""
