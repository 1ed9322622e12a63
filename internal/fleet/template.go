package fleet

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// template is what is compared of a CloudFormation template.
type template struct {
	digest    string
	resources map[string]resource
}

// resource is one of its resources; text is the whole of it in one form.
type resource struct {
	kind, policy, code string
	properties         map[string]any
	text               string
}

// readTemplate reads a template as package stack writes it.
func readTemplate(text []byte) (template, error) {
	var document map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&document); err != nil {
		return template{}, err
	}
	canonical, err := json.Marshal(document)
	if err != nil {
		return template{}, err
	}
	sum := sha256.Sum256(canonical)
	read := template{digest: hex.EncodeToString(sum[:]), resources: map[string]resource{}}
	resources, _ := document["Resources"].(map[string]any)
	for id, value := range resources {
		one, _ := value.(map[string]any)
		text, err := json.Marshal(one)
		if err != nil {
			return template{}, err
		}
		kind, _ := one["Type"].(string)
		policy, _ := one["DeletionPolicy"].(string)
		properties, _ := one["Properties"].(map[string]any)
		code, _ := properties["Code"].(map[string]any)
		key, _ := code["S3Key"].(string)
		read.resources[id] = resource{kind: kind, policy: policy, code: strings.TrimSuffix(key, ".zip"), properties: properties, text: string(text)}
	}
	return read, nil
}

func (t template) behind(program template) Behind {
	var behind Behind
	for id, want := range program.resources {
		switch got, exists := t.resources[id]; {
		case !exists:
			behind.Added++
		case got.text != want.text:
			behind.Changed++
		}
	}
	for id := range t.resources {
		if _, wanted := program.resources[id]; !wanted {
			behind.Removed++
		}
	}
	return behind
}
