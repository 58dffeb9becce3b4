"""What the measured libraries speak, for the sink: which requests carry spans, how to count them, what to answer.

OTLP over HTTP (all but one of them), the tracking API of an MLflow server, whose spans are OTLP too, and LangSmith's
own: runs as parts of a multipart body or as JSON, as its client documents them. LangSmith's runs are counted when they
begin, and by their ids, so that a run of which only the end arrives does not count.
"""

import gzip
import io
import json
import re
import zlib

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

JSON = "application/json"
TRACES = ("/traces", "/runs/multipart", "/runs/batch")
USER_KEYS = {
    "user.id",
    "langfuse.user.id",
    "user_id",
    "lmnr.association.properties.user_id",
}
# In the settings that its own server answers with, multipart and zstd are on.
LANGSMITH_INFO = {
    "version": "0.14",
    "batch_ingest_config": {
        "use_multipart_endpoint": True,
        "scale_up_qsize_trigger": 1000,
        "scale_up_nthreads_limit": 16,
        "scale_down_nempty_trigger": 4,
        "size_limit": 100,
        "size_limit_bytes": 20_971_520,
    },
    "instance_flags": {"zstd_compression_enabled": True},
}
MLFLOW_TRACES = "/mlflow/traces"
SPANS_LOCATION = "mlflow.trace.spansLocation"
EXPERIMENT = {"experiment_id": "1", "name": "bench", "lifecycle_stage": "active"}
_PART = re.compile(rb'name="(post|patch)\.([0-9a-f-]{36})(?:\.(\w+))?"')


def answer(path, body):
    """Content type and body of the reply to what is no question of ours."""
    if path == "/info":
        return JSON, json.dumps(LANGSMITH_INFO).encode()
    if path == "/version":
        return "text/plain", b"3.17.2"
    if path.startswith("/api/") and "experiments" in path:
        return JSON, json.dumps({"experiment": EXPERIMENT, **EXPERIMENT}).encode()
    if path.endswith(MLFLOW_TRACES):
        trace = json.loads(body)
        # As a server says that keeps spans itself; else the client sends them a second time, as a file.
        trace["trace"]["trace_info"].setdefault("tags", {})[SPANS_LOCATION] = "TRACKING_STORE"
        return JSON, json.dumps(trace).encode()
    if path.startswith(("/runs", "/api/")):
        return JSON, b"{}"
    return "application/x-protobuf", b""


def _unzstd(body):
    import zstandard

    with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(body)) as stream:
        return stream.read()


DECODERS = {"gzip": gzip.decompress, "deflate": zlib.decompress, "zstd": _unzstd}


def read(path, kind, body, spans, users):
    """Adds to *spans*, by id, whether each names a user; *users*: the traces of which that was said apart."""
    if path.endswith("/multipart"):
        read_multipart(body, spans)
    elif path.endswith("/batch"):
        for run in json.loads(body).get("post", ()):
            spans[run["id"]] = "user_id" in json.dumps(run.get("extra"))
    elif path.endswith(MLFLOW_TRACES):
        info = json.loads(body)["trace"]["trace_info"]
        if "mlflow.trace.user" in info.get("trace_metadata", {}):
            users.add(bytes.fromhex(info["trace_id"].removeprefix("tr-")))
    elif not kind.startswith(JSON):
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    named = any(each.key in USER_KEYS for each in span.attributes)
                    spans[span.span_id] = named or span.trace_id in users


def decoded(encoding, body):
    """A body as it was before it was compressed."""
    return DECODERS.get(encoding, bytes)(body)


def read_multipart(body, spans):
    """Runs that began, and whether what LangSmith calls their extra names a user."""
    parts = list(_PART.finditer(body))
    ends = [part.start() for part in parts[1:]] + [len(body)]
    for part, end in zip(parts, ends, strict=True):
        operation, run, field = part.groups()
        if operation == b"post":
            named = field == b"extra" and body.find(b'"user_id"', part.end(), end) >= 0
            spans[run] = spans.get(run, False) or named


def count_otlp(body):
    """Spans in an OTLP request that is not compressed, by the lengths of its fields alone."""
    count = 0
    for start, end in _fields(body, 0, len(body), 1):
        for inner, last in _fields(body, start, end, 2):
            count += sum(1 for _ in _fields(body, inner, last, 2))
    return count


def _fields(body, at, end, wanted):
    """Where the fields of this number begin and end; all fields of these messages have a length."""
    while at < end:
        number = body[at] >> 3
        at, size = at + 1, 0
        for shift in range(0, 64, 7):
            byte = body[at]
            at += 1
            size |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
        if number == wanted:
            yield at, at + size
        at += size
