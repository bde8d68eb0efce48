"""Katib's db manager: the gRPC service that trials push metrics to, over the histories that kubelab keeps.

`__main__` is what its pod runs. The service is ``api.v1.beta1.DBManager`` of katib v0.19.0
(``pkg/apis/manager/v1beta1/api.proto``), on port 6789; instead of a database it reads and writes the trials'
ConfigMaps.
"""
