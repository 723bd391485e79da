"""What hardly any face has both of, in the labels that the network learnt from: said in a remark, since such scores are
low and seldom right.

All pairs hold together for less than one in 17 of the rarer one's faces in CelebA's labels (87,893 faces), most of them
for less than one in 100.
"""

from collections.abc import Sequence
from itertools import combinations

from facesearch.attributes import BY_NAME
from facesearch.query.tree import And, Node, Or, Term, Weighted

_FEMALE = ("-Male", "Heavy_Makeup", "Wearing_Lipstick")
_MANLY = ("5_o_Clock_Shadow", "-No_Beard", "Mustache", "Goatee", "Sideburns", "Bald", "Wearing_Necktie")
_HAIR = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")

_PAIRS: tuple[tuple[str, str], ...] = (
    *((one, other) for one in _FEMALE for other in _MANLY),
    ("Male", "Heavy_Makeup"),
    ("Male", "Wearing_Lipstick"),
    *(("Bald", other) for other in ("Bangs", *_HAIR, "Straight_Hair", "Wavy_Hair", "Wearing_Hat")),
    *combinations(_HAIR, 2),
    ("Straight_Hair", "Wavy_Hair"),
    ("Receding_Hairline", "Bangs"),
    ("Receding_Hairline", "Wearing_Hat"),
    *(("No_Beard", other) for other in ("Goatee", "Sideburns", "Mustache")),
)


def _term(name: str) -> Term:
    return Term(BY_NAME[name.removeprefix("-")].index, not name.startswith("-"))


_ODD = frozenset(frozenset(map(_term, pair)) for pair in _PAIRS)


def odd_pairs(tree: Node) -> list[tuple[str, str]]:
    """Which two things that are asked for hardly any face has both of."""
    parts = [_alternatives(child) for child in (tree.children if isinstance(tree, And) else (tree,))]
    return [
        (str(one[0]), str(other[0]))
        for one, other in combinations(parts, 2)
        if one and other and all(frozenset((a, b)) in _ODD for a in one for b in other)
    ]


def _alternatives(node: Node) -> Sequence[Term]:
    """The terms of which `node` asks for one; none for anything else."""
    if isinstance(node, Weighted):
        return _alternatives(node.child)
    children = node.children if isinstance(node, Or) else (node,)
    terms = [child for child in children if isinstance(child, Term)]
    return terms if len(terms) == len(children) else ()
