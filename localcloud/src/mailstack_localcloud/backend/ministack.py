"""ministack in this process: start, state, end. README.md says why, and how to update it.

It is untyped, and is wrapped here once.
"""

import contextlib
import functools
import logging
import os
import sys
import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import DataNotFoundError

from mailstack_localcloud import virtual_time
from mailstack_localcloud.backend import embedded_metrics
from mailstack_localcloud.backend.access import Access
from mailstack_localcloud.backend.alarm_states import check_states
from mailstack_localcloud.backend.calls import service_model
from mailstack_localcloud.backend.cloudwatch import CloudWatch
from mailstack_localcloud.backend.confinement import Confinement
from mailstack_localcloud.backend.credentials import ACCOUNT_ID, environment
from mailstack_localcloud.backend.dashboards import limit_dashboards
from mailstack_localcloud.backend.functions import Lives, Roles, count_every_invocation, limit_environments
from mailstack_localcloud.backend.grants import Grants
from mailstack_localcloud.backend.iam import complete
from mailstack_localcloud.backend.keys import Keys
from mailstack_localcloud.backend.move_tasks import MoveTasks
from mailstack_localcloud.backend.other_accounts import OtherAccounts
from mailstack_localcloud.backend.point_in_time import PointInTime
from mailstack_localcloud.backend.policy_sizes import limit_policies
from mailstack_localcloud.backend.queues import Queues
from mailstack_localcloud.backend.resources import resources
from mailstack_localcloud.backend.signatures import Certificates, Signer
from mailstack_localcloud.backend.signed import AuthorizedApp, Authorizer
from mailstack_localcloud.backend.streams import Streams
from mailstack_localcloud.backend.subscriptions import Subscriptions
from mailstack_localcloud.backend.topics import Buses, Topics
from mailstack_localcloud.state_folder import StateFolder, unreadable

if TYPE_CHECKING:
    from botocore.model import ServiceModel

    from mailstack_localcloud.http import App


class Backend:
    """ministack in this process. One a process: it keeps its state in modules.

    Args:
        port: The port that this process serves.
        region: The region of whatever names none.
        scratch: A directory for everything that ministack and its Lambda workers write.
        folder: Where state is kept across restarts; None for nowhere.
    """

    def __init__(self, *, port: int, region: str, scratch: str, folder: StateFolder | None = None) -> None:
        self._confinement = Confinement(_environment(port, region, scratch, folder), scratch)
        self._confinement.begin()
        logging.getLogger("ministack").setLevel(os.environ.get("LOCALCLOUD_LOG_LEVEL", "CRITICAL"))
        from ministack import app
        from ministack.core import concurrency, lambda_runtime, responses
        from ministack.services import cloudwatch, dynamodb, eventbridge, firehose, iam, kms, lambda_svc, sns, sqs, sts

        self.region = region
        self.endpoint = f"http://127.0.0.1:{port}"
        self._application = cast("Any", app)
        self._workers = cast("Any", lambda_runtime)
        self._responses = cast("Any", responses)
        self.cloudwatch = CloudWatch(cloudwatch)
        self.access = Access(iam, region, self.scope)
        signer = Signer(self.endpoint)
        wake = cast("Callable[[], None]", cast("Any", concurrency).esm_wake.set)
        self.queues = Queues(sqs, wake, signer.sign)
        self._move_tasks = MoveTasks(sqs, wake)
        self._move_tasks.add()
        self._point_in_time = PointInTime(dynamodb)
        keys = Keys(kms)
        authorizer = Authorizer(self.access, keys, resources())
        self.grants = Grants(sns, sqs, lambda_svc, keys)
        self.topics = Topics(sns, self.queues, self.grants, signer)
        self.subscriptions = Subscriptions(sns, self.endpoint)
        self.buses = Buses(eventbridge, self.grants, self.access, authorizer)
        self.streams = Streams(firehose)
        self.app: App = Certificates(AuthorizedApp(cast("App", app.app), self.access, authorizer, self.scope), signer)
        limit_policies(iam)
        limit_dashboards(cloudwatch)
        check_states(cloudwatch)
        limit_environments(lambda_svc)
        self._lives = Lives()
        count_every_invocation(lambda_svc, self._lives)
        Roles(lambda_svc, lambda_runtime, sts, self.access, authorizer)
        OtherAccounts(sts, iam, region, self.scope)
        embedded_metrics.extract(lambda_svc, self.cloudwatch)
        complete(iam)
        _share_descriptions(cast("Any", responses))

    def load_objects(self) -> None:
        """Load the objects of S3 from their folder, as ministack does once, when it loads S3."""
        objects = sys.modules.get("ministack.services.s3")
        if objects is not None:
            cast("Any", objects)._load_persisted_data()  # noqa: SLF001

    def restore(self, folder: StateFolder) -> None:
        """Take over what `save` wrote.

        Raises:
            StateError: A service cannot read its own; nothing was changed in the folder.
        """
        self._lives.end()
        for service, module in self._application._state_map.items():  # noqa: SLF001
            file = folder.aws / f"{service}.json"
            if not file.exists():
                continue
            try:
                kept = self._application.load_state(service)
                self._application._get_module(module).load_persisted_state(kept)  # noqa: SLF001
            except Exception as error:
                raise unreadable(file, error) from error
            if kept is None:
                raise unreadable(file, "it was written by a newer ministack")
        # It would do the same when it starts, and go on without what it cannot read.
        self._application._load_persisted_state = lambda: None  # noqa: SLF001

    def save(self, folder: StateFolder) -> list[str]:
        """Write everything; the services whose state could not be written."""
        began = time.time() - 1
        services = self._application._build_persistence_save_dict()  # noqa: SLF001
        self._application.save_all(services)
        files = {service: folder.aws / f"{service}.json" for service in services}
        return [service for service, file in files.items() if not file.exists() or file.stat().st_mtime < began]

    def reset(self) -> None:
        """Forget everything, stop every Lambda worker."""
        self._lives.end()
        self.grants.denials.clear()
        virtual_time.reset()
        self._move_tasks.reset()
        self._point_in_time.reset()
        self._application._reset_all_state()  # noqa: SLF001 - its own HTTP route does the same

    def trim(self) -> None:
        """Drop the oldest entries of queues, metrics and streams beyond the limits."""
        for service in (self.queues, self.cloudwatch, self.streams):
            service.trim()

    def close(self) -> None:
        """Stop the Lambda workers, which are processes of their own, and ministack's threads."""
        self._confinement.end()
        self.streams.close()
        self._workers.reset()

    @contextlib.contextmanager
    def scope(self, account_id: str, region: str) -> Generator[None]:
        """Everything inside happens in that account and region."""
        before = self._responses.get_account_id(), self._responses.get_region()
        self._enter(account_id, region)
        try:
            yield
        finally:
            self._enter(*before)

    def _enter(self, account_id: str, region: str) -> None:
        self._responses.set_request_account_id(account_id)
        self._responses.set_request_region(region)


def _share_descriptions(responses: Any) -> None:
    """Share the loaded service models: ministack would create a botocore session and load them again."""

    @functools.cache
    def known(service: str) -> "ServiceModel | None":
        with contextlib.suppress(DataNotFoundError):
            return service_model(responses._BOTOCORE_NAME.get(service, service))  # noqa: SLF001
        return None

    responses._service_model = known  # noqa: SLF001


def _environment(port: int, region: str, scratch: str, folder: StateFolder | None) -> dict[str, str]:
    """All that ministack and its Lambda workers find in their environment."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **own,
        **environment(f"http://127.0.0.1:{port}", region),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "localhost",
        "MINISTACK_REGION": region,
        "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        "LAMBDA_EXECUTOR": "local",
        "LAMBDA_STRICT": "0",
        "AUTH": "false",
        "PERSIST_STATE": "1" if folder else "0",
        "STATE_DIR": str(folder.aws) if folder else f"{scratch}/state",
        "S3_PERSIST": "1" if folder else "0",
        "S3_DATA_DIR": str(folder.objects) if folder else f"{scratch}/s3",
        "SERVICES": "",
        # Nothing here needs Docker, SFTP or MQTT, and no other port must be opened.
        "DOCKER_HOST": f"unix://{scratch}/no-docker.sock",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "TMPDIR": scratch,
    }
