"""The expander as a gRPC service that a real Cluster Autoscaler calls, and the client of such a service.

`wire` turns options into messages and back, `server` answers, `client` asks; `answering` is what is answered,
without gRPC. Only `server` and `client` need the extra ``grpc``, and all but `answering` need protobuf.
"""
