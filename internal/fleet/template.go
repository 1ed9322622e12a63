package fleet

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
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

// Behind is the way from what is live to the program.
type Behind struct {
	// Added, Changed and Removed count resources that a deploy would add, change and remove.
	Added   int `json:"added"`
	Changed int `json:"changed"`
	Removed int `json:"removed"`
	// Commits counts the commits from the live one to the program's; -1 where Git cannot tell.
	Commits int `json:"commits"`
}

// String is the distance for people.
func (b Behind) String() string {
	if b.Added+b.Changed+b.Removed == 0 {
		return "nothing to deploy"
	}
	text := fmt.Sprintf("+%d ~%d -%d resources", b.Added, b.Changed, b.Removed)
	if b.Commits > 0 {
		text += fmt.Sprintf(", %d commits", b.Commits)
	}
	return text
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
