"""Policy documents put together by `getPolicyDocument`.

After internal/service/iam/policy_{document_data_source,model}.go. Calls no service. The same
arguments give the same text, so that resources that contain it do not change.
"""

import json
import zlib
from typing import Any, cast

from mailstack_localcloud.pulumi.provider.cloud import Cloud, ProviderError
from mailstack_localcloud.pulumi.wire import Props

ARGUMENTS = frozenset({"overridePolicyDocuments", "policyId", "sourcePolicyDocuments", "statements", "version"})
_VERSIONS = ("2008-10-17", "2012-10-17")
_SETS = {
    "actions": "Action",
    "notActions": "NotAction",
    "resources": "Resource",
    "notResources": "NotResource",
}
_PRINCIPALS = {"principals": "Principal", "notPrincipals": "NotPrincipal"}


def compose(_: Cloud, args: Props) -> Props:
    """The data source: its statements, upon those of source documents, under those of overriding ones.

    Raises:
        ProviderError: Two statements have the same id, or a document is none.
    """
    version = args.get("version") or _VERSIONS[-1]
    if version not in _VERSIONS:
        raise ProviderError(f"getPolicyDocument: version must be one of {', '.join(_VERSIONS)}, not {version}.")
    statements: list[Props] = args.get("statements") or []
    own: Props = {"Version": version, "Statement": [_statement(one, version) for one in statements]}
    if args.get("policyId"):
        own["Id"] = args["policyId"]
    sources, overrides = (_read(args.get(name)) for name in ("sourcePolicyDocuments", "overridePolicyDocuments"))
    _refuse_twins([own])
    _refuse_twins(sources)
    merged: Props = {}
    for document in (*sources, own, *overrides):
        merged = _merged(merged, document)
    ordered = {name: merged[name] for name in ("Version", "Id", "Statement") if merged.get(name)}
    text = json.dumps(ordered, indent=2, ensure_ascii=False)
    minified = json.dumps(ordered, separators=(",", ":"), ensure_ascii=False)
    known = {**args, "version": version, "json": text, "minifiedJson": minified}
    return {**known, "id": str(zlib.crc32(text.encode()))}


def _statement(given: Props, version: str) -> Props:
    """One statement as IAM writes it: a list of one is its member, a set has an order of its own."""
    made: Props = {"Sid": given.get("sid"), "Effect": given.get("effect") or "Allow"}
    for name, api in _SETS.items():
        values: list[str] = given.get(name) or []
        made[api] = _listed([_with_variables(value, version) for value in values])
    for name, api in _PRINCIPALS.items():
        made[api] = _principals(given.get(name) or [], version)
    made["Condition"] = _conditions(given.get("conditions") or [], version)
    return {name: value for name, value in made.items() if value}


def _listed(values: list[str]) -> Any:
    unique = sorted({*values}, reverse=True)
    return unique[0] if len(unique) == 1 else unique


def _with_variables(value: str, version: str) -> str:
    """A variable of IAM is written `&{...}`, as `${...}` is Terraform's own."""
    if "&{" in value and version == _VERSIONS[0]:
        raise ProviderError(f"getPolicyDocument: {value} has a variable, which version {version} does not support.")
    return value.replace("&{", "${")


def _principals(given: list[Props], version: str) -> Any:
    found: dict[str, list[str]] = {}
    for one in given:
        found.setdefault(one["type"], []).extend(_with_variables(each, version) for each in one["identifiers"])
    if found == {"*": ["*"]}:
        return "*"
    return {kind: _listed(found[kind]) for kind in sorted(found)}


def _conditions(given: list[Props], version: str) -> Props:
    found: dict[str, dict[str, list[str]]] = {}
    for one in given:
        values = found.setdefault(one["test"], {}).setdefault(one["variable"], [])
        values.extend(_with_variables(each, version) for each in one["values"])
    return {
        test: {name: values[0] if len(values) == 1 else values for name, values in sorted(of.items())}
        for test, of in sorted(found.items())
    }


def _read(documents: list[str] | None) -> list[Props]:
    try:
        return [cast("Props", json.loads(document)) for document in documents or [] if document]
    except ValueError as error:
        raise ProviderError(f"getPolicyDocument: a document is not JSON: {error}.") from error


def _statements(document: Props) -> list[Props]:
    statements: Any = document.get("Statement") or []
    return cast("list[Props]", statements) if isinstance(statements, list) else [statements]


def _refuse_twins(documents: list[Props]) -> None:
    seen: set[str] = set()
    for sid in (one["Sid"] for document in documents for one in _statements(document) if one.get("Sid")):
        if sid in seen:
            raise ProviderError(f"getPolicyDocument: two statements have the Sid {sid}. Give one another, or none.")
        seen.add(sid)


def _merged(before: Props, after: Props) -> Props:
    """A document over another: a statement takes the place of the one with its Sid, or comes last."""
    statements = _statements(before)
    for one in _statements(after):
        same = [at for at, each in enumerate(statements) if one.get("Sid") and each.get("Sid") == one["Sid"]]
        statements = [*statements[: same[0]], one, *statements[same[0] + 1 :]] if same else [*statements, one]
    version = max(str(before.get("Version") or ""), str(after.get("Version") or ""))
    return {"Version": version, "Id": after.get("Id") or before.get("Id"), "Statement": statements}
