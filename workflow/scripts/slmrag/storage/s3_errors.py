"""One sentence for each error of S3."""

CREDENTIALS_HINT = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the AWS profile"

PUBLIC_HINT = "for a public bucket set `anonymous: true` in `storage` or in the object"

RIGHTS_HINTS = {
    False: "check the rights of these credentials, and set `requester_pays: true` if the bucket's "
    f"owner has its readers pay; {PUBLIC_HINT}",
    True: "it is read without credentials (`anonymous`), so it is not public: drop that key (where "
    "its files are public and their list is not, name each file)",
}
"""What to do about a refusal, by whether the request was unsigned."""

REASONS_BY_CODE = {
    "NoSuchBucket": "there is no bucket '{bucket}' at {endpoint}; check the bucket and `storage`",
    "NoSuchKey": "bucket '{bucket}' at {endpoint} has no key '{key}'; check the object's uri",
    "404": "bucket '{bucket}' at {endpoint} has no key '{key}'; check the object's uri",
    "AccessDenied": "access to bucket '{bucket}', key '{key}' at {endpoint} is denied; {rights}",
    "403": "access to bucket '{bucket}', key '{key}' at {endpoint} is denied; {rights}",
    "SignatureDoesNotMatch": "{endpoint} refuses the secret key; check {credentials}",
    "InvalidAccessKeyId": "{endpoint} does not know the access key; check {credentials}; "
    f"{PUBLIC_HINT}",
    "ExpiredToken": "the session token has expired at {endpoint}; renew the credentials",
    "InvalidToken": "{endpoint} refuses the session token; renew the credentials",
    "RequestTimeTooSkewed": "{endpoint} refuses requests signed at this time; set the clock",
    "PermanentRedirect": "bucket '{bucket}' lives in another region; set `region`",
    "301": "bucket '{bucket}' lives in another region; set `region`",
    "AuthorizationHeaderMalformed": "{endpoint} expects another region; set `region`",
    "PreconditionFailed": "bucket '{bucket}', key '{key}' changed while it was read; run again",
    "412": "bucket '{bucket}', key '{key}' changed while it was read; run again",
    "InvalidBucketName": "'{bucket}' is no bucket name; check the object's uri",
    "NoCredentialsError": "no credentials for {endpoint}; set {credentials}, or, for a public "
    "bucket, `anonymous: true` in `storage` or in the object",
    "PartialCredentialsError": "half of the credentials is missing; set {credentials}",
    "TokenRetrievalError": "the login has expired; log in again for this AWS profile",
    "SSLError": "no trusted TLS connection to {endpoint}; check the address, or set "
    "`storage.verify` to the path of its CA bundle",
    "EndpointConnectionError": "cannot reach {endpoint}; check `endpoint_url` and the network",
    "ProxyConnectionError": "the proxy that the environment names for {endpoint} cannot be "
    "reached; check https_proxy and no_proxy",
    "ConnectTimeoutError": "{endpoint} does not answer; check `endpoint_url` and the network",
    "ReadTimeoutError": "{endpoint} stopped sending",
    "ConnectionClosedError": "{endpoint} closed the connection",
    "IncompleteReadError": "{endpoint} sent fewer bytes than it announced",
    "ResponseStreamingError": "the connection to {endpoint} was cut",
    "ProtocolError": "the connection to {endpoint} was cut",
    "ProfileNotFound": "the AWS config has no such profile; correct `profile`",
}

RETRYABLE_CODES = {
    "EndpointConnectionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ConnectionClosedError",
    "IncompleteReadError",
    "ResponseStreamingError",
    "ProtocolError",
    "ProxyConnectionError",
    "ConnectionResetError",
    "SlowDown",
    "InternalError",
    "ServiceUnavailable",
    "RequestTimeout",
    "500",
    "502",
    "503",
    "504",
}


def error_code(error: Exception) -> str:
    """Return the server's error code, or the exception's name where the server said nothing."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return str(response.get("Error", {}).get("Code", type(error).__name__))
    return type(error).__name__


def is_retryable(error: Exception) -> bool:
    """Tell whether another try may succeed."""
    return error_code(error) in RETRYABLE_CODES


def is_missing(error: BaseException | None) -> bool:
    """Tell whether the server has no such key."""
    return isinstance(error, Exception) and error_code(error) in ("404", "NoSuchKey")


def explain(error: Exception, bucket: str, key: str, endpoint: str, anonymous: bool = False) -> str:
    """Return the sentence that names bucket, key and endpoint, and what to do."""
    reason = REASONS_BY_CODE.get(error_code(error))
    where = f"s3://{bucket}/{key}"
    if reason is None:
        text = " ".join(str(error).split()).rstrip(".")
        answers = f"{endpoint} answers: " if hasattr(error, "response") else ""
        return f"{where}: {answers}{text}; check `storage` in the config and the object's uri"
    names = {"bucket": bucket, "key": key, "endpoint": endpoint, "credentials": CREDENTIALS_HINT}
    names["rights"] = RIGHTS_HINTS[anonymous]
    return f"{where}: {reason.format(**names)}"
