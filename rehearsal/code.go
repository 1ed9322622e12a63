package rehearsal

import (
	"crypto/sha256"
	"encoding/base64"
)

// codeImage is a function's deployment package as Lambda saw it. A later change
// of the object in S3 does not change the function.
type codeImage struct {
	sha256 string
	size   int
	// content is nil after Load.
	content []byte
}

func imageOf(content []byte) *codeImage {
	sum := sha256.Sum256(content)
	return &codeImage{sha256: base64.StdEncoding.EncodeToString(sum[:]), size: len(content), content: content}
}

// lambdaRefusal is Lambda's refusal, as CloudFormation reports it.
func lambdaRefusal(format string, args ...any) error {
	return handlerError("InvalidRequest", format+" (Service: Lambda, Status Code: 400, Request ID: {request})", args...)
}

// loadFunction reads a function's code.
func loadFunction(s *store, r *Resource) error { return s.loadCode(r, "Code") }

// checkVersion gives a version the code that its function has then. A function
// that has not changed since its latest version has nothing to publish.
// https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
func checkVersion(s *store, r *Resource) error {
	if r.code != nil {
		return nil
	}
	f := s.referred(r, lambdaFunction, r.text("FunctionName"))
	if latest := s.publishedAsItIs(f); latest != nil {
		return handlerError("AlreadyExists", "Version already exists: [%s]. Please modify the function to create a new version. (Service: Lambda, Status Code: 409, Request ID: {request})", latest.PhysicalID)
	}
	r.code = f.code
	functions.of(s, f.Account).publish(r.PhysicalID, f)
	return nil
}

// uploadedPackage is the member of a function's Code that holds, in base64, a package which
// UpdateFunctionCode has brought itself; in a template, ZipFile is source.
const uploadedPackage = "UploadedZipFile"

// uploaded is that package; nil where there is none.
func uploaded(code object) []byte {
	content, err := base64.StdEncoding.DecodeString(textOf(code[uploadedPackage]))
	if err != nil || len(content) == 0 {
		return nil
	}
	return content
}

// loadCode reads the deployment package in a property, which must be there.
func (s *store) loadCode(r *Resource, property string) error {
	code, _ := r.Properties[property].(object)
	bucket, key := textOf(code["S3Bucket"]), textOf(code["S3Key"])
	if bucket == "" {
		r.code = imageOf(append([]byte(textOf(code["ZipFile"])+textOf(code["ImageUri"])), uploaded(code)...))
		return nil
	}
	held := s.get(place{r.Account, r.Region}, "AWS::S3::Bucket", bucket)
	if held == nil {
		return lambdaRefusal("Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist")
	}
	if held.Region != r.Region {
		return lambdaRefusal("Error occurred while GetObject. S3 Error Code: PermanentRedirect. S3 Error Message: The bucket is in this region: %s. Please use this region to retry the request", held.Region)
	}
	stored := s.objects[bucket][key]
	if stored == nil {
		return lambdaRefusal("Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.")
	}
	r.code = imageOf(stored.content)
	return nil
}
