"""The structures of the HTTP Server API 2.0, with the names and the order of http.h. The widths are fixed instead of those
of this machine's C, so they are the same wherever Python runs.

https://learn.microsoft.com/windows/win32/api/http/ ; tests compare sizes and places with mingw-w64's http.h."""

from ctypes import Structure, Union, c_uint16, c_uint32, c_uint64, c_void_p

INITIALIZE_SERVER = 1  # HTTP_INITIALIZE_SERVER
BINDING_PROPERTY = 7  # HttpServerBindingProperty
MORE_ENTITY_BODY_EXISTS = 1  # HTTP_REQUEST_FLAG_MORE_ENTITY_BODY_EXISTS
SEND_DISCONNECT = 1  # HTTP_SEND_RESPONSE_FLAG_DISCONNECT

# winerror.h
NO_ERROR = 0
ACCESS_DENIED = 5
INVALID_HANDLE = 6
SHARING_VIOLATION = 32
HANDLE_EOF = 38
NETNAME_DELETED = 64
ALREADY_EXISTS = 183
MORE_DATA = 234
OPERATION_ABORTED = 995
CONNECTION_INVALID = 1229
CONNECTION_ABORTED = 1236

# HTTP_VERB, from HttpVerbOPTIONS (3) on; the smaller numbers mean another verb.
FIRST_VERB = 3
VERBS = (
    "OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "CONNECT", "TRACK", "MOVE", "COPY", "PROPFIND", "PROPPATCH",
    "MKCOL", "LOCK", "UNLOCK", "SEARCH",
)  # fmt: skip

# HTTP_HEADER_ID: the first twenty are the same in both directions.
_BOTH = (
    "Cache-Control", "Connection", "Date", "Keep-Alive", "Pragma", "Trailer", "Transfer-Encoding", "Upgrade", "Via", "Warning",
    "Allow", "Content-Length", "Content-Type", "Content-Encoding", "Content-Language", "Content-Location", "Content-MD5",
    "Content-Range", "Expires", "Last-Modified",
)  # fmt: skip
REQUEST_HEADERS = (
    *_BOTH, "Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Authorization", "Cookie", "Expect", "From",
    "Host", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Max-Forwards",
    "Proxy-Authorization", "Referer", "Range", "TE", "Translate", "User-Agent",
)  # fmt: skip
RESPONSE_HEADERS = (
    *_BOTH, "Accept-Ranges", "Age", "ETag", "Location", "Proxy-Authenticate", "Retry-After", "Server", "Set-Cookie", "Vary",
    "WWW-Authenticate",
)  # fmt: skip


class HTTPAPI_VERSION(Structure):
    _fields_ = [("HttpApiMajorVersion", c_uint16), ("HttpApiMinorVersion", c_uint16)]


class HTTP_VERSION(Structure):
    _fields_ = [("MajorVersion", c_uint16), ("MinorVersion", c_uint16)]


class HTTP_KNOWN_HEADER(Structure):
    _fields_ = [("RawValueLength", c_uint16), ("pRawValue", c_void_p)]


class HTTP_UNKNOWN_HEADER(Structure):
    _fields_ = [("NameLength", c_uint16), ("RawValueLength", c_uint16), ("pName", c_void_p), ("pRawValue", c_void_p)]


class FROM_MEMORY(Structure):
    _fields_ = [("pBuffer", c_void_p), ("BufferLength", c_uint32)]


class FROM_FILE_HANDLE(Structure):
    """Not used, but it determines the size of the union."""

    _fields_ = [("StartingOffset", c_uint64), ("Length", c_uint64), ("FileHandle", c_void_p)]


class CHUNK_UNION(Union):
    _fields_ = [("FromMemory", FROM_MEMORY), ("FromFileHandle", FROM_FILE_HANDLE)]


class HTTP_DATA_CHUNK(Structure):
    """DataChunkType 0: FromMemory."""

    _fields_ = [("DataChunkType", c_uint32), ("From", CHUNK_UNION)]


class HTTP_REQUEST_HEADERS(Structure):
    _fields_ = [
        ("UnknownHeaderCount", c_uint16),
        ("pUnknownHeaders", c_void_p),
        ("TrailerCount", c_uint16),
        ("pTrailers", c_void_p),
        ("KnownHeaders", HTTP_KNOWN_HEADER * len(REQUEST_HEADERS)),
    ]


class HTTP_RESPONSE_HEADERS(Structure):
    _fields_ = [
        ("UnknownHeaderCount", c_uint16),
        ("pUnknownHeaders", c_void_p),
        ("TrailerCount", c_uint16),
        ("pTrailers", c_void_p),
        ("KnownHeaders", HTTP_KNOWN_HEADER * len(RESPONSE_HEADERS)),
    ]


class HTTP_COOKED_URL(Structure):
    _fields_ = [
        ("FullUrlLength", c_uint16),
        ("HostLength", c_uint16),
        ("AbsPathLength", c_uint16),
        ("QueryStringLength", c_uint16),
        ("pFullUrl", c_void_p),
        ("pHost", c_void_p),
        ("pAbsPath", c_void_p),
        ("pQueryString", c_void_p),
    ]


class HTTP_TRANSPORT_ADDRESS(Structure):
    _fields_ = [("pRemoteAddress", c_void_p), ("pLocalAddress", c_void_p)]


class HTTP_REQUEST_V1(Structure):
    _fields_ = [
        ("Flags", c_uint32),
        ("ConnectionId", c_uint64),
        ("RequestId", c_uint64),
        ("UrlContext", c_uint64),
        ("Version", HTTP_VERSION),
        ("Verb", c_uint32),
        ("UnknownVerbLength", c_uint16),
        ("RawUrlLength", c_uint16),
        ("pUnknownVerb", c_void_p),
        ("pRawUrl", c_void_p),
        ("CookedUrl", HTTP_COOKED_URL),
        ("Address", HTTP_TRANSPORT_ADDRESS),
        ("Headers", HTTP_REQUEST_HEADERS),
        ("BytesReceived", c_uint64),
        ("EntityChunkCount", c_uint16),
        ("pEntityChunks", c_void_p),
        ("RawConnectionId", c_uint64),
        ("pSslInfo", c_void_p),
    ]


class HTTP_REQUEST(Structure):
    """HTTP_REQUEST_V2: the whole first version, with the padding at its end, and two more fields."""

    _anonymous_ = ("V1",)
    _fields_ = [("V1", HTTP_REQUEST_V1), ("RequestInfoCount", c_uint16), ("pRequestInfo", c_void_p)]


class HTTP_RESPONSE_V1(Structure):
    _fields_ = [
        ("Flags", c_uint32),
        ("Version", HTTP_VERSION),
        ("StatusCode", c_uint16),
        ("ReasonLength", c_uint16),
        ("pReason", c_void_p),
        ("Headers", HTTP_RESPONSE_HEADERS),
        ("EntityChunkCount", c_uint16),
        ("pEntityChunks", c_void_p),
    ]


class HTTP_RESPONSE(Structure):
    """HTTP_RESPONSE_V2, in the same way."""

    _anonymous_ = ("V1",)
    _fields_ = [("V1", HTTP_RESPONSE_V1), ("ResponseInfoCount", c_uint16), ("pResponseInfo", c_void_p)]


class HTTP_BINDING_INFO(Structure):
    """Flags: bit 0 means that the handle is set."""

    _fields_ = [("Flags", c_uint32), ("RequestQueueHandle", c_void_p)]
