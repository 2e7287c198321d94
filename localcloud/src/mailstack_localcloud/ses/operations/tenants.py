"""Tenants, the resources they use, and the reputation entities by which they are paused."""

import re
import uuid
from datetime import UTC, datetime

from mailstack_localcloud.ses.context import Context, Handler, Output, Parameters, page, tag_dict, tag_list
from mailstack_localcloud.ses.errors import SesError, already_exists, bad_request, not_found
from mailstack_localcloud.ses.state import State, Tenant

# https://docs.aws.amazon.com/ses/latest/dg/tenants.html
MAX_TENANTS = 10_000
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
# The kinds of resources by the first part of an ARN's resource.
_TYPES = {"identity": "EMAIL_IDENTITY", "configuration-set": "CONFIGURATION_SET", "template": "EMAIL_TEMPLATE"}


def create(context: Context, p: Parameters) -> Output:
    """CreateTenant."""
    name, state = str(p["TenantName"]), context.state
    if not _NAME.fullmatch(name):
        raise bad_request(f"Invalid tenant name <{name}>: 1 to 64 letters, digits, '_' and '-' are allowed.")
    if name in state.tenants:
        raise already_exists("Tenant", name)
    if len(state.tenants) >= MAX_TENANTS:
        raise SesError("LimitExceededException", "Maximum number of tenants exceeded.")
    tenant_id = f"tn-{uuid.uuid4().hex}"
    arn = state.arn("tenant", f"{name}/{tenant_id}")
    suppression = _suppression(p.get("SuppressionAttributes", {}))
    tags = tag_dict(p.get("Tags", []))
    tenant = Tenant(name, tenant_id, arn, datetime.now(UTC), suppression=suppression, tags=tags)
    state.tenants[name] = tenant
    return _view(tenant)


def get(context: Context, p: Parameters) -> Output:
    """GetTenant."""
    return {"Tenant": _view(context.tenant(str(p["TenantName"])))}


def delete(context: Context, p: Parameters) -> Output:
    """DeleteTenant, with its associations."""
    del context.state.tenants[context.tenant(str(p["TenantName"])).name]
    return {}


def list_(context: Context, p: Parameters) -> Output:
    """ListTenants, by part of a name and by status."""
    wanted = p.get("Filter", {})
    matching = [
        tenant
        for tenant in context.state.tenants.values()
        if wanted.get("TENANT_NAME_CONTAINS", "") in tenant.name
        and wanted.get("SENDING_STATUS", tenant.status) == tenant.status
    ]
    shown, token = page(matching, p)
    return {"Tenants": [{**_summary(t), "SendingStatus": t.status} for t in shown], "NextToken": token}


def put_suppression(context: Context, p: Parameters) -> Output:
    """PutTenantSuppressionAttributes: what is on the tenant's list stays there, used or not."""
    context.tenant(str(p["TenantName"])).suppression = _suppression(p)
    return {}


def associate(context: Context, p: Parameters) -> Output:
    """CreateTenantResourceAssociation."""
    tenant, arn = context.tenant(str(p["TenantName"])), str(p["ResourceArn"])
    _check_resource(context.state, arn)
    if arn in tenant.resources:
        raise already_exists("Tenant resource association", arn)
    tenant.resources[arn] = datetime.now(UTC)
    return {}


def dissociate(context: Context, p: Parameters) -> Output:
    """DeleteTenantResourceAssociation: none is as good as gone."""
    context.tenant(str(p["TenantName"])).resources.pop(str(p["ResourceArn"]), None)
    return {}


def list_resources(context: Context, p: Parameters) -> Output:
    """ListTenantResources, by type."""
    tenant, wanted = context.tenant(str(p["TenantName"])), p.get("Filter", {}).get("RESOURCE_TYPE")
    typed = [(arn, _TYPES[_kind(arn)]) for arn in tenant.resources]
    shown, token = page([(arn, kind) for arn, kind in typed if wanted in {None, kind}], p)
    resources = [{"ResourceType": kind, "ResourceArn": arn} for arn, kind in shown]
    return {"TenantResources": resources, "NextToken": token}


def list_tenants_of(context: Context, p: Parameters) -> Output:
    """ListResourceTenants."""
    arn = str(p["ResourceArn"])
    _check_resource(context.state, arn)
    shown, token = page([t for t in context.state.tenants.values() if arn in t.resources], p)
    tenants = [
        {
            "TenantName": tenant.name,
            "TenantId": tenant.tenant_id,
            "ResourceArn": arn,
            "AssociatedTimestamp": tenant.resources[arn],
        }
        for tenant in shown
    ]
    return {"ResourceTenants": tenants, "NextToken": token}


def get_entity(context: Context, p: Parameters) -> Output:
    """GetReputationEntity: a tenant by its ARN."""
    return {"ReputationEntity": _entity(_by_arn(context, p, "NotFoundException"))}


def list_entities(context: Context, p: Parameters) -> Output:
    """ListReputationEntities, by status, impact, of which there is none here, and by the beginning of an ARN."""
    wanted = p.get("Filter", {})
    matching = [
        tenant
        for tenant in context.state.tenants.values()
        if wanted.get("SENDING_STATUS", tenant.status) == tenant.status
        and "REPUTATION_IMPACT" not in wanted
        and tenant.arn.startswith(wanted.get("ENTITY_REFERENCE_PREFIX", ""))
    ]
    shown, token = page(matching, p)
    return {"ReputationEntities": [_entity(tenant) for tenant in shown], "NextToken": token}


def put_status(context: Context, p: Parameters) -> Output:
    """UpdateReputationEntityCustomerManagedStatus: pauses a tenant, or lets it send again."""
    tenant = _by_arn(context, p)
    tenant.status, tenant.status_since = str(p["SendingStatus"]), datetime.now(UTC)
    return {}


def put_policy(context: Context, p: Parameters) -> Output:
    """UpdateReputationEntityPolicy: stored and shown. The local cloud does not pause tenants by itself."""
    _by_arn(context, p).policy = str(p["ReputationEntityPolicy"])
    return {}


def _suppression(p: Parameters) -> Output:
    """https://docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list-tenant-level.html."""
    given = {name: p[name] for name in ("SuppressionScope", "SuppressedReasons") if name in p}
    if len(given) == 1:
        raise bad_request("SuppressionScope and SuppressedReasons must be given together.")
    return given


def _check_resource(state: State, arn: str) -> None:
    owners = {
        "identity": state.identities.keys(),
        "configuration-set": state.configuration_sets.keys(),
        "template": state.templates.keys(),
    }
    kind, name = _kind(arn), arn.partition("/")[2]
    if kind not in owners or arn != state.arn(kind, name):
        raise bad_request(f"{arn} is not the ARN of an identity, a configuration set or a template.")
    if name not in owners[kind]:
        raise not_found("Resource", arn)


def _kind(arn: str) -> str:
    return arn.rpartition(":")[2].partition("/")[0]


def _by_arn(context: Context, p: Parameters, refusal: str = "BadRequestException") -> Tenant:
    arn = str(p["ReputationEntityReference"])
    found = next((tenant for tenant in context.state.tenants.values() if tenant.arn == arn), None)
    if found is None:
        raise SesError(refusal, f"{arn} is not the ARN of a tenant.")
    return found


def _view(tenant: Tenant) -> Output:
    return {
        **_summary(tenant),
        "SendingStatus": tenant.status,
        "Tags": tag_list(tenant.tags),
        "SuppressionAttributes": tenant.suppression or None,
    }


def _summary(tenant: Tenant) -> Output:
    return {
        "TenantName": tenant.name,
        "TenantId": tenant.tenant_id,
        "TenantArn": tenant.arn,
        "CreatedTimestamp": tenant.created_at,
    }


def _entity(tenant: Tenant) -> Output:
    own = {"Status": tenant.status, "LastUpdatedTimestamp": tenant.status_since or tenant.created_at}
    return {
        "ReputationEntityReference": tenant.arn,
        "ReputationEntityType": "RESOURCE",
        "ReputationManagementPolicy": tenant.policy,
        "CustomerManagedStatus": own,
        "AwsSesManagedStatus": {"Status": "ENABLED", "LastUpdatedTimestamp": tenant.created_at},
        "SendingStatusAggregate": tenant.status,
    }


HANDLERS: dict[str, Handler] = {
    "CreateTenant": create,
    "GetTenant": get,
    "DeleteTenant": delete,
    "ListTenants": list_,
    "PutTenantSuppressionAttributes": put_suppression,
    "CreateTenantResourceAssociation": associate,
    "DeleteTenantResourceAssociation": dissociate,
    "ListTenantResources": list_resources,
    "ListResourceTenants": list_tenants_of,
    "GetReputationEntity": get_entity,
    "ListReputationEntities": list_entities,
    "UpdateReputationEntityCustomerManagedStatus": put_status,
    "UpdateReputationEntityPolicy": put_policy,
}
