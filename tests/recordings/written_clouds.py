"""What Amazon, Cloudflare, Fastly, Akamai and Azure answer: a second collection, labelled in advance."""

from tests.recordings.written import HTML, JSON, TEXT, Page

PAGES = (
    Page("CloudFront, its origin is silent", "CloudFront guide", "504 Gateway Timeout", HTML,
         "<H1>504 ERROR</H1><H2>The request could not be satisfied.</H2><HR noshade "
         'size="1px">CloudFront attempted to establish a connection with the origin, but either the '
         "attempt failed or the origin closed the connection. There might be too much traffic.<BR "
         'clear="all">', "stuck network", ("Server: CloudFront", "X-Cache: Error from cloudfront")),
    Page("CloudFront, Lambda@Edge is throttled", "CloudFront guide", "503 Service Unavailable", HTML,
         '<H1>503 ERROR</H1><H2>The request could not be satisfied.</H2><HR noshade size="1px">The '
         'Lambda function associated with the CloudFront distribution was throttled.<BR clear="all">',
         "overload", ("Server: CloudFront", "X-Cache: LambdaLimitExceeded from cloudfront")),
    Page("CloudFront, Lambda@Edge fails", "CloudFront guide", "503 Service Unavailable", HTML,
         '<H1>503 ERROR</H1><H2>The request could not be satisfied.</H2><HR noshade size="1px">The '
         "Lambda function associated with the CloudFront distribution returned an error.<BR "
         'clear="all">', "error crash",
         ("Server: CloudFront", "X-Cache: LambdaExecutionError from cloudfront")),
    Page("CloudFront, its firewall refuses", "AWS WAF guide", "403 Forbidden", HTML,
         "<H1>403 ERROR</H1><H2>The request could not be satisfied.</H2><HR noshade "
         "size=\"1px\">Request blocked. We can't connect to the server for this app or website at "
         'this time.<BR clear="all">', "blocked", ("Server: CloudFront", "X-Cache: Error from cloudfront")),
    Page("S3, slow down", "S3 API reference", "503 Slow Down", "application/xml",
         '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SlowDown</Code><Message>Please '
         "reduce your request rate.</Message><RequestId>0A1B</RequestId></Error>", "overload",
         ("Server: AmazonS3",)),
    Page("S3, no such bucket", "S3 API reference", "404 Not Found", "application/xml",
         '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchBucket</Code><Message>The '
         "specified bucket does not exist</Message></Error>", "moved misconfigured", ("Server: AmazonS3",)),
    Page("S3, access denied", "S3 API reference", "403 Forbidden", "application/xml",
         '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access '
         "Denied</Message></Error>", "unauthorized blocked", ("Server: AmazonS3",)),
    Page("Lambda URL, its function fails", "Lambda guide", "502 Bad Gateway", JSON,
         "Internal Server Error", "error crash", ("x-amzn-ErrorType: InternalServerErrorException",)),
    Page("Lambda URL, throttled", "Lambda guide", "429 Too Many Requests", JSON,
         '{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}',
         "overload", ("x-amzn-ErrorType: TooManyRequestsException",)),
    Page("DynamoDB, throttled", "DynamoDB guide", "400 Bad Request", "application/x-amz-json-1.0",
         '{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededExcepti'
         'on","message":"The level of configured provisioned throughput for the table was exceeded."}',
         "overload", ("x-amzn-ErrorType: ProvisionedThroughputExceededException",)),
    Page("ELB classic, at capacity", "ELB guide",
         "503 Service Unavailable: Back-end server is at capacity", TEXT, "", "unhealthy overload"),
    Page("Cloudflare 525", "Cloudflare docs", "525 ", HTML,
         "<title>shop.example | 525: SSL handshake failed</title>", "certificate",
         ("Server: cloudflare", "CF-RAY: 9a1b2c3d4e5f6071-FRA")),
    Page("Cloudflare 1033", "Cloudflare docs", "530 ", HTML,
         "<title>Cloudflare Tunnel error | shop.example | Cloudflare</title><h1>Error "
         "1033</h1><p>Cloudflare is currently unable to resolve it.</p>", "not_started network unhealthy",
         ("Server: cloudflare", "CF-RAY: 9a1b2c3d4e5f6071-FRA")),
    Page("Cloudflare 1101", "Cloudflare docs", "500 Internal Server Error", HTML,
         "<title>Worker threw exception | shop.example | Cloudflare</title><h1>Error 1101</h1>",
         "error crash", ("Server: cloudflare", "CF-RAY: 9a1b2c3d4e5f6071-FRA")),
    Page("Cloudflare 1102", "Cloudflare docs", "503 Service Unavailable", HTML,
         "<title>Worker exceeded resource limits | shop.example | Cloudflare</title><h1>Error "
         "1102</h1>", "overload", ("Server: cloudflare", "CF-RAY: 9a1b2c3d4e5f6071-FRA")),
    Page("Cloudflare 1027", "Cloudflare docs", "429 Too Many Requests", TEXT, "error code: 1027",
         "overload", ("Server: cloudflare", "CF-RAY: 9a1b2c3d4e5f6071-FRA")),
    Page("Cloudflare's own 502", "Cloudflare docs", "502 Bad Gateway", HTML,
         '<title>shop.example | 502: Bad gateway</title><div id="cf-error-details">The web server '
         "reported a bad gateway error.</div>", "not_started crash",
         ("Server: cloudflare", "CF-RAY: 9a1b2c3d4e5f6071-FRA")),
    Page("Cloudflare's own 504", "Cloudflare docs", "504 Gateway Time-out", HTML,
         '<title>shop.example | 504: Gateway time-out</title><div id="cf-error-details">The web '
         "server reported a gateway time-out error.</div>", "stuck",
         ("Server: cloudflare", "CF-RAY: 9a1b2c3d4e5f6071-FRA")),
    Page("cloudflared, refused", "cloudflared source", "502 Bad Gateway", HTML,
         "<title>shop.example | 502: Bad gateway</title><p>Unable to reach the origin service. The "
         "service may be down or it may not be responding to traffic from cloudflared</p>", "not_started",
         ("Server: cloudflare", "CF-RAY: 9a1b2c3d4e5f6071-FRA")),
    Page("Cloudflare 1000", "Cloudflare docs", "403 Forbidden", HTML,
         "<title>DNS points to prohibited IP | shop.example | Cloudflare</title><h1>Error 1000</h1>",
         "dns misconfigured", ("Server: cloudflare", "CF-RAY: 9a1b2c3d4e5f6071-FRA")),
    Page("Cloudflare 1010", "Cloudflare docs", "403 Forbidden", HTML,
         "<title>Access denied | shop.example used Cloudflare to restrict access</title><h1>Error "
         "1010</h1><p>The owner of this website has banned your access based on your browser's "
         "signature.</p>", "blocked", ("Server: cloudflare", "CF-RAY: 9a1b2c3d4e5f6071-FRA")),
    Page("Fastly, unknown domain", "Fastly docs", "500 Domain Not Found", HTML,
         "<title>Fastly error: unknown domain shop.example</title><p>Fastly error: unknown domain: "
         "shop.example. Please check that this domain has been added to a service.</p>",
         "misconfigured moved", ("Via: 1.1 varnish", "X-Served-By: cache-fra-etou8220107-FRA")),
    Page("Fastly, connection timed out", "Fastly docs", "503 Connection timed out", HTML,
         "<h1>Error 503 Connection timed out</h1><p>Guru Mediation:</p><p>Details: "
         "cache-fra-etou8220107-FRA</p>", "network stuck",
         ("Via: 1.1 varnish", "X-Served-By: cache-fra-etou8220107-FRA")),
    Page("Fastly, too many threads", "Fastly docs", "503 Maximum threads for service reached", HTML,
         "<h1>Error 503 Maximum threads for service reached</h1>", "overload",
         ("Via: 1.1 varnish", "X-Served-By: cache-fra-etou8220107-FRA")),
    Page("Fastly, quorum", "Fastly docs", "503 Quorum weight not reached", HTML,
         "<h1>Error 503 Quorum weight not reached</h1>", "unhealthy",
         ("Via: 1.1 varnish", "X-Served-By: cache-fra-etou8220107-FRA")),
    Page("Fastly, another name in the certificate", "Fastly docs",
         "503 hostname doesn't match against certificate", HTML,
         "<h1>Error 503 hostname doesn't match against certificate</h1>", "certificate",
         ("Via: 1.1 varnish", "X-Served-By: cache-fra-etou8220107-FRA")),
    Page("Fastly, unable to get issuer", "Fastly docs", "503 unable to get local issuer certificate", HTML,
         "<h1>Error 503 unable to get local issuer certificate</h1>", "certificate",
         ("Via: 1.1 varnish", "X-Served-By: cache-fra-etou8220107-FRA")),
    Page("Akamai, only a reference", "Akamai community", "503 Service Unavailable", HTML,
         "<TITLE>Error</TITLE> An error occurred while processing your request.<p> Reference "
         "#97.5c7a1602.1730448000", "", ("Server: AkamaiGHost",)),
    Page("Akamai, connect failed", "Akamai community", "503 Service Unavailable", HTML,
         "<TITLE>Service Unavailable</TITLE> <H1>Service Unavailable - Fail to connect</H1> The "
         "server is temporarily unable to service your request. Reference #30.5c7a1602.1730448000",
         "not_started network", ("Server: AkamaiGHost",)),
    Page("Front Door, its origin is silent", "Azure docs", "504 Gateway Timeout", HTML,
         "<h2>Our services aren't available right now</h2><p>We're working to restore all services "
         "as soon as possible. Please check back soon.</p>", "stuck network",
         ("X-Azure-Ref: 20261101T080000Z-17c9f5d5b6x8k2hz",)),
    Page("Application Gateway, its backend is silent", "Azure docs", "504 Gateway Time-out", HTML,
         "<html><head><title>504 Gateway Time-out</title></head><body><center><h1>504 Gateway "
         "Time-out</h1></center><hr><center>Microsoft-Azure-Application-Gateway/v2</center"
         "></body></html>", "stuck", ("Server: Microsoft-Azure-Application-Gateway/v2",)),
    Page("Application Gateway, its firewall refuses", "Azure docs", "403 Forbidden", HTML,
         "<html><head><title>403 Forbidden</title></head><body><center><h1>403 "
         "Forbidden</h1></center><hr><center>Microsoft-Azure-Application-Gateway/v2</cente"
         "r></body></html>", "blocked unauthorized", ("Server: Microsoft-Azure-Application-Gateway/v2",)),
    Page("Front Door, its firewall refuses", "Azure docs", "403 Forbidden", HTML,
         "<html><body><h2>The request is "
         "blocked.</h2><p>20261101T080000Z-17c9f5d5b6x8k2hz</p></body></html>", "blocked",
         ("X-Azure-Ref: 20261101T080000Z-17c9f5d5b6x8k2hz",)),
    Page("API Management, rate limit", "Azure docs", "429 Too Many Requests", JSON,
         '{ "statusCode": 429, "message": "Rate limit is exceeded. Try again in 54 seconds." }',
         "overload", ("Retry-After: 54",)),
    Page("API Management, no key", "Azure docs", "401 Access Denied", JSON,
         '{ "statusCode": 401, "message": "Access denied due to missing subscription key. Make sure '
         'to include subscription key when making requests to an API." }', "unauthorized"),
    Page("App Service, its application crashed", "Azure docs", "503 Service Unavailable", HTML,
         "<title>Application Error</title><h1>:( Application Error</h1><p>If you are the "
         "application administrator, you can access the diagnostic resources.</p>", "not_started crash"),
    Page("Container Apps, stopped", "Azure docs", "404 Not Found", HTML,
         "<title>Azure Container App - Unavailable</title><h1>Error 404 - This Container App is "
         "stopped or does not exist.</h1>", "not_started moved"),
)  # fmt: skip
