"""What Vendure is asked fits the schema that its server publishes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ordersync.channels.vendure import queries

SCHEMA = Path(__file__).parents[3] / "shared/specs/vendure/admin-3.7.3.graphql"
QUERIES = {name: text for name, text in vars(queries).items() if name.isupper()}


@pytest.mark.parametrize("name", QUERIES)
def test_query_fits_the_schema(name: str) -> None:
    """Each field, argument and variable exists in the admin API, with the type that is given to it."""
    graphql = pytest.importorskip("graphql", reason="graphql-core is not installed")
    if not SCHEMA.is_file():
        pytest.skip(f"the published schema does not lie at {SCHEMA}")
    schema = graphql.build_schema(SCHEMA.read_text(encoding="utf-8"))

    assert graphql.validate(schema, graphql.parse(QUERIES[name])) == []
