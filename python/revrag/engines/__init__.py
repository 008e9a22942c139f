"""What the writers for clusters share: leases on keys, handed out by the driver.

A cluster runs a task again as it pleases, on other rows, in another order, or twice at once, and a
row that went out twice is a person called twice. So nothing is known by its place. A task asks the
driver before it sends rows: each key is leased to one attempt at a time, what became of it is told
back, and what an attempt left open when it ended is looked for in the campaign before anybody
sends it again.

| module | does |
| --- | --- |
| ``settings`` | what the caller chose, as options or by keyword |
| ``tokens`` | what session ids and numbers are known by |
| ``leases`` | who may send which key, and what became of it; in a file of the driver's |
| ``allowance`` | how many rows may yet go, where there is a limit |
| ``tally`` | how many rows are not valid |
| ``listing`` | the one look at the campaign before anything is sent |
| ``claim`` | one driver of a machine at a time for a name |
| ``jobs`` | jobs, their attempts, the share of the rate that each has |
| ``wire`` | messages between driver and tasks, under a code that only they can make |
| ``coordinator`` | the driver's end: listens |
| ``link`` | a task's end: asks, and stops its upload once the lease is lost |
| ``attempt`` | one try of a task: its rows, sent |
| ``whole`` | a job's beginning and end |
| ``outcomes`` | what became of each row, as Parquet |
"""
