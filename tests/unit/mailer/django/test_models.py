"""Models and migrations of the Django application have the tables of the SQL stores."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader
from sqlalchemy import Boolean, Column, Double, Integer, SmallInteger, String, Text

from mailer.django import models
from mailer.stores.sql.migrate import HEAD
from mailer.stores.sql.tables import HASH, ID, PREFIX, SCOPE, WORD, Tables
from mailer.stores.sql.types import Moment

TABLES = {table.name: table for table in Tables.create().metadata.sorted_tables}
MODELS = {model._meta.db_table: model for model in apps.get_app_config("mailstack").get_models()}
KINDS = {
    Text: "TextField",
    Moment: "DateTimeField",
    Boolean: "BooleanField",
    String: "CharField",
    Double: "FloatField",
    SmallInteger: "SmallIntegerField",
    Integer: "IntegerField",
}
# Keys that Django's admin needs where the table's own has several columns.
SURROGATES = {"id", "row"}


def described(column: Column[Any]) -> tuple[str, int | None, bool]:
    kind = next(name for type_, name in KINDS.items() if isinstance(column.type, type_))
    return kind, getattr(column.type, "length", None), bool(column.nullable)


def test_every_table_has_a_model():
    assert set(TABLES) == set(MODELS) - {f"{PREFIX}{Tables.VERSION}"}


def test_lengths_are_those_of_the_tables():
    assert (models.PREFIX, models.HASH, models.ID, models.SCOPE, models.WORD) == (PREFIX, HASH, ID, SCOPE, WORD)


@pytest.mark.parametrize("name", TABLES)
def test_columns_of_a_model_are_those_of_the_table(name: str):
    fields = {field.column: field for field in MODELS[name]._meta.concrete_fields}
    columns = {column.name: column for column in TABLES[name].columns}
    assert set(fields) - set(columns) <= SURROGATES
    assert set(columns) <= set(fields)
    for column in columns.values():
        field = fields[column.name]
        if field.get_internal_type() != "BigAutoField":
            assert (field.get_internal_type(), field.max_length, field.null) == described(column), column


@pytest.mark.parametrize("name", TABLES)
def test_keys_and_indexes_are_those_of_the_table(name: str):
    meta: Any = MODELS[name]._meta
    unique = {tuple(one.fields) for one in meta.constraints} | {(meta.pk.column,)}
    assert tuple(column.name for column in TABLES[name].primary_key) in unique
    found = {tuple(index.fields) for index in meta.indexes}
    wanted = {tuple(column.name for column in index.columns): index.unique for index in TABLES[name].indexes}
    assert found == {columns for columns, is_unique in wanted.items() if not is_unique}
    assert {columns for columns, is_unique in wanted.items() if is_unique} <= unique


def test_migrations_are_complete():
    call_command("makemigrations", "mailstack", check=True, dry_run=True, verbosity=0)


def test_migrations_write_the_version_of_the_tables():
    newest = max(name for app, name in MigrationLoader(None).disk_migrations if app == "mailstack")
    assert import_module(f"mailer.django.migrations.{newest}").VERSION == HEAD
