"""The example notebooks run as they stand, and hold no outputs."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "examples" / "notebooks"
# What must hold before the last cell, which closes everything.
HOLDS = {
    "load_and_follow": """
assert report.accepted > 250 and report.invalid > 0, report
assert status.stats.total_records == report.accepted == len(records)
assert status.stats.queued == status.stats.in_progress == 0
""",
    "analyse_calls": """
assert len(records) > 250
assert by_city["calls"].sum() == len(calls) >= len(records)
assert by_city["reached"].is_between(0, 1).all() and 0 < by_city["reached"].mean() < 1
assert set(said["call_id"]) <= set(calls["call_id"])
""",
}


def test_each_notebook_is_known() -> None:
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(HOLDS)


@pytest.mark.parametrize("name", HOLDS)
def test_outputs_are_stripped(name: str) -> None:
    for cell in nbformat.read(FOLDER / f"{name}.ipynb", as_version=4).cells:
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None), cell.id


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", HOLDS)
def test_it_runs(name: str) -> None:
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    check = nbformat.v4.new_code_cell(HOLDS[name])
    notebook.cells.insert(-1, check)
    resources = {"metadata": {"path": str(FOLDER)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources).execute()
    for cell in notebook.cells:
        said = [out for out in cell.get("outputs", ()) if out.output_type == "stream"]
        # tqdm draws on standard error where there are no widgets.
        assert not any("Warning" in out.text for out in said), said
    shown = [out.get("data", {}) for cell in notebook.cells for out in cell.get("outputs", ())]
    assert sum("text/html" in data for data in shown) >= 3
    if name == "analyse_calls":
        assert any("vega-lite" in data.get("text/html", "") for data in shown)
