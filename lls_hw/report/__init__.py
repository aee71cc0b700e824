"""Results as one self-contained HTML page, and as figures for papers.

A file is read (`source`), turned into pages of charts that know nothing of any drawing program (`chart`,
`run_*`, `train_*`, `sweep_*`, `compare_*`), and drawn twice: by Plotly in the page (`plotly_draw`, `page`)
and by Matplotlib for papers (`mpl_draw`, `export`).
"""
