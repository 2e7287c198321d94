"""Verification tokens in a SQL database."""

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, or_, select, tuple_, update

from mailer.address import address_key
from mailer.stores.base import in_utc
from mailer.stores.sql.database import insert_into, storable
from mailer.stores.tokens import Token, TokenEvent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection, Row

    from mailer.stores.sql.database import Database
    from mailer.stores.tokens import Limit, UsedBy

# Rows of one page of the audit.
_PAGE = 500
_SEALED = ("address", "account")


class SqlTokens:
    """A `mailer.stores.tokens.TokenStore` in a database. `SqlStores` creates it."""

    def __init__(self, database: "Database") -> None:
        self._database, self._keyring = database, database.keyring
        self._table, self._limits = database.tables.tokens, database.tables.token_limits
        self._audit = TokenAudit(database)

    def put(self, token: Token, *, replaces: "Sequence[str]" = (), detail: str = "") -> None:
        """See `TokenStore.put`."""
        values = self._values(token)
        with self._database.write("write a verification token to") as connection:
            if replaces:
                connection.execute(delete(self._table).where(self._table.c.id.in_(replaces)))
            write = insert_into(self._table, connection).values(values)
            connection.execute(write.on_conflict_do_update(index_elements=["id"], set_=values))
            self._audit.add(connection, TokenEvent.of(token, "issued", token.issued_at, detail))

    def get(self, id_: str) -> Token | None:
        """See `TokenStore.get`."""
        with self._database.read("read a verification token from") as connection:
            row = connection.execute(select(self._table).where(self._table.c.id == id_)).one_or_none()
        return self._token(row) if row else None

    def attempt(self, id_: str) -> Token | None:
        """See `TokenStore.attempt`."""
        columns = self._table.c
        count = update(self._table).where(columns.id == id_).values(attempts=columns.attempts + 1)
        with self._database.write("count an attempt in") as connection:
            row = connection.execute(count.returning(*columns)).one_or_none()
        return self._token(row) if row else None

    def use(self, token: Token, *, at: "datetime", by: "UsedBy", after_other: bool = False) -> bool:
        """See `TokenStore.use`."""
        with self._database.write("use a verification token in") as connection:
            columns, unused = self._table.c, self._unused(again=after_other and by == "asking")
            here = (columns.id == token.id, columns.serial == token.serial, unused)
            used = connection.execute(update(self._table).where(*here).values(used_at=in_utc(at), used_by=by)).rowcount
            if used:
                self._audit.add(connection, TokenEvent.of(token, "used", at, by))
        return bool(used)

    def _unused(self, *, again: bool) -> "ColumnElement[bool]":
        """`Token.can_be_used` as a condition."""
        unused = self._table.c.used_at.is_(None)
        return or_(unused, self._table.c.used_by == "other") if again else unused

    def take(self, key: str, limit: "Limit", at: "datetime") -> "datetime | None":
        """See `TokenStore.take`. The row is inserted first: what is not there cannot be locked."""
        columns, ends = self._limits.c, in_utc(at) + limit.period
        with self._database.write("count a request in") as connection:
            begin = insert_into(self._limits, connection).values(key=key, taken="", expires_at=ends)
            # An update that changes nothing locks the row that is there.
            lock = begin.on_conflict_do_update(index_elements=["key"], set_={"key": begin.excluded.key})
            taken = connection.execute(lock.returning(columns.taken)).scalar_one()
            kept, refused = limit.counted(taken, at)
            if refused is None:
                values = {"taken": kept, "expires_at": ends}
                connection.execute(update(self._limits).where(columns.key == key).values(values))
        return refused

    def record(self, event: TokenEvent) -> None:
        """See `TokenStore.record`."""
        with self._database.write("write the audit of tokens to") as connection:
            self._audit.add(connection, event)

    def events(self, *, since: "datetime", address: str = "", limit: int = 1000) -> "Iterator[TokenEvent]":
        """See `TokenStore.events`."""
        return self._audit.events(since, address_key(address), limit)

    def purge(self, now: "datetime") -> dict[str, int]:
        """See `TokenStore.purge`."""
        from mailer.stores.sql.maintenance import delete_batches, expired_tokens

        return {
            name.removeprefix("token_"): delete_batches(self._database, table, condition)
            for name, (table, condition) in expired_tokens(self._database, now).items()
        }

    def token(self, row: "Row[tuple[object, ...]]") -> Token:
        """The token of a row of its table."""
        return self._token(row)

    def event(self, row: "Row[tuple[object, ...]]") -> TokenEvent:
        """The event of a row of the audit."""
        return self._audit.event(row)

    def erase(self, connection: "Connection", address: str) -> int:
        """Delete the tokens and the audit of an address; return how many rows there were."""
        condition = self._table.c.lookup.in_(self._keyring.lookups(address))
        return connection.execute(delete(self._table).where(condition)).rowcount + self._audit.erase(
            connection, address
        )

    def rewrite(self, connection: "Connection", row: "Row[tuple[object, ...]]") -> None:
        """Write a token again, with the current key of the store."""
        here = self._table.c.id == row.id
        connection.execute(update(self._table).where(here).values(self._values(self._token(row))))

    def rewrite_event(self, connection: "Connection", row: "Row[tuple[object, ...]]") -> None:
        """Write a line of the audit again, with the current key of the store."""
        self._audit.rewrite(connection, row)

    def _values(self, token: Token) -> dict[str, object]:
        sealed = {name: getattr(token, name) for name in _SEALED}
        return {
            "id": token.id,
            "serial": token.serial,
            "kind": token.kind,
            "purpose": token.purpose,
            "key_id": self._keyring.current,
            "lookup": self._keyring.lookups(token.address)[0],
            "digest": token.digest,
            "digest_key": token.key_id,
            "browser": token.browser,
            "issued_at": token.issued_at,
            "expires_at": token.expires_at,
            "attempts": token.attempts,
            "used_at": token.used_at,
            "used_by": token.used_by,
            **{name: self._keyring.seal(storable(text), f"tokens {token.id} {name}") for name, text in sealed.items()},
        }

    def _token(self, row: "Row[tuple[object, ...]]") -> Token:
        opened = {
            name: self._keyring.open(getattr(row, name), row.key_id, f"tokens {row.id} {name}") for name in _SEALED
        }
        return Token(
            id=row.id,
            serial=row.serial,
            kind=row.kind,
            purpose=row.purpose,
            **opened,
            digest=row.digest,
            key_id=row.digest_key,
            browser=row.browser,
            issued_at=row.issued_at,
            expires_at=row.expires_at,
            attempts=row.attempts,
            used_at=row.used_at,
            used_by=row.used_by,
        )


class TokenAudit:
    """The table of what happened to tokens."""

    def __init__(self, database: "Database") -> None:
        self._database, self._table, self._keyring = database, database.tables.token_events, database.keyring

    def add(self, connection: "Connection", event: TokenEvent) -> None:
        """Record an event in the transaction that makes it."""
        connection.execute(insert(self._table).values(self._values(event)))

    def events(self, since: "datetime", key: str, limit: int) -> "Iterator[TokenEvent]":
        """The events since then, newest first."""
        columns, given = self._table.c, 0
        conditions = [columns.at >= in_utc(since)]
        if key:
            conditions.append(columns.lookup.in_(self._keyring.lookups(key)))
        query = select(self._table).where(*conditions).order_by(columns.at.desc(), columns.id.desc())
        page = query
        while given < limit:  # ends: each page begins where the last one ended
            with self._database.read("read the audit of tokens from") as connection:
                rows = connection.execute(page.limit(min(_PAGE, limit - given))).all()
            if not rows:
                return
            yield from map(self.event, rows)
            page = query.where(tuple_(columns.at, columns.id) < (rows[-1].at, rows[-1].id))
            given += len(rows)

    def erase(self, connection: "Connection", address: str) -> int:
        """Delete the events of an address; return how many there were."""
        condition = self._table.c.lookup.in_(self._keyring.lookups(address))
        return connection.execute(delete(self._table).where(condition)).rowcount

    def rewrite(self, connection: "Connection", row: "Row[tuple[object, ...]]") -> None:
        """Write an event again, with the current key."""
        connection.execute(update(self._table).where(self._table.c.id == row.id).values(self._values(self.event(row))))

    def _values(self, event: TokenEvent) -> dict[str, object]:
        return {
            "at": event.at,
            "action": event.action,
            "kind": event.kind,
            "purpose": event.purpose,
            "key_id": self._keyring.current,
            "lookup": self._keyring.lookups(event.address)[0],
            "serial": event.serial,
            "detail": storable(event.detail),
            **{
                name: self._keyring.seal(storable(getattr(event, name)), f"token_events {event.serial} {name}")
                for name in _SEALED
            },
        }

    def event(self, row: "Row[tuple[object, ...]]") -> TokenEvent:
        """The event of a row."""
        opened = {
            name: self._keyring.open(getattr(row, name), row.key_id, f"token_events {row.serial} {name}")
            for name in _SEALED
        }
        return TokenEvent(
            at=row.at,
            action=row.action,
            kind=row.kind,
            purpose=row.purpose,
            serial=row.serial,
            detail=row.detail,
            **opened,
        )
