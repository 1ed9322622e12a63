package rehearsal

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"github.com/roadshow-go/roadshow/rehearsal/internal/policy"
	"github.com/roadshow-go/roadshow/stages"
)

const (
	kmsKey   = "AWS::KMS::Key"
	kmsAlias = "AWS::KMS::Alias"
)

// kmsService encrypts nothing: a ciphertext here is what it is of, with the key and the encryption context
// that open it. Who may open it is decided as by AWS.
func kmsService() *service {
	return &service{protocol: json11, operations: map[string]operation{
		"Encrypt":                         reading(encrypt),
		"Decrypt":                         reading(decrypt),
		"ReEncrypt":                       reading(reEncrypt),
		"GenerateDataKey":                 reading(generateDataKey),
		"GenerateDataKeyWithoutPlaintext": reading(generateDataKey),
		"DescribeKey":                     reading(describeKey),
		"GetKeyPolicy":                    reading(getKeyPolicy),
		"GetKeyRotationStatus":            reading(getKeyRotationStatus),
		"ListKeys":                        reading(listKeys),
		"ListAliases":                     reading(listAliases),
	}}
}

// ciphertext is what Encrypt gives, as JSON.
type ciphertext struct {
	Key       string
	Context   map[string]string `json:",omitempty"`
	Plaintext []byte
}

// kmsInput are the parameters of the cryptographic operations.
type kmsInput struct {
	Plaintext, CiphertextBlob                  []byte
	EncryptionContext, SourceEncryptionContext map[string]string
	DestinationEncryptionContext               map[string]string
	KeySpec                                    string
	NumberOfBytes                              int
}

// longestPlaintext is how much Encrypt takes, in bytes.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html
const longestPlaintext = 4096

func (r *request) kmsInput() (kmsInput, error) {
	known := []string{
		"KeyId", "Plaintext", "CiphertextBlob", "EncryptionContext", "SourceEncryptionContext", "DestinationEncryptionContext", "SourceKeyId", "DestinationKeyId",
		"EncryptionAlgorithm", "SourceEncryptionAlgorithm", "DestinationEncryptionAlgorithm", "KeySpec", "NumberOfBytes",
	}
	if !r.flag("DryRun") {
		known = append(known, "DryRun")
	}
	if err := r.knows(known...); err != nil {
		return kmsInput{}, err
	}
	var in kmsInput
	if err := json.Unmarshal(r.body, &in); err != nil {
		return in, refuse(http.StatusBadRequest, "SerializationException", "%v", err)
	}
	for _, name := range []string{"EncryptionAlgorithm", "SourceEncryptionAlgorithm", "DestinationEncryptionAlgorithm"} {
		if algorithm := r.text(name); algorithm != "" && algorithm != "SYMMETRIC_DEFAULT" {
			return in, refuse(http.StatusNotImplemented, "NotImplemented", "the rehearsal does not know the algorithm %s of kms %s", algorithm, r.operation)
		}
	}
	return in, nil
}

// keyNamed finds a key by its id, its ARN, an alias or the ARN of one. The caller holds the store's lock.
// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id
func (s *store) keyNamed(at place, reference string) *Resource {
	if parts := strings.SplitN(reference, ":", 6); len(parts) == 6 {
		at, reference = place{parts[4], parts[3]}, parts[5]
	}
	if strings.HasPrefix(reference, "alias/") {
		alias := s.get(at, kmsAlias, reference)
		if alias == nil {
			return nil
		}
		return s.keyNamed(at, alias.text("TargetKeyId"))
	}
	return s.get(at, kmsKey, strings.TrimPrefix(reference, "key/"))
}

// key finds the key that a request names, for a use of it where it is to be used.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
func (r *request) key(reference string, used bool) (Resource, error) {
	r.store.mu.RLock()
	defer r.store.mu.RUnlock()
	found := r.store.keyNamed(r.at(), reference)
	switch {
	case found == nil && strings.Contains(reference, "alias/"):
		if !strings.HasPrefix(reference, "arn:") {
			reference = arnOf(r.at(), "kms", reference)
		}
		return Resource{}, refuse(http.StatusBadRequest, "NotFoundException", "Alias %s is not found.", reference)
	case found == nil:
		if !strings.HasPrefix(reference, "arn:") {
			reference = arnOf(r.at(), "kms", "key/"+reference)
		}
		return Resource{}, refuse(http.StatusBadRequest, "NotFoundException", "Key '%s' does not exist", reference)
	case used && found.text("Enabled") == "false":
		return Resource{}, refuse(http.StatusBadRequest, "DisabledException", "%s is disabled.", found.attribute("Arn"))
	case used && !encrypts(found):
		return Resource{}, refuse(http.StatusBadRequest, "InvalidKeyUsageException", "%s key usage is %s which is not valid for %s.", found.attribute("Arn"), found.text("KeyUsage"), r.operation)
	}
	return found.copy(), nil
}

func encrypts(key *Resource) bool {
	return orElse(key.text("KeyUsage"), "ENCRYPT_DECRYPT") == "ENCRYPT_DECRYPT" && orElse(key.text("KeySpec"), "SYMMETRIC_DEFAULT") == "SYMMETRIC_DEFAULT"
}

// seal is a ciphertext.
func seal(key *Resource, context map[string]string, plaintext []byte) []byte {
	sealed, _ := json.Marshal(ciphertext{key.attribute("Arn"), context, plaintext}) // of texts and bytes
	return sealed
}

// readCiphertext reads a ciphertext, if it is one.
func readCiphertext(blob []byte) (sealed ciphertext, is bool) {
	err := json.Unmarshal(blob, &sealed)
	return sealed, err == nil && sealed.Key != ""
}

// open gives what a ciphertext is of, if the key and the context are those that it was made with.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
func (r *request) open(blob []byte, reference string, context map[string]string) (key Resource, plaintext []byte, err error) {
	sealed, is := readCiphertext(blob)
	if !is {
		return key, nil, refuse(http.StatusBadRequest, "InvalidCiphertextException", "")
	}
	if key, err = r.key(sealed.Key, true); err != nil {
		return key, nil, err
	}
	if reference != "" {
		named, err := r.key(reference, true)
		if err != nil {
			return key, nil, err
		}
		if named.attribute("Arn") != sealed.Key {
			return key, nil, refuse(http.StatusBadRequest, "IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation.")
		}
	}
	if !maps.Equal(sealed.Context, context) {
		return key, nil, refuse(http.StatusBadRequest, "InvalidCiphertextException", "")
	}
	return key, sealed.Plaintext, nil
}

func encrypt(r *request) (any, error) {
	in, err := r.kmsInput()
	if err != nil {
		return nil, err
	}
	if len(in.Plaintext) == 0 || len(in.Plaintext) > longestPlaintext {
		constraint := "Member must have length less than or equal to 4096"
		if len(in.Plaintext) == 0 {
			constraint = "Member must have length greater than or equal to 1"
		}
		return nil, refuse(http.StatusBadRequest, "ValidationException", "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: %s", constraint)
	}
	key, err := r.key(r.text("KeyId"), true)
	if err != nil {
		return nil, err
	}
	return object{"CiphertextBlob": seal(&key, in.EncryptionContext, in.Plaintext), "KeyId": key.attribute("Arn"), "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}, nil
}

func decrypt(r *request) (any, error) {
	in, err := r.kmsInput()
	if err != nil {
		return nil, err
	}
	key, plaintext, err := r.open(in.CiphertextBlob, r.text("KeyId"), in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	return object{"Plaintext": plaintext, "KeyId": key.attribute("Arn"), "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}, nil
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html
func reEncrypt(r *request) (any, error) {
	in, err := r.kmsInput()
	if err != nil {
		return nil, err
	}
	from, plaintext, err := r.open(in.CiphertextBlob, r.text("SourceKeyId"), in.SourceEncryptionContext)
	if err != nil {
		return nil, err
	}
	to, err := r.key(r.text("DestinationKeyId"), true)
	if err != nil {
		return nil, err
	}
	return object{
		"CiphertextBlob": seal(&to, in.DestinationEncryptionContext, plaintext), "KeyId": to.attribute("Arn"), "SourceKeyId": from.attribute("Arn"),
		"SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT", "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
	}, nil
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html
func generateDataKey(r *request) (any, error) {
	in, err := r.kmsInput()
	if err != nil {
		return nil, err
	}
	length, known := map[string]int{"AES_128": 16, "AES_256": 32, "": in.NumberOfBytes}[in.KeySpec]
	switch {
	case !known:
		return nil, refuse(http.StatusBadRequest, "ValidationException", "1 validation error detected: Value '%s' at 'keySpec' failed to satisfy constraint: Member must satisfy enum value set: [AES_256, AES_128]", in.KeySpec)
	case (in.KeySpec == "") == (r.input["NumberOfBytes"] == nil):
		return nil, refuse(http.StatusBadRequest, "ValidationException", "Please specify either number of bytes or key spec.")
	case length < 1 || length > 1024:
		return nil, refuse(http.StatusBadRequest, "ValidationException", "1 validation error detected: Value '%d' at 'numberOfBytes' failed to satisfy constraint: Member must have value between 1 and 1024", length)
	}
	key, err := r.key(r.text("KeyId"), true)
	if err != nil {
		return nil, err
	}
	made := make([]byte, length)
	_, _ = rand.Read(made) // never fails
	out := object{"CiphertextBlob": seal(&key, in.EncryptionContext, made), "KeyId": key.attribute("Arn")}
	if r.operation == "GenerateDataKey" {
		out["Plaintext"] = made
	}
	return out, nil
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html
func describeKey(r *request) (any, error) {
	key, err := r.key(r.text("KeyId"), false)
	if err != nil {
		return nil, err
	}
	enabled := key.text("Enabled") != "false"
	usage, spec := orElse(key.text("KeyUsage"), "ENCRYPT_DECRYPT"), orElse(key.text("KeySpec"), "SYMMETRIC_DEFAULT")
	metadata := object{
		"AWSAccountId": key.Account, "KeyId": key.PhysicalID, "Arn": key.attribute("Arn"), "CreationDate": epoch(key.Created), "Enabled": enabled,
		"Description": key.text("Description"), "KeyUsage": usage, "KeyState": map[bool]string{true: "Enabled", false: "Disabled"}[enabled],
		"Origin": orElse(key.text("Origin"), "AWS_KMS"), "KeyManager": "CUSTOMER", "KeySpec": spec, "CustomerMasterKeySpec": spec,
		"MultiRegion": key.text("MultiRegion") == "true",
	}
	if encrypts(&key) {
		metadata["EncryptionAlgorithms"] = []string{"SYMMETRIC_DEFAULT"}
	}
	return object{"KeyMetadata": metadata}, nil
}

func getKeyPolicy(r *request) (any, error) {
	if name := orElse(r.text("PolicyName"), "default"); name != "default" {
		return nil, refuse(http.StatusBadRequest, "NotFoundException", "No such policy exists")
	}
	key, err := r.key(r.text("KeyId"), false)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(keyPolicy(&key))
	return object{"Policy": string(text), "PolicyName": "default"}, err
}

func getKeyRotationStatus(r *request) (any, error) {
	key, err := r.key(r.text("KeyId"), false)
	if err != nil {
		return nil, err
	}
	rotates := key.text("EnableKeyRotation") == "true"
	out := object{"KeyId": key.PhysicalID, "KeyRotationEnabled": rotates}
	if rotates {
		days, err := strconv.Atoi(orElse(key.text("RotationPeriodInDays"), "365"))
		if err != nil {
			return nil, err
		}
		out["RotationPeriodInDays"] = days
	}
	return out, nil
}

func listKeys(r *request) (any, error) {
	keys := []object{}
	for _, key := range r.store.list(r.at(), kmsKey) {
		keys = append(keys, object{"KeyId": key.PhysicalID, "KeyArn": key.attribute("Arn")})
	}
	return marked(r, "Keys", keys)
}

func listAliases(r *request) (any, error) {
	aliases := []object{}
	for _, alias := range r.store.list(r.at(), kmsAlias) {
		target := ""
		if key, err := r.key(alias.text("TargetKeyId"), false); err == nil {
			target = key.PhysicalID
		}
		if of := r.text("KeyId"); of == "" || target == of[strings.LastIndex(of, "/")+1:] {
			aliases = append(aliases, object{"AliasName": alias.Name, "AliasArn": arnOf(r.at(), "kms", alias.Name), "TargetKeyId": target, "CreationDate": epoch(alias.Created)})
		}
	}
	return marked(r, "Aliases", aliases)
}

// marked is a page as KMS gives it: with Limit and Marker.
func marked(r *request, name string, items []object) (any, error) {
	most, err := strconv.Atoi(orElse(r.text("Limit"), "100"))
	if err != nil || most < 1 || most > 1000 {
		return nil, refuse(http.StatusBadRequest, "ValidationException", "1 validation error detected: Value '%s' at 'limit' failed to satisfy constraint: Member must have value between 1 and 1000", r.text("Limit"))
	}
	items, next, err := pageAt(r, items, most, "Marker")
	return object{name: items, "Truncated": next != "", "NextMarker": orNil(next)}, err
}

// keyPolicy is a key's policy, or the one that KMS gives a key without any: it leaves all to the account.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
func keyPolicy(key *Resource) any {
	if document := key.Properties["KeyPolicy"]; document != nil {
		return document
	}
	return object{"Version": "2012-10-17", "Statement": object{
		"Effect": "Allow", "Principal": object{"AWS": "arn:" + stages.Partition(key.Region) + ":iam::" + key.Account + ":root"}, "Action": "kms:*", "Resource": "*",
	}}
}

// kmsRights are those on the keys that a request names, or that its ciphertext was made with.
// https://docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html
func kmsRights() map[string]func(*request) []right {
	named := func(r *request) []right {
		return r.keyRights(r.text("KeyId"), r.encryptionContext("EncryptionContext"), "kms:"+r.operation)
	}
	sealed := func(r *request, reference string) string {
		if blob, is := readCiphertext(r.ciphertext()); is {
			return blob.Key
		}
		return reference
	}
	rows := map[string]func(*request) []right{
		"ListKeys":    onNothing("kms:ListKeys"),
		"ListAliases": onNothing("kms:ListAliases"),
		"Decrypt": func(r *request) []right {
			return r.keyRights(sealed(r, r.text("KeyId")), r.encryptionContext("EncryptionContext"), "kms:Decrypt")
		},
		"ReEncrypt": func(r *request) []right {
			return append(
				r.keyRights(sealed(r, r.text("SourceKeyId")), r.encryptionContext("SourceEncryptionContext"), "kms:ReEncryptFrom"),
				r.keyRights(r.text("DestinationKeyId"), r.encryptionContext("DestinationEncryptionContext"), "kms:ReEncryptTo")...,
			)
		},
	}
	for _, name := range []string{"Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus"} {
		rows[name] = named
	}
	return rows
}

func (r *request) ciphertext() []byte {
	blob, _ := base64.StdEncoding.DecodeString(r.text("CiphertextBlob")) // one that cannot be read is refused by the operation
	return blob
}

// encryptionContext is that of a request.
// https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
func (r *request) encryptionContext(parameter string) map[string]string {
	members, _ := r.input[parameter].(object)
	return textsOf(members)
}

// keyRights are what a request does with a key, itself or through the service that it asks. A key that is
// AWS's own asks for nothing.
// https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
func (r *request) keyRights(reference string, encryption map[string]string, actions ...string) []right {
	if reference == "" {
		return nil
	}
	r.store.mu.RLock()
	defer r.store.mu.RUnlock()
	key := r.store.keyNamed(r.at(), reference)
	if key == nil {
		return nil
	}
	document := keyPolicy(key)
	context := policy.Context{
		"kms:viaservice": nil, "kms:calleraccount": {r.caller.account}, "kms:grantisforawsresource": nil, "kms:encryptioncontext:": nil,
		"kms:encryptioncontextkeys": nil, "kms:keyspec": {orElse(key.text("KeySpec"), "SYMMETRIC_DEFAULT")},
		"kms:keyusage": {orElse(key.text("KeyUsage"), "ENCRYPT_DECRYPT")}, "kms:keyorigin": {orElse(key.text("Origin"), "AWS_KMS")},
		"kms:multiregion": {orElse(key.text("MultiRegion"), "false")}, "kms:bypasspolicylockoutsafetycheck": nil,
		"kms:encryptionalgorithm": {"SYMMETRIC_DEFAULT"}, "kms:requestalias": nil, "kms:resourcealiases": nil,
	}
	if r.service != "kms" {
		context["kms:viaservice"] = []string{r.service + "." + r.region + "." + stages.Domain(r.region)}
	}
	if _, alias, named := strings.Cut(reference, "alias/"); named {
		context["kms:requestalias"] = []string{"alias/" + alias}
	}
	for name, value := range encryption {
		context["kms:encryptioncontext:"+strings.ToLower(name)] = []string{value}
		context["kms:encryptioncontextkeys"] = append(context["kms:encryptioncontextkeys"], name)
	}
	for _, alias := range r.store.held(func(a *Resource) bool {
		return a.Type == kmsAlias && a.Account == key.Account && a.Region == key.Region
	}) {
		if r.store.keyNamed(place{key.Account, key.Region}, alias.text("TargetKeyId")) == key {
			context["kms:resourcealiases"] = append(context["kms:resourcealiases"], alias.Name)
		}
	}
	var needed []right
	for _, action := range actions {
		needed = append(needed, right{
			action: action, resource: key.attribute("Arn"), owner: key.Account, of: func() []any { return []any{document} }, decides: true, tags: tagMap(key),
			context: context,
		})
	}
	return needed
}
