"""What the steps of a live check share: the stack, clients, the witness, and waiting with a bound."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

import boto3
from botocore.config import Config

from mailer.stack import StackOutputs
from mailstack_localcloud.pulumi.stack import Changes

if TYPE_CHECKING:
    from pathlib import Path

    from mailer.dnscheck.lookup import Lookup
    from tools.live.recording import Recorder
    from tools.live.stack import LiveStack
    from tools.live.witness import Witness

_Found = TypeVar("_Found")
# Seconds that AWS may take for what usually takes seconds: an event, a page, a pause.
PATIENCE = 900.0
# Seconds for SES to find DNS records: up to 72 hours by its documentation, minutes in a zone of Route 53.
DNS_PATIENCE = 3600.0
_PAUSE = 2.0
SIMULATOR = "simulator.amazonses.com"


class NotSeen(Exception):  # noqa: N818 - it says what was not seen
    """What a step waited for did not come; the message says what was seen instead."""


class Refused(Exception):  # noqa: N818 - nothing was started
    """The run cannot begin; the message says why, and what to do."""


@dataclass(frozen=True)
class Options:
    """What the caller asks for.

    Attributes:
        domain: Gets an identity of its own, which must not exist yet.
        zone: The zone in Route 53 that holds it; empty for the domain's own.
        region: Of AWS.
        stack: The stack's name, which is part of every resource's.
        folder: Holds the state until everything is deleted.
        plugin: The folder of a provider plugin; None for the official one.
        resolver: Answers DNS questions of `mailer doctor`; None for none.
        deploy_profile: The profile of ~/.aws/config that Pulumi deploys with; empty for the caller's own credentials.
    """

    domain: str
    zone: str
    region: str
    stack: str
    folder: "Path"
    pulumi: "Path"
    plugin: "Path | None" = None
    resolver: "Lookup | None" = None
    deploy_profile: str = ""

    @property
    def prefix(self) -> str:
        """What the names of all resources begin with."""
        return f"mailstack-{self.stack}"


@dataclass
class Site:
    """The stack that is being looked at, and what was seen on the way.

    Attributes:
        options: What the caller asked for.
        recorder: Hears AWS's answers.
        stack: Under the Pulumi CLI.
        created: What the first deployment created.
        outputs: Of the stack; only after it was deployed.
    """

    options: Options
    recorder: "Recorder"
    stack: "LiveStack"
    created: Changes = field(default_factory=Changes)
    found: StackOutputs | None = None
    hears: "Witness | None" = None
    at_end: list[Callable[[], object]] = field(default_factory=list[Callable[[], object]])
    _clients: dict[tuple[str, bool, int], Any] = field(default_factory=dict[tuple[str, bool, int], Any])

    def client(self, service: str, *, recorded: bool = True, attempts: int = 5) -> Any:
        """A boto3 client.

        Args:
            service: As boto3 names it.
            recorded: Whether its answers may be recorded: not those that name what else is in the account.
            attempts: How often a request is made at most.
        """
        key = (service, recorded, attempts)
        if key not in self._clients:
            session = boto3.Session(region_name=self.options.region)
            if recorded:
                self.recorder.listen(session)
            retries = {"mode": "standard", "total_max_attempts": attempts}
            config = Config(connect_timeout=10, read_timeout=60, retries=cast("Any", retries))
            self._clients[key] = session.client(cast("Any", service), config=config)
        return self._clients[key]

    @property
    def outputs(self) -> StackOutputs:
        """The outputs of the deployed stack."""
        if self.found is None:
            raise NotSeen("the stack is not deployed")
        return self.found

    @property
    def witness(self) -> "Witness":
        """The queue that hears events and pages."""
        from tools.live.witness import Witness

        if self.hears is None:
            self.hears = Witness(self.client, self.outputs, f"{self.options.prefix}-witness")
        return self.hears

    def wait(self, look: "Callable[[], _Found | None]", instead: str, seconds: float = PATIENCE) -> _Found:
        """Look until there is something to see, and return it.

        Args:
            look: Returns something true, once it is there.
            instead: What an error says where it never comes.
            seconds: How long at most.

        Raises:
            NotSeen: It did not come in time.
        """
        deadline = time.monotonic() + seconds
        while not (found := look()):
            if time.monotonic() > deadline:
                raise NotSeen(f"{instead} (waited {seconds:.0f} s)")
            time.sleep(_PAUSE)
        return found
