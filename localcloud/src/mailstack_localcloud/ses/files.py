"""Files that SES reads from its customers' buckets and leaves in its own, in the local S3. Not what is in them."""

import json
from urllib.parse import quote

from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

from mailstack_localcloud.backend.calls import InProcess
from mailstack_localcloud.backend.credentials import SECRET_KEY
from mailstack_localcloud.backend.ministack import Backend
from mailstack_localcloud.backend.policies import allows

# SES has an account of its own, in which no customer sees a bucket.
_OWN_ACCOUNT = "999999999999"
_OWN_BUCKET = "ses-jobs"
# How long what SES leaves there can be fetched.
_SECONDS = 7 * 24 * 3600


class FileError(Exception):
    """A file cannot be read; the message says why."""


class Files:
    """The buckets, as SES sees them.

    Args:
        backend: Where the local cloud is.
        aws: A way in as the customer.
    """

    def __init__(self, backend: Backend, aws: InProcess) -> None:
        self._endpoint = backend.endpoint
        self._customer = aws
        self._own = InProcess(backend.app, region=aws.region, access_key=_OWN_ACCOUNT)

    async def read(self, url: str, account_id: str) -> bytes:
        """The content of `s3://bucket/key`, if the bucket's policy lets SES read it.

        https://docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list.html

        Raises:
            FileError: The object does not exist, or SES may not read it.
        """
        bucket, _, key = url.removeprefix("s3://").partition("/")
        context = {"aws:referer": account_id, "aws:sourceaccount": account_id}
        policy = await self._policy(bucket)
        if not allows(policy, action="s3:GetObject", resource=f"arn:aws:s3:::{bucket}/{key}", context=context):
            raise FileError(f"The policy of bucket {bucket} does not let ses.amazonaws.com read {key}.")
        try:
            found = await self._customer.call("s3", "GetObject", Bucket=bucket, Key=key)
        except ClientError as error:
            raise FileError(f"{url} cannot be read: {_message(error)}") from error
        return bytes(found["Body"].read())

    async def leave(self, name: str, content: bytes) -> str:
        """Keep a file in SES's own bucket; the pre-signed URL that it can be fetched from."""
        await self._own.call("s3", "CreateBucket", Bucket=_OWN_BUCKET)
        await self._own.call("s3", "PutObject", Bucket=_OWN_BUCKET, Key=name, Body=content)
        request = AWSRequest("GET", f"{self._endpoint}/{_OWN_BUCKET}/{quote(name)}")
        # Here, since they take a fortieth of the start, and few ask for a job.
        from botocore.auth import S3SigV4QueryAuth
        from botocore.credentials import Credentials

        signer = S3SigV4QueryAuth(Credentials(_OWN_ACCOUNT, SECRET_KEY), "s3", self._own.region, _SECONDS)
        signer.add_auth(request)
        return str(request.url)

    async def _policy(self, bucket: str) -> str:
        try:
            return str((await self._customer.call("s3", "GetBucketPolicy", Bucket=bucket))["Policy"])
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "NoSuchBucketPolicy":
                return json.dumps({})
            raise FileError(f"Bucket {bucket} cannot be read: {_message(error)}") from error


def _message(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Message", str(error))
