// Prints the protobuf field numbers of every Kubernetes type that a client can send, for the server to decode:
//
//	go mod tidy && go run . > ../../kubelab/engine/apiserver/protobuf_fields.txt
//
// One line for each message: its name as OpenAPI has it, then number=field for each field. "!" after a number
// keeps zero values (pointers, and fields that JSON always has); "number=~type" is an embedded message, whose
// fields JSON has in its parent.
package main

import (
	"fmt"
	"reflect"
	"sort"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
)

var groups = map[string]bool{
	"": true, "apps": true, "events.k8s.io": true, "authentication.k8s.io": true, "authorization.k8s.io": true,
	"autoscaling": true, "batch": true, "networking.k8s.io": true, "policy": true,
	"rbac.authorization.k8s.io": true, "storage.k8s.io": true, "scheduling.k8s.io": true,
	"coordination.k8s.io": true, "node.k8s.io": true, "discovery.k8s.io": true,
}

// Types with a JSON form of their own; the decoder knows them.
var special = map[string]bool{
	"Time": true, "MicroTime": true, "Duration": true, "Quantity": true, "IntOrString": true,
	"RawExtension": true, "FieldsV1": true,
}

// Types that no served kind contains.
var unserved = map[string]bool{
	"ComponentStatus": true, "RangeAllocation": true, "SerializedReference": true, "IPAddress": true, "ServiceCIDR": true,
	"NodeProxyOptions": true, "PodAttachOptions": true, "PodExecOptions": true, "PodLogOptions": true,
	"PodPortForwardOptions": true, "PodProxyOptions": true, "ServiceProxyOptions": true,
}

var versions = map[string]bool{"v1": true, "v2": true}

var lines = map[string]string{}

func main() {
	for gvk, kind := range scheme.Scheme.AllKnownTypes() {
		if groups[gvk.Group] && versions[gvk.Version] && !strings.HasSuffix(gvk.Kind, "List") &&
			strings.HasPrefix(kind.PkgPath(), "k8s.io/api/") {
			visit(kind)
		}
	}
	for _, value := range []any{metav1.DeleteOptions{}, policyv1.Eviction{}, autoscalingv1.Scale{}, authenticationv1.TokenRequest{}} {
		visit(reflect.TypeOf(value))
	}
	names := make([]string, 0, len(lines))
	for name := range lines {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Println(name + lines[name])
	}
}

func name(of reflect.Type) string {
	path := strings.Split(of.PkgPath(), "/")
	path[0] = "io.k8s"
	return strings.Join(path, ".") + "." + of.Name()
}

func visit(of reflect.Type) {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice || of.Kind() == reflect.Map {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct || !strings.HasPrefix(of.PkgPath(), "k8s.io/") || special[of.Name()] || unserved[of.Name()] {
		return
	}
	full := name(of)
	if _, seen := lines[full]; seen {
		return
	}
	lines[full] = ""
	var line strings.Builder
	for i := range of.NumField() {
		field := of.Field(i)
		tag := strings.Split(field.Tag.Get("protobuf"), ",")
		if len(tag) < 2 {
			continue
		}
		visit(field.Type)
		json := strings.Split(field.Tag.Get("json"), ",")
		mark := ""
		if field.Type.Kind() == reflect.Pointer || !strings.Contains(field.Tag.Get("json"), "omit") {
			mark = "!"
		}
		if json[0] == "" {
			fmt.Fprintf(&line, " %s=~%s", tag[1], name(field.Type))
			continue
		}
		fmt.Fprintf(&line, " %s%s=%s", tag[1], mark, json[0])
	}
	lines[full] = line.String()
}
