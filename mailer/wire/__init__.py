"""Internal: requests to AWS over connections of our own. SES, DynamoDB and Systems Manager, in JSON.

botocore finds the endpoint, the credentials, the proxy and the certificates. Its work for each call is left out: a
request object, forty event handlers, urllib3, a parser driven by the service model. A call here is one signature, one
write and one read. Not for deciding what an answer means: transports and stores do.
"""
