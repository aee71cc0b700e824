"""Many runs: a grid of points in one SQLite file that survives whatever happens to the process.

`grid` makes points of options, `identity` names them, `tasks` evaluates one anywhere, `executors`
spread tasks over cores or a cluster, `store` keeps what is finished, `run` joins them, `rows` hands the
results on, `search` looks for the best ones.
"""
