// Command strict decodes manifests from stdin into Kubernetes' and KubeRay's own types, and refuses
// members that those do not have.  Not for whether a cluster would accept their values.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	ray "github.com/ray-project/kuberay/ray-operator/apis/ray/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	failed := false
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		var kind meta.TypeMeta
		if err := yaml.Unmarshal(document, &kind); err != nil {
			panic(err)
		}
		known := map[string]any{
			"ray.io/v1 RayCluster":          &ray.RayCluster{},
			"apps/v1 Deployment":            &apps.Deployment{},
			"v1 Service":                    &core.Service{},
			"policy/v1 PodDisruptionBudget": &policy.PodDisruptionBudget{},
		}
		name := kind.APIVersion + " " + kind.Kind
		target, found := known[name]
		if !found {
			fmt.Println(name, "is not known here")
			failed = true
			continue
		}
		if err := yaml.UnmarshalStrict(document, target); err != nil {
			fmt.Println(name, err)
			failed = true
			continue
		}
		fmt.Println(name, "fits")
	}
	if failed {
		os.Exit(1)
	}
}
