"""What reports say of the network's errors is what was measured of the network in the package, and of no other."""

from pathlib import Path

import pytest

from facesearch.attributes import ATTRIBUTES, NAMES
from facesearch.network.measured import measured
from tests.support.stand_ins import model

DOCS = Path(__file__).parent.parent / "docs"


def rows(document: str, columns: int) -> dict[str, list[str]]:
    """The lines of its tables with so many columns, by their first."""
    lines = (DOCS / document).read_text(encoding="utf-8").splitlines()
    cells = ([cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines if line.startswith("|"))
    return {first: rest for first, *rest in cells if len(rest) == columns - 1}


@pytest.mark.slow
def test_the_figures_are_those_of_the_documents_and_hold_for_the_shipped_network_alone() -> None:
    from cli.report.network import network_about
    from facesearch.network.checkpoint import load_checkpoint

    shipped = load_checkpoint(None).scoring_model()
    found = measured(shipped)
    assert found is not None, "measure the new network, and bring facesearch/weights/figures.json up to date"
    assert measured(model()) is None
    documented = rows("training.md", 11)
    for name in NAMES:
        assert found.words[name].wrong == pytest.approx(100 - float(documented[name][6])), name
        assert found.words[name].wrong_by_commoner == pytest.approx(100 - float(documented[name][1])), name
    by_group = rows("model-card.md", 6)
    for group, (men, women) in found.sex_by_group.items():
        assert (men, women) == pytest.approx([100 - float(each) for each in by_group[group][:2]]), group
    about = network_about(shipped, [ATTRIBUTES[NAMES.index("Male")]], "not validated here")
    assert about.rows == [["man", "A", "0.9 %", "35.5 %", "reliable: wrong now and then"]]
    assert any("Asian 9 % and 3 %" in each for each in about.sentences)
    assert ("Terms", f"research and evaluation only. {shipped.metadata['terms']}") in about.facts
    of_other = network_about(model(), ATTRIBUTES[:1], "not validated here")
    assert of_other.columns == ["word", "grade", "what the grade means"] and "%" not in " ".join(of_other.rows[0])
