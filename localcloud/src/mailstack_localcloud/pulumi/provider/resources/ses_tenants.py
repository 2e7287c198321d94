"""Amazon SES's tenants and what they send with. After internal/service/sesv2/tenant{,_resource_association}.go."""

from mailstack_localcloud.pulumi.provider.cloud import Cloud
from mailstack_localcloud.pulumi.provider.resource import Arg, Resource, Tagging
from mailstack_localcloud.pulumi.provider.resources._names import mapping, pairs
from mailstack_localcloud.pulumi.wire import Props

# --- Tenant --------------------------------------------------------------------------------------------------------


def _create_tenant(cloud: Cloud, wanted: Props) -> str:
    cloud.ses.create_tenant(TenantName=wanted["tenantName"], Tags=pairs(wanted["tags"]))
    return str(wanted["tenantName"])


def _read_tenant(cloud: Cloud, name: str, _: Props) -> Props:
    found = cloud.ses.get_tenant(TenantName=name).get("Tenant", {})
    return {
        "tenantName": name,
        "tenantArn": found.get("TenantArn", ""),
        "tenantId": found.get("TenantId", ""),
        "sendingStatus": found.get("SendingStatus", ""),
    }


# --- Association with an identity, a configuration set or a template -----------------------------------------------


def _associate(cloud: Cloud, wanted: Props) -> str:
    cloud.ses.create_tenant_resource_association(TenantName=wanted["tenantName"], ResourceArn=wanted["resourceArn"])
    return f"{wanted['tenantName']}|{wanted['resourceArn']}"


def _read_association(cloud: Cloud, identifier: str, _: Props) -> Props | None:
    tenant, resource = identifier.split("|", 1)
    pages = cloud.ses.get_paginator("list_tenant_resources").paginate(TenantName=tenant)
    associated = (one.get("ResourceArn") for page in pages for one in page.get("TenantResources", []))
    return {"tenantName": tenant, "resourceArn": resource} if resource in associated else None


def _dissociate(cloud: Cloud, identifier: str, _: Props) -> None:
    tenant, resource = identifier.split("|", 1)
    cloud.ses.delete_tenant_resource_association(TenantName=tenant, ResourceArn=resource)


RESOURCES = (
    Resource(
        kind="aws:sesv2/tenant:Tenant",
        args={"tenantName": Arg(replaces=True)},
        create=_create_tenant,
        read=_read_tenant,
        delete=lambda cloud, name, _: cloud.ses.delete_tenant(TenantName=name),
        computed=("tenantArn", "tenantId", "sendingStatus"),
        identity=("tenantName",),
        tags=Tagging(
            read=lambda cloud, state: mapping(cloud.ses.list_tags_for_resource(ResourceArn=state["tenantArn"])["Tags"]),
            add=lambda cloud, state, tags: cloud.ses.tag_resource(ResourceArn=state["tenantArn"], Tags=pairs(tags)),
            remove=lambda cloud, state, keys: cloud.ses.untag_resource(ResourceArn=state["tenantArn"], TagKeys=keys),
        ),
    ),
    Resource(
        kind="aws:sesv2/tenantResourceAssociation:TenantResourceAssociation",
        args={"tenantName": Arg(replaces=True), "resourceArn": Arg(replaces=True)},
        create=_associate,
        read=_read_association,
        delete=_dissociate,
        identity=("tenantName", "resourceArn"),
    ),
)
