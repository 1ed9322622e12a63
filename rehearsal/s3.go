package rehearsal

import (
	"bufio"
	"bytes"
	"crypto/md5" // S3's entity tag is this
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// storedObject is the version of an object that is shown. Those that a bucket
// with versioning keeps beside it are in versions.go.
type storedObject struct {
	content  []byte
	header   http.Header // those that GetObject gives back
	tag      string
	modified time.Time
}

func s3Service() *service {
	onBucket := func(f func(*request, *Resource) (any, error)) operation {
		return func(r *request, w http.ResponseWriter) (any, error) {
			bucket, err := r.bucket()
			if bucket.Account == r.account {
				w.Header().Set("X-Amz-Bucket-Region", bucket.Region)
			}
			if err != nil {
				return nil, err
			}
			result, err := f(r, &bucket)
			if result == nil && err == nil {
				w.WriteHeader(http.StatusOK)
			}
			return result, err
		}
	}
	return &service{
		protocol:  restXML,
		namespace: "http://s3.amazonaws.com/doc/2006-03-01/",
		name:      nameS3,
		operations: map[string]operation{
			"ListBuckets":          reading(listBuckets),
			"CreateBucket":         createBucket,
			"DeleteBucket":         deleteBucket,
			"HeadBucket":           onBucket(func(*request, *Resource) (any, error) { return nil, nil }),
			"GetBucketLocation":    onBucket(getBucketLocation),
			"GetBucketEncryption":  onBucket(getBucketEncryption),
			"GetBucketVersioning":  onBucket(getBucketVersioning),
			"GetBucketTagging":     onBucket(getBucketTagging),
			"GetPublicAccessBlock": onBucket(getPublicAccessBlock),
			"ListObjectsV2":        onBucket(listObjects),
			"ListObjects":          onBucket(listObjects),
			"GetObjectVersions":    onBucket(listVersions),
			"DeleteObjects":        onBucket(deleteObjects),
			"PutObject":            putObject,
			"GetObject":            getObject,
			"HeadObject":           getObject,
			"DeleteObject":         deleteObject,

			"CreateMultipartUpload":   onBucket(createMultipartUpload),
			"UploadPart":              uploadPart,
			"CompleteMultipartUpload": onBucket(completeMultipartUpload),
			"AbortMultipartUpload":    abortMultipartUpload,
		},
	}
}

// subresources are the parameters that make another operation of a request.
var subresources = map[string]string{
	"location": "BucketLocation", "encryption": "BucketEncryption", "versioning": "BucketVersioning", "policy": "BucketPolicy",
	"tagging": "BucketTagging", "publicAccessBlock": "PublicAccessBlock", "lifecycle": "BucketLifecycleConfiguration",
	"acl": "BucketAcl", "cors": "BucketCors", "versions": "ObjectVersions", "uploads": "MultipartUploads", "notification": "BucketNotificationConfiguration",
	"logging": "BucketLogging", "website": "BucketWebsite", "ownershipControls": "BucketOwnershipControls",
}

// nameS3 tells S3's operations apart, which only path, method and parameters
// do, and puts bucket and key into the path parameters.
func nameS3(r *request) string {
	bucket, object := splitBucket(r.http)
	r.path = map[string]string{"Bucket": bucket, "Key": object}
	verb := map[string]string{
		http.MethodGet: "Get", http.MethodPut: "Put", http.MethodDelete: "Delete", http.MethodPost: "Post", http.MethodHead: "Head",
	}[r.http.Method]
	switch {
	case object != "" && verb == "Post" && r.form.Has("uploads"):
		return "CreateMultipartUpload"
	case object != "" && r.form.Has("uploadId") && r.http.Header.Get("X-Amz-Copy-Source") != "":
		return "UploadPartCopy"
	case object != "" && r.form.Has("uploadId"):
		return map[string]string{
			"Post": "CompleteMultipartUpload", "Put": "UploadPart", "Delete": "AbortMultipartUpload", "Get": "ListParts",
		}[verb]
	}
	for parameter, name := range subresources {
		if r.form.Has(parameter) {
			if object != "" {
				name = "Object" + strings.TrimPrefix(name, "Bucket")
			}
			return verb + name
		}
	}
	switch {
	case bucket == "":
		if verb == "Get" {
			return "ListBuckets"
		}
		return ""
	case object == "" && verb == "Get" && r.form.Get("list-type") == "2":
		return "ListObjectsV2"
	case object == "" && verb == "Get":
		return "ListObjects"
	case object == "" && verb == "Put":
		return "CreateBucket"
	case object == "" && verb == "Post" && r.form.Has("delete"):
		return "DeleteObjects"
	case object == "":
		return verb + "Bucket"
	case verb == "Put" && r.http.Header.Get("X-Amz-Copy-Source") != "":
		return "CopyObject"
	default:
		return verb + "Object"
	}
}

// splitBucket reads bucket and key from the path, or the bucket from the host.
func splitBucket(r *http.Request) (bucket, object string) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	if net.ParseIP(host) == nil {
		for _, marker := range []string{".s3.", ".s3-", ".localhost"} {
			if at := strings.Index(host, marker); at > 0 {
				return host[:at], path
			}
		}
	}
	bucket, object, _ = strings.Cut(path, "/")
	return bucket, object
}

// bucket finds the request's bucket, which must belong to the caller's account:
// bucket policies that let others in are not evaluated.
func (r *request) bucket() (Resource, error) {
	name := r.path["Bucket"]
	bucket, found := r.store.find(place{}, "AWS::S3::Bucket", name)
	if !found {
		return bucket, refuse(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	}
	owner := r.http.Header.Get("X-Amz-Expected-Bucket-Owner")
	if bucket.Account != r.account || (owner != "" && owner != bucket.Account) {
		return bucket, refuse(http.StatusForbidden, "AccessDenied", "Access Denied")
	}
	if bucket.Region != r.region && r.operation != "GetBucketLocation" {
		// Only its location is told from every region.
		return bucket, refuse(http.StatusBadRequest, "AuthorizationHeaderMalformed", "The authorization header is malformed; the region '%s' is wrong; expecting '%s'", r.region, bucket.Region)
	}
	return bucket, nil
}

// listBuckets lists the account's buckets, all or those of a region, page by page where a page's size is asked
// for.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
func listBuckets(r *request) (any, error) {
	of := "s3" + r.account + r.form.Get("bucket-region") + "*" + r.form.Get("prefix")
	var buckets []object
	if token := r.form.Get("continuation-token"); token != "" {
		var found bool
		if buckets, found = r.server.objectLists.rest(of, token); !found {
			return nil, refuse(http.StatusBadRequest, "InvalidArgument", "The continuation token provided is incorrect")
		}
	} else {
		buckets = r.store.buckets(func(b *Resource) bool {
			region := r.form.Get("bucket-region")
			return b.Account == r.account && (region == "" || region == b.Region) && strings.HasPrefix(b.Name, r.form.Get("prefix"))
		})
	}
	next := ""
	if most, err := strconv.Atoi(r.form.Get("max-buckets")); err == nil && most > 0 {
		buckets, next = r.server.objectLists.page(of, buckets, most)
	}
	return document{"ListAllMyBucketsResult", object{
		"Owner": object{"ID": hashed([]byte(r.account))}, "Buckets": object{"Bucket": flat(buckets)}, "ContinuationToken": orNil(next),
	}}, nil
}

func (s *store) buckets(meets func(*Resource) bool) (buckets []object) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, b := range s.held(func(b *Resource) bool { return b.Type == "AWS::S3::Bucket" && meets(b) }) {
		buckets = append(buckets, object{"Name": b.Name, "CreationDate": b.Created, "BucketRegion": b.Region})
	}
	return buckets
}

func createBucket(r *request, w http.ResponseWriter) (any, error) {
	name := r.path["Bucket"]
	made := &Resource{
		Account: r.account, Region: r.region, Type: "AWS::S3::Bucket", Name: name,
		Properties: object{"BucketName": name}, seed: name,
	}
	if namespace := r.http.Header.Get("X-Amz-Bucket-Namespace"); namespace != "" {
		made.Properties["BucketNamespace"] = namespace
	}
	if taken, found := r.store.find(place{}, made.Type, name); found {
		if taken.Account == r.account {
			return nil, refuse(http.StatusConflict, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
		}
		return nil, refuse(http.StatusConflict, "BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")
	}
	if err := r.store.create(made); err != nil {
		if exceeded, ok := errors.AsType[*overQuota](err); ok {
			return nil, exceeded.refusal()
		}
		return nil, refuse(http.StatusBadRequest, "InvalidBucketName", "The specified bucket is not valid.")
	}
	w.Header().Set("Location", "/"+name)
	w.WriteHeader(http.StatusOK)
	return nil, nil
}

func deleteBucket(r *request, w http.ResponseWriter) (any, error) {
	bucket, err := r.bucket()
	if err != nil {
		return nil, err
	}
	if err := r.store.remove(place{bucket.Account, bucket.Region}, bucket.Type, bucket.PhysicalID); err != nil {
		return nil, refuse(http.StatusConflict, "BucketNotEmpty", "The bucket you tried to delete is not empty")
	}
	w.WriteHeader(http.StatusNoContent)
	return nil, nil
}

func getBucketLocation(_ *request, bucket *Resource) (any, error) {
	region := bucket.Region
	if region == "us-east-1" {
		// The oldest region has no constraint.
		region = ""
	}
	return leaf{"LocationConstraint", region}, nil
}

// getBucketEncryption gives the default encryption that every bucket has had
// since 2023, where the bucket names none.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html
func getBucketEncryption(_ *request, bucket *Resource) (any, error) {
	encryption := object{"SSEAlgorithm": "AES256"}
	configured, _ := bucket.Properties["BucketEncryption"].(object)
	for _, each := range listOf(configured["ServerSideEncryptionConfiguration"]) {
		one, _ := each.(object)
		if byDefault, given := one["ServerSideEncryptionByDefault"].(object); given {
			encryption = byDefault
		}
	}
	return document{"ServerSideEncryptionConfiguration", object{"Rule": object{"ApplyServerSideEncryptionByDefault": encryption}}}, nil
}

func getBucketVersioning(_ *request, bucket *Resource) (any, error) {
	content := object{}
	if configured, given := bucket.Properties["VersioningConfiguration"].(object); given {
		content["Status"] = configured["Status"]
	}
	return document{"VersioningConfiguration", content}, nil
}

func getBucketTagging(_ *request, bucket *Resource) (any, error) {
	tags := listOf(bucket.Properties["Tags"])
	if len(tags) == 0 {
		return nil, refuse(http.StatusNotFound, "NoSuchTagSet", "The TagSet does not exist")
	}
	var set []object
	for _, tag := range tags {
		set = append(set, tag.(object))
	}
	return document{"Tagging", object{"TagSet": object{"Tag": flat(set)}}}, nil
}

func getPublicAccessBlock(_ *request, bucket *Resource) (any, error) {
	// New buckets block public access unless they say otherwise.
	content := object{"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true}
	if configured, given := bucket.Properties["PublicAccessBlockConfiguration"].(object); given {
		content = configured
	}
	return document{"PublicAccessBlockConfiguration", content}, nil
}

// listObjects answers both versions of the call, page by page.
func listObjects(r *request, bucket *Resource) (any, error) {
	r.store.mu.RLock()
	defer r.store.mu.RUnlock()
	prefix, delimiter := r.form.Get("prefix"), r.form.Get("delimiter")
	after := max(r.form.Get("start-after"), r.form.Get("continuation-token"), r.form.Get("marker"))
	most, err := strconv.Atoi(r.form.Get("max-keys"))
	if err != nil || most > 1000 {
		most = 1000
	}
	var keys []string
	for name := range r.store.objects[bucket.Name] {
		if strings.HasPrefix(name, prefix) && name > after {
			keys = append(keys, name)
		}
	}
	slices.Sort(keys)
	encode := func(s string) string { return s }
	result := object{"Name": bucket.Name, "Prefix": prefix, "MaxKeys": most, "IsTruncated": false}
	if r.form.Get("encoding-type") == "url" {
		encode, result["EncodingType"] = signingEscape, "url"
	}
	var contents, groups flat
	last, group := "", ""
	for _, name := range keys {
		if delimiter != "" {
			if at := strings.Index(name[len(prefix):], delimiter); at >= 0 {
				common := name[:len(prefix)+at+len(delimiter)]
				if common == group {
					last = name
					continue
				}
				if len(contents)+len(groups) < most {
					group = common
					groups = append(groups, object{"Prefix": encode(common)})
					last = name
					continue
				}
			}
		}
		if len(contents)+len(groups) == most {
			result["IsTruncated"], result["NextContinuationToken"], result["NextMarker"] = true, last, last
			break
		}
		stored := r.store.objects[bucket.Name][name]
		contents = append(contents, object{
			"Key": encode(name), "LastModified": stored.modified, "ETag": stored.tag, "Size": len(stored.content), "StorageClass": "STANDARD",
		})
		last = name
	}
	result["KeyCount"], result["Contents"], result["CommonPrefixes"] = len(contents)+len(groups), contents, groups
	return document{"ListBucketResult", result}, nil
}

func deleteObjects(r *request, bucket *Resource) (any, error) {
	var asked struct {
		Object []struct{ Key, VersionId string }
		Quiet  bool
	}
	if err := xml.Unmarshal(r.body, &asked); err != nil {
		return nil, refuse(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	var deleted flat
	if len(asked.Object) > 1000 {
		return nil, refuse(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	for _, one := range asked.Object {
		r.store.deleteVersion(bucket, one.Key, one.VersionId)
		if !asked.Quiet {
			deleted = append(deleted, object{"Key": one.Key, "VersionId": orNil(one.VersionId)})
		}
	}
	return document{"DeleteResult", object{"Deleted": deleted}}, nil
}

func newObject(content []byte, header http.Header) *storedObject {
	sum := md5.Sum(content)
	stored := &storedObject{
		content: content, header: http.Header{}, tag: `"` + hex.EncodeToString(sum[:]) + `"`, modified: time.Now().UTC().Truncate(time.Second),
	}
	for _, name := range keptHeaders {
		if value := header.Get(name); value != "" {
			stored.header.Set(name, value)
		}
	}
	if coding := strings.TrimPrefix(strings.TrimPrefix(stored.header.Get("Content-Encoding"), "aws-chunked"), ","); coding == "" {
		// The coding in which SDKs send is not the object's.
		stored.header.Del("Content-Encoding")
	} else {
		stored.header.Set("Content-Encoding", coding)
	}
	for name, values := range header {
		if strings.HasPrefix(name, "X-Amz-Meta-") {
			stored.header[name] = values
		}
	}
	return stored
}

// keptHeaders are given back by GetObject as they were put.
var keptHeaders = []string{"Content-Type", "Content-Encoding", "Content-Disposition", "Content-Language", "Cache-Control", "Expires"}

func putObject(r *request, w http.ResponseWriter) (any, error) {
	bucket, err := r.bucket()
	if err != nil {
		return nil, err
	}
	content, err := payload(r)
	if err != nil {
		return nil, err
	}
	stored := newObject(content, r.http.Header)
	sum := md5.Sum(content)
	if want := r.http.Header.Get("Content-Md5"); want != "" && want != base64.StdEncoding.EncodeToString(sum[:]) {
		return nil, refuse(http.StatusBadRequest, "BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	held := r.store.objects[bucket.Name]
	if held == nil {
		return nil, refuse(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	}
	if r.http.Header.Get("If-None-Match") == "*" && held[r.path["Key"]] != nil {
		return nil, refuse(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	}
	if id := r.store.supersede(&bucket, r.path["Key"], false); id != "" {
		w.Header().Set("X-Amz-Version-Id", id)
	}
	held[r.path["Key"]] = stored
	w.Header().Set("Etag", stored.tag)
	w.WriteHeader(http.StatusOK)
	return nil, nil
}

// payload is the object's content, out of the chunks in which SDKs send it, and
// compared with its checksum.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
func payload(r *request) ([]byte, error) {
	content, trailer := r.body, http.Header{}
	if strings.HasPrefix(r.http.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		var err error
		if content, trailer, err = unchunk(r.body); err != nil {
			return nil, refuse(http.StatusBadRequest, "IncompleteBody", "The request body terminated unexpectedly: %v", err)
		}
		if want := r.http.Header.Get("X-Amz-Decoded-Content-Length"); want != "" && want != strconv.Itoa(len(content)) {
			return nil, refuse(http.StatusBadRequest, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header")
		}
	}
	const name = "X-Amz-Checksum-Crc32"
	if want := orElse(trailer.Get(name), r.http.Header.Get(name)); want != "" {
		sum := crc32.ChecksumIEEE(content)
		if want != base64.StdEncoding.EncodeToString([]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}) {
			return nil, refuse(http.StatusBadRequest, "BadDigest", "The CRC32 you specified did not match the calculated checksum.")
		}
	}
	return content, nil
}

// unchunk reads the aws-chunked encoding: size in hex, perhaps a signature,
// the bytes; after the empty chunk the trailing headers.
func unchunk(body []byte) ([]byte, http.Header, error) {
	in, trailer := bufio.NewReader(bytes.NewReader(body)), http.Header{}
	var content []byte
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, nil, err
		}
		number, _, _ := strings.Cut(strings.TrimSpace(line), ";")
		size, err := strconv.ParseUint(number, 16, 31)
		if err != nil {
			return nil, nil, fmt.Errorf("chunk size %q: %w", number, err)
		}
		if size == 0 {
			break
		}
		chunk := make([]byte, size+2)
		if _, err := io.ReadFull(in, chunk); err != nil {
			return nil, nil, err
		}
		content = append(content, chunk[:size]...)
	}
	for {
		line, err := in.ReadString('\n')
		if name, value, found := strings.Cut(line, ":"); found {
			trailer.Set(name, strings.TrimSpace(value))
		}
		if err != nil {
			return content, trailer, nil
		}
	}
}

func getObject(r *request, w http.ResponseWriter) (any, error) {
	bucket, err := r.bucket()
	if err != nil {
		return nil, err
	}
	r.store.mu.RLock()
	stored := r.store.objects[bucket.Name][r.path["Key"]]
	r.store.mu.RUnlock()
	if stored == nil {
		return nil, refuse(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
	}
	for name, values := range stored.header {
		w.Header()[name] = values
	}
	w.Header().Set("Etag", stored.tag)
	http.ServeContent(w, r.http, "", stored.modified, bytes.NewReader(stored.content))
	return nil, nil
}

func deleteObject(r *request, w http.ResponseWriter) (any, error) {
	bucket, err := r.bucket()
	if err != nil {
		return nil, err
	}
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	r.store.deleteVersion(&bucket, r.path["Key"], r.form.Get("versionId"))
	w.WriteHeader(http.StatusNoContent)
	return nil, nil
}

// object reads what a URL of CloudFormation's TemplateURL names, in any of the
// forms that S3 has, and in that of this endpoint.
func (s *store) object(account, address string) ([]byte, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	bucket, name := splitBucket(&http.Request{Host: parsed.Host, URL: parsed})
	s.mu.RLock()
	defer s.mu.RUnlock()
	held := s.get(place{}, "AWS::S3::Bucket", bucket)
	if held == nil || s.objects[bucket][name] == nil {
		return nil, reason("S3 error: The specified key does not exist")
	}
	if held.Account != account {
		return nil, reason("S3 error: Access Denied")
	}
	return s.objects[bucket][name].content, nil
}
