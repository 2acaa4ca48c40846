"""Reading tables: from bytes to columns of text, and from text to numbers, dates and categories.

`source` gives the bytes, `encoding` the text, `dialect` the separator, `header` the line with the names,
`records` the cells with their line numbers, `table` all of it together. `kinds` decides once, for the
training table, what each column holds, and `decisions` says so; `column` reads cells by that, with `missing`,
`numbers` and `dates`.
"""
