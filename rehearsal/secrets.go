package rehearsal

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const secretType = "AWS::SecretsManager::Secret"

func secretsManagerService() *service {
	return &service{protocol: json11, operations: map[string]operation{
		"DescribeSecret": reading(describeSecret),
		"GetSecretValue": reading(getSecretValue),
		"ListSecrets":    reading(listSecrets),
		"PutSecretValue": reading(putSecretValue),
	}}
}

// secretState is what secrets hold that was put there, by ARN; the newest is the first.
type secretState struct {
	Versions map[string][]secretVersion `json:",omitempty"`
}

type secretVersion struct {
	ID      string
	String  string `json:",omitempty"`
	Binary  []byte `json:",omitempty"`
	Created time.Time
}

var secretValues = keep[secretState]("secretsmanager")

// secret reads a name, an ARN, or an ARN without the six characters behind the name.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen
func (r *request) secret() (Resource, error) { return r.store.secretNamed(r.at(), r.text("SecretId")) }

func (s *store) secretNamed(at place, id string) (Resource, error) {
	if held, found := s.find(at, secretType, id); found {
		return held, nil
	}
	for _, held := range s.list(at, secretType) {
		if strings.HasPrefix(id, "arn:") && held.PhysicalID[:max(0, len(held.PhysicalID)-7)] == id {
			return held, nil
		}
	}
	return Resource{}, refuse(http.StatusBadRequest, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

// versionsOf are a secret's values, the newest first: those that were put there, then the one that it
// was made with.
func (s *store) versionsOf(secret *Resource) []secretVersion {
	s.mu.RLock()
	put := slices.Clone(secretValues.of(s, secret.Account).Versions[secret.PhysicalID])
	s.mu.RUnlock()
	first := secretVersion{ID: derived(secret.seed, hexDigits, 32), Created: secret.Created}
	generate, generated := secret.Properties["GenerateSecretString"].(object)
	switch {
	case secret.text("SecretString") != "":
		first.String = secret.text("SecretString")
	case generated:
		first.String = generatedSecret(secret.seed, generate)
	default:
		return put
	}
	return append(put, first)
}

// generatedSecret is the same for the same secret, so that nobody has to remember it. Of the rules for
// its characters only the length is kept to.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html
func generatedSecret(seed string, generate object) string {
	length := 32
	if asked, err := strconv.Atoi(textOf(generate["PasswordLength"])); err == nil {
		length = asked
	}
	password := derived(seed+"password", lowerDigits, length)
	key := textOf(generate["GenerateStringKey"])
	if key == "" {
		return password
	}
	filled := object{}
	_ = json.Unmarshal([]byte(textOf(generate["SecretStringTemplate"])), &filled) // a template that is no object is an empty one
	filled[key] = password
	text, _ := json.Marshal(filled)
	return string(text)
}

// getSecretValue gives a version by its id or by its label.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
func getSecretValue(r *request) (any, error) {
	secret, err := r.secret()
	if err != nil {
		return nil, err
	}
	version, labels, err := r.store.secretVersion(&secret, r.text("VersionId"), r.text("VersionStage"))
	if err != nil {
		return nil, err
	}
	out := object{"ARN": secret.PhysicalID, "Name": secret.Name, "VersionId": version.ID, "VersionStages": labels, "CreatedDate": epoch(version.Created)}
	if version.Binary != nil {
		out["SecretBinary"] = version.Binary
	} else {
		out["SecretString"] = version.String
	}
	return out, nil
}

// secretVersion finds a version by its id, or by a label; AWSCURRENT by default.
func (s *store) secretVersion(secret *Resource, id, label string) (found secretVersion, labels []string, err error) {
	label = orElse(label, "AWSCURRENT")
	for i, version := range s.versionsOf(secret) {
		labels := secretLabels(i)
		if id != "" && version.ID == id || id == "" && slices.Contains(labels, label) {
			return version, labels, nil
		}
	}
	if id != "" {
		return found, nil, refuse(http.StatusBadRequest, "ResourceNotFoundException", "Secrets Manager can't find the specified secret value for VersionId: %s", id)
	}
	return found, nil, refuse(http.StatusBadRequest, "ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: %s", label)
}

// secretReference reads what stands behind {{resolve:secretsmanager: in a template: the secret's name or
// ARN, SecretString, a member of its JSON, a label and a version, each of which but the first may be
// left out.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html
func (s *store) secretReference(at place, reference string) (string, error) {
	count := 1
	if strings.HasPrefix(reference, "arn:") {
		count = 7
	}
	parts := strings.Split(reference, ":")
	id := strings.Join(parts[:min(count, len(parts))], ":")
	rest := append(parts[min(count, len(parts)):], make([]string, 4)...)
	secret, err := s.secretNamed(at, id)
	if err != nil {
		return "", serviceFailure("AWSSecretsManager", err)
	}
	version, _, err := s.secretVersion(&secret, rest[3], rest[2])
	if err != nil {
		return "", serviceFailure("AWSSecretsManager", err)
	}
	if rest[1] == "" {
		return version.String, nil
	}
	members := object{}
	if err := json.Unmarshal([]byte(version.String), &members); err != nil {
		return "", reason("Could not parse SecretString JSON")
	}
	value, found := members[rest[1]]
	if !found {
		return "", reason("Could not find a value associated with JSONKey in SecretString")
	}
	return textOf(value), nil
}

// secretLabels are those of the newest version and of the one before it.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html#term_version
func secretLabels(i int) []string {
	return [][]string{{"AWSCURRENT"}, {"AWSPREVIOUS"}, {}}[min(i, 2)]
}

// putSecretValue makes a new version the current one.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
func putSecretValue(r *request) (any, error) {
	if err := r.knows("SecretId", "SecretString", "SecretBinary", "ClientRequestToken"); err != nil {
		return nil, err
	}
	secret, err := r.secret()
	if err != nil {
		return nil, err
	}
	var given struct {
		SecretString, ClientRequestToken *string
		SecretBinary                     []byte
	}
	if err := json.Unmarshal(r.body, &given); err != nil {
		return nil, refuse(http.StatusBadRequest, "SerializationException", "%v", err)
	}
	if (given.SecretString == nil) == (given.SecretBinary == nil) {
		return nil, refuse(http.StatusBadRequest, "InvalidRequestException", "You must provide either SecretString or SecretBinary.")
	}
	version := secretVersion{ID: requestID(), Binary: given.SecretBinary, Created: r.store.now()}
	if given.SecretString != nil {
		version.String = *given.SecretString
	}
	if given.ClientRequestToken != nil {
		version.ID = *given.ClientRequestToken
	}
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	state := secretValues.of(r.store, r.account)
	if state.Versions == nil {
		state.Versions = map[string][]secretVersion{}
	}
	held := state.Versions[secret.PhysicalID]
	if !slices.ContainsFunc(held, func(known secretVersion) bool { return known.ID == version.ID }) {
		state.Versions[secret.PhysicalID] = append([]secretVersion{version}, held...)
	}
	return object{"ARN": secret.PhysicalID, "Name": secret.Name, "VersionId": version.ID, "VersionStages": secretLabels(0)}, nil
}

func secretOf(secret *Resource) object {
	return object{
		"ARN": secret.PhysicalID, "Name": secret.Name, "Description": orNil(secret.text("Description")), "KmsKeyId": orNil(secret.text("KmsKeyId")),
		"CreatedDate": epoch(secret.Created), "LastChangedDate": epoch(secret.Changed), "Tags": tagList(secret),
	}
}

func describeSecret(r *request) (any, error) {
	secret, err := r.secret()
	if err != nil {
		return nil, err
	}
	labels := object{}
	for i, version := range r.store.versionsOf(&secret) {
		if i < 2 {
			labels[version.ID] = secretLabels(i)
		}
	}
	out := secretOf(&secret)
	out["VersionIdsToStages"] = labels
	return out, nil
}

func listSecrets(r *request) (any, error) {
	if r.input["Filters"] != nil {
		return nil, refuse(http.StatusNotImplemented, "NotImplemented", "the rehearsal does not know the filters of secretsmanager ListSecrets")
	}
	secrets := []object{}
	for _, secret := range r.store.list(r.at(), secretType) {
		secrets = append(secrets, secretOf(&secret))
	}
	secrets, next, err := page(r, secrets, 100)
	return object{"SecretList": secrets, "NextToken": orNil(next)}, err
}
