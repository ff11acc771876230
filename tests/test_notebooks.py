"""The notebooks hold no output, and run from top to bottom."""

import json

import pytest

from conftest import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks(root):
    """Guards the tests below against finding none."""
    assert (root / "notebooks").is_dir()
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_carries_no_output(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
@pytest.mark.filterwarnings("default")  # the kernel is another process; here only the client warns
def test_runs(path, tmp_path):
    nbclient = pytest.importorskip("nbclient", reason="notebooks run with the dev extra")
    pytest.importorskip("ipykernel", reason="notebooks run with the dev extra")
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    assert all(cell["execution_count"] for cell in notebook.cells if cell["cell_type"] == "code")
