"""The policy pack: `pulumi up --policy-pack infra/policy`. Its rules are in `mailstack_infra.policy_pack`."""

import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from mailstack_infra.policy_pack.rules import RULES, STACK_RULES, Resource, Rule, StackRule


def _of(args: Any) -> Resource:
    protect = bool(args.opts.protect) if args.opts else False
    return Resource(args.resource_type, args.name, args.props, protect=protect, urn=args.urn)


def _resource_policy(rule: Rule) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for problem in rule.check(_of(args)):
            report(problem, None)

    return ResourceValidationPolicy(rule.name, rule.description, validate, EnforcementLevel.MANDATORY)


def _stack_policy(rule: StackRule) -> StackValidationPolicy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        for urn, problem in rule.check([_of(resource) for resource in args.resources]):
            report(problem, urn)

    return StackValidationPolicy(rule.name, rule.description, validate, EnforcementLevel.MANDATORY)


PolicyPack("mailstack", [*map(_resource_policy, RULES), *map(_stack_policy, STACK_RULES)])
