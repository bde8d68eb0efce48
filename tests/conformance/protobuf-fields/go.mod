module protobuf-fields

go 1.26

require k8s.io/client-go v0.37.1
